// Image files: header, pixels and transforms.
#include <array>
#include <vector>

#include "fuzz.hpp"
#include "io/image_decode.hpp"
#include "repair.hpp"

namespace {

using namespace winnow;

constexpr const char* name = "input.image";
constexpr std::int64_t max_pixels = 1'000'000;

/// Sizes kept, made smaller, made larger, and only cut.
constexpr std::array<io::ImageTransform, 4> transforms{
    {{.resize = 0, .crop = 0}, {.resize = 9, .crop = 7}, {.resize = 40, .crop = 33}, {8, 8}}};

void decode(std::span<const std::byte> bytes, const io::ImageTransform& transform) {
  const io::ImageShape source = io::probe_image(bytes, name, max_pixels);
  if (source.channels != 3 || source.height < 1 || source.width < 1 ||
      std::int64_t{source.height} * source.width > max_pixels) {
    fuzz::report("shape", name);
  }
  const io::ImageShape shape = io::transformed_shape(source, transform);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.size()));
  io::decode_image(bytes, name, {transform, max_pixels}, shape, pixels);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto& transform = transforms[size == 0 ? 0 : data[size - 1] % transforms.size()];
  const std::span<const std::uint8_t> bytes(data, size);
  fuzz::expect_refusal_or_success(name, [&] { decode(std::as_bytes(bytes), transform); });
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  const std::size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 != 0) fuzz::repair_png({data, mutated});
  return mutated;
}
