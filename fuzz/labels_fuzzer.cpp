// Label files: CSV, JSONL and .npy, by themselves and joined to a dataset by name.
#include <algorithm>
#include <array>

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/dataset.hpp"

namespace {

using namespace winnow;

/// Three examples whose keys share their ends.
class Examples final : public io::Dataset {
 public:
  Examples() {
    name_ = "examples";
    seal();
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(keys.size()); }
  std::string key(std::int64_t id) const override { return keys.at(static_cast<std::size_t>(id)); }
  bool has_images() const override { return false; }
  io::ImageShape image_shape() const override { return {}; }
  void read_images(std::span<const std::int64_t> /*ids*/,
                   std::span<std::uint8_t> /*out*/) const override {}
  io::EncodedImage encoded_image(std::int64_t /*id*/) const override { return {}; }

 private:
  static constexpr std::array<const char*, 3> keys = {"cat/1.png", "cat/2.png", "dog/1.png"};
};

void check(const io::Labels& labels, const std::string& path) {
  const auto classes = static_cast<std::int32_t>(labels.class_names.size());
  const bool in_range =
      std::all_of(labels.values.begin(), labels.values.end(),
                  [&](std::int32_t label) { return label >= 0 && label < classes; });
  if (labels.values.empty() || !in_range) fuzz::report("labels out of range", path);
}

void read(const std::string& path) {
  static const Examples examples;
  fuzz::expect_refusal_or_success(path, [&] { check(io::read_labels(path), path); });
  fuzz::expect_refusal_or_success(path, [&] {
    const io::Labels labels = io::join_labels(examples, path, "");
    if (labels.values.size() != 3) fuzz::report("labels of another length", path);
    check(labels, path);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  static fuzz::MemoryFolder folder;
  static const std::string csv = folder.link("labels.csv", file);
  static const std::string jsonl = folder.link("labels.jsonl", file);
  static const std::string npy = folder.link("labels.npy", file);
  file.assign({data, size});
  const bool starts_as_json = size > 0 && data[0] == '{';
  const bool starts_as_npy = size > 0 && data[0] == 0x93;
  read(starts_as_json ? jsonl : starts_as_npy ? npy : csv);
  return 0;
}
