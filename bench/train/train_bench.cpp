// One training step of every learner, in images per second, with the counted floating-point
// operations beside it. Each training also has to learn its (easy) data.
//
// Limit: bench_numerics' product on one thread for linear and mlp. linear reads 2 kB of scattered
// memory an example and multiplies it with 10 columns only, so that its limit is memory: `GB/s`
// of rows against one core's. resnet8 has convolutions of 16 to 64 channels, which oneDNN runs in
// bf16; what is left is bound by the cache bandwidth of normalisation, sums and ReLUs.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/train/learner.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {
namespace {

constexpr std::int32_t classes = 10;

std::vector<std::int64_t> all(std::int64_t n) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  return ids;
}

/// Clouds of unit variance, 10 deviations from the origin along an axis each.
struct Rows {
  Matrix<float> values;
  std::vector<std::int32_t> labels;

  explicit Rows(std::int64_t n) : values(n, 512) {
    RandomStream random(Seed{1}, "bench");
    for (std::int64_t i = 0; i < n; ++i) {
      labels.push_back(static_cast<std::int32_t>(random.below(classes)));
      for (float& value : values.row(i)) value = static_cast<float>(2.0 * random.uniform() - 1.0);
      values(i, labels.back()) += 10.0F;
    }
  }
};

void learner(benchmark::State& state, LearnerModel model) {
  const Rows data(30'000);
  const LabelledRows train{data.values, data.labels};
  const LabelledRows test{data.values.view().block(0, 1000), std::span(data.labels).first(1000)};
  const auto ids = all(30'000);
  const LearnerOptions options{.model = model, .iterations = 1000};
  double seconds = 0.0;
  for ([[maybe_unused]] auto step : state) {
    const LearnerResult result = train_learner(train, ids, test, options);
    if (result.test_error > 0.01) state.SkipWithError("did not learn");
    seconds += result.seconds;
  }
  const auto width = static_cast<double>(data.values.cols());
  const auto hidden = static_cast<double>(options.hidden);
  // Forward and weights' gradient everywhere, the inputs' gradient above the first layer only.
  const double multiply_adds = model == LearnerModel::linear
                                   ? 2.0 * width * classes
                                   : 2.0 * width * hidden + 3.0 * hidden * classes;
  const auto images =
      static_cast<double>(state.iterations() * options.iterations * options.batch_size);
  state.counters["images/s"] = images / seconds;
  state.counters["GFLOP/s"] = images * 2.0 * multiply_adds / seconds * 1e-9;
  state.counters["GB/s"] = images * width * sizeof(float) / seconds * 1e-9;
}

BENCHMARK_CAPTURE(learner, linear, LearnerModel::linear)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(learner, mlp, LearnerModel::mlp)->Unit(benchmark::kMillisecond);

/// Noise with one bright band of rows, whose place is the class.
struct Bands {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;

  explicit Bands(std::int64_t n) {
    RandomStream random(Seed{1}, "bench");
    for (std::int64_t i = 0; i < n; ++i) {
      labels.push_back(static_cast<std::int32_t>(random.below(classes)));
      for (int pixel = 0; pixel < 28 * 28; ++pixel) {
        const std::uint64_t bright = pixel / 28 * classes / 28 == labels.back() ? 130 : 0;
        pixels.push_back(static_cast<std::uint8_t>(bright + random.below(120)));
      }
    }
  }
};

/// Multiply-adds of resnet8's forward pass on 28 x 28 pixels: stem, three stages, dense layer.
constexpr double stem_multiply_adds = 784.0 * 9 * 16;
constexpr double body_multiply_adds = 784.0 * 2 * 9 * 16 * 16 +
                                      196.0 * (9 * 16 * 32 + 9 * 32 * 32 + 16 * 32) +
                                      49.0 * (9 * 32 * 64 + 9 * 64 * 64 + 32 * 64) + 64.0 * classes;

void resnet8(benchmark::State& state, Precision precision) {
  try {
    const auto trainer = load_network_trainer();
    const Bands data(2000);
    const LabelledImages images{data.pixels, {28, 28, 1}, data.labels};
    const NetworkOptions options{
        .iterations = 60, .flip = false, .crop_padding = 0, .precision = precision};
    double rate = 0.0;
    for ([[maybe_unused]] auto step : state) {
      const NetworkResult result = trainer->train(images, all(2000), images, options);
      if (result.test_error > 0.1) state.SkipWithError("did not learn");
      rate = result.images_per_second;
    }
    state.counters["images/s"] = rate;
    state.counters["GFLOP/s"] =
        rate * 2.0 * (2.0 * stem_multiply_adds + 3.0 * body_multiply_adds) * 1e-9;
    state.counters["threads"] = thread_count();
  } catch (const Error& error) {
    state.SkipWithError(error.what());
  }
}

BENCHMARK_CAPTURE(resnet8, float32, Precision::float32)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resnet8, bf16, Precision::bf16)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace winnow::train
