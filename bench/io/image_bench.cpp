// Decoding a JPEG, resizing it to 256 and cutting 224 x 224 out of it, against libjpeg-turbo alone
// decoding the same bytes to RGB, row by row, on as many threads.
//
// Limit: `limit_images/s` is libjpeg-turbo's rate; `of_limit` is ours over it. It can exceed 1:
// what the crop does not need is decoded only as far as the Huffman codes, and large images in part
// of their size. Both rates are the best of the repetitions, which take turns, by the time that
// processors spent, so that other programs on the machine matter less.

#include <benchmark/benchmark.h>

#include <cstdio>  // jpeglib.h needs FILE and size_t before it

#include <jpeglib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "io/image_decode.hpp"
#include "unit/io/jpeg_writer.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::io {
namespace {

constexpr ImageTransform transform{.resize = 256, .crop = 224};
constexpr ImageShape transformed{224, 224, 3};

/// Slow waves, and noise of several sizes: fewer details the finer they are, as in photographs.
std::vector<std::uint8_t> photo_like(int height, int width) {
  const auto size = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  std::vector<std::uint8_t> pixels(3 * size);
  for (std::size_t c = 0; c < 3; ++c) {
    std::vector<double> plane(size);
    for (int grain = 64; grain >= 1; grain /= 4) {
      RandomStream random(Seed{1}, "image-bench", static_cast<std::uint64_t>(grain) + 100 * c);
      const int columns = width / grain + 2;
      std::vector<double> noise(static_cast<std::size_t>(columns * (height / grain + 2)));
      for (double& value : noise) value = random.normal();
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const double fy = static_cast<double>(y % grain) / grain;
          const double fx = static_cast<double>(x % grain) / grain;
          const double* corner =
              noise.data() + static_cast<std::ptrdiff_t>(y / grain) * columns + x / grain;
          plane[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                static_cast<std::size_t>(x)] +=
              5.0 * std::sqrt(grain) *
              ((1 - fy) * ((1 - fx) * corner[0] + fx * corner[1]) +
               fy * ((1 - fx) * corner[columns] + fx * corner[columns + 1]));
        }
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      const double wave =
          60.0 * std::sin(2.0 * std::numbers::pi *
                          static_cast<double>(i % static_cast<std::size_t>(width)) / width);
      pixels[3 * i + c] =
          static_cast<std::uint8_t>(std::clamp(120.0 + wave + plane[i], 0.0, 255.0));
    }
  }
  return pixels;
}

/// Quality 90, colours at half the resolution: what most photographs have.
std::string encoded(const std::vector<std::uint8_t>& pixels, int height, int width) {
  return write_jpeg(pixels, height, width,
                    [](jpeg_compress_struct& info) { jpeg_set_quality(&info, 90, TRUE); });
}

/// libjpeg-turbo alone; `pixels` takes the whole image.
void decode_alone(const std::string& bytes, std::vector<std::uint8_t>& pixels) {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): chars to uchar
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  const std::size_t row = std::size_t{3} * info.output_width;
  pixels.resize(row * info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW at = pixels.data() + row * info.output_scanline;
    jpeg_read_scanlines(&info, &at, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Seconds that `work` takes for an image on each of the threads.
template <class Work>
double seconds_of(std::int64_t n_threads, const Work& work) {
  const double start = processor_seconds();
  parallel_blocks(n_threads, silent(), work);
  return (processor_seconds() - start) / static_cast<double>(n_threads);
}

/// What is decoded equals the whole image transformed within the bound that image_decode.hpp
/// states.
bool is_right(const std::string& bytes, int height, int width,
              const std::vector<std::uint8_t>& found) {
  std::vector<std::uint8_t> pixels;
  decode_alone(bytes, pixels);
  std::vector<std::uint8_t> expected(found.size());
  transform_image(pixels, {height, width, 3}, transform, expected);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (std::abs(found[i] - expected[i]) > 2) return false;
  }
  return true;
}

void decode_and_resize(benchmark::State& state) {
  const auto height = static_cast<int>(state.range(0));
  const auto width = static_cast<int>(state.range(1));
  const std::int64_t n_threads = state.range(2);
  set_thread_count(static_cast<int>(n_threads));
  const std::string bytes = encoded(photo_like(height, width), height, width);
  const DecodeOptions options{.transform = transform};
  std::vector<std::vector<std::uint8_t>> found(
      static_cast<std::size_t>(n_threads),
      std::vector<std::uint8_t>(static_cast<std::size_t>(transformed.size())));
  std::vector<std::vector<std::uint8_t>> whole(static_cast<std::size_t>(n_threads));

  double best = std::numeric_limits<double>::infinity();
  double best_alone = best;
  for ([[maybe_unused]] auto step : state) {
    const double seconds = seconds_of(n_threads, [&](std::int64_t i) {
      decode_image(std::as_bytes(std::span(bytes)), "bench.jpg", options, transformed,
                   found[static_cast<std::size_t>(i)]);
    });
    const double alone = seconds_of(n_threads, [&](std::int64_t i) {
      decode_alone(bytes, whole[static_cast<std::size_t>(i)]);
    });
    best = std::min(best, seconds);
    best_alone = std::min(best_alone, alone);
    state.SetIterationTime(seconds);
  }
  if (!is_right(bytes, height, width, found.back())) state.SkipWithError("wrong pixels");
  const auto n = static_cast<double>(n_threads);
  state.counters["KB"] = static_cast<double>(bytes.size()) / 1e3;
  state.counters["images/s"] = n / best;
  state.counters["limit_images/s"] = n / best_alone;
  state.counters["of_limit"] = best_alone / best;
}
BENCHMARK(decode_and_resize)
    ->ArgNames({"height", "width", "threads"})
    ->Args({375, 500, 1})
    ->Args({375, 500, 2})
    ->Args({1500, 2000, 1})
    ->Args({1500, 2000, 2})
    ->Args({3024, 4032, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

}  // namespace
}  // namespace winnow::io
