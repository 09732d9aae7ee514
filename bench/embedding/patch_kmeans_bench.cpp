// Encoding of 28 x 28 images by the default patch-kmeans dictionary, up to the pooled code.
//
// Limit: the two products of every image, 2 P q (w + q) operations (P = 529 patches of q = 36
// numbers, w = 600 words), at oneDNN's own rate for the same shapes, measured in the same run.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>

#include "embedding/patch_dictionary.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::embedding {
namespace {

constexpr std::int64_t images = 512;
constexpr io::ImageShape shape{28, 28, 1};

std::vector<std::uint8_t> random_images() {
  RandomStream stream(Seed{0}, "encode-bench");
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(images * shape.size()));
  for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(stream.below(256));
  return pixels;
}

PatchDictionary random_dictionary() {
  RandomStream stream(Seed{0}, "dictionary-bench");
  PatchDictionary dictionary;
  dictionary.shape = shape;
  dictionary.patch_size = 6;
  dictionary.mean.assign(36, 0.0F);
  dictionary.whitening = Matrix<float>(36, 36);
  for (std::int64_t i = 0; i < 36; ++i) dictionary.whitening(i, i) = 1.0F;
  dictionary.words = Matrix<float>(600, 36);
  for (std::int64_t j = 0; j < 600; ++j) {
    float squared = 0.0F;
    for (float& value : dictionary.words.row(j)) {
      value = static_cast<float>(stream.normal());
      squared += value * value;
    }
    dictionary.words_squared.push_back(squared);
  }
  return dictionary;
}

double seconds_of_products(const PatchDictionary& dictionary) {
  const auto start = std::chrono::steady_clock::now();
  parallel_blocks(images, silent(), [&](std::int64_t /*image*/) {
    thread_local Matrix<float> patches(529, 36);
    thread_local Matrix<float> whitened(529, 36);
    thread_local Matrix<float> products(529, 600);
    using numerics::Transpose;
    numerics::product(patches, Transpose::no, dictionary.whitening, Transpose::no, whitened);
    numerics::product(whitened, Transpose::no, dictionary.words, Transpose::yes, products);
  });
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The first image's code by plain loops in double.
bool is_code(const PatchDictionary& dictionary, std::span<const std::uint8_t> image,
             std::span<const float> code) {
  std::vector<double> expected(code.size());
  std::vector<float> patch(36);
  for (std::int64_t y = 0; y < 23; ++y) {
    for (std::int64_t x = 0; x < 23; ++x) {
      normalized_patch(image, shape, y, x, 6, patch);
      std::vector<double> z(600);
      double mean = 0.0;
      for (std::size_t j = 0; j < 600; ++j) {
        double squared = 0.0;
        for (std::size_t i = 0; i < 36; ++i) {
          const double difference = patch[i] - dictionary.words(static_cast<std::int64_t>(j),
                                                                static_cast<std::int64_t>(i));
          squared += difference * difference;
        }
        z[j] = std::sqrt(squared);
        mean += z[j] / 600.0;
      }
      const std::size_t quadrant = (2 * y >= 23 ? 2U : 0U) + (2 * x >= 23 ? 1U : 0U);
      for (std::size_t j = 0; j < 600; ++j) {
        expected[quadrant * 600 + j] += std::max(0.0, mean - z[j]);
      }
    }
  }
  for (std::size_t j = 0; j < code.size(); ++j) {
    if (std::abs(expected[j] - code[j]) > 1e-3 * (1.0 + expected[j])) return false;
  }
  return true;
}

void encode(benchmark::State& state) {
  const std::vector<std::uint8_t> pixels = random_images();
  const PatchDictionary dictionary = random_dictionary();
  const auto size = static_cast<std::size_t>(shape.size());
  Matrix<float> codes(images, dictionary.code_length());
  double encoding = 0.0;
  double limit = 0.0;
  for ([[maybe_unused]] auto step : state) {
    state.PauseTiming();
    limit += seconds_of_products(dictionary);
    codes = Matrix<float>(images, dictionary.code_length());
    state.ResumeTiming();
    const auto start = std::chrono::steady_clock::now();
    parallel_blocks(images, silent(), [&](std::int64_t i) {
      thread_local PatchDictionary::Scratch scratch;
      dictionary.encode({pixels.data() + static_cast<std::size_t>(i) * size, size}, scratch,
                        codes.row(i));
    });
    encoding += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  if (!is_code(dictionary, {pixels.data(), size}, codes.row(0))) state.SkipWithError("wrong code");
  const double done = static_cast<double>(images) * static_cast<double>(state.iterations());
  constexpr double operations = 2.0 * 529 * 36 * (600 + 36);
  state.counters["images/s"] = done / encoding;
  state.counters["GFLOP/s"] = done * operations / encoding / 1e9;
  state.counters["limit_images/s"] = done / limit;
  state.counters["of_limit"] = limit / encoding;
}
BENCHMARK(encode)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace winnow::embedding
