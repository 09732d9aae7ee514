#include "train/channel_norm.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <tuple>
#include <vector>

#include "winnow/core/rng.hpp"

namespace winnow::train {
namespace {

float as_float(float value) { return value; }
float as_float(Bf16 value) { return std::bit_cast<float>(std::uint32_t{value} << 16U); }

template <class T>
T from_double(double value) {
  const auto single = static_cast<float>(value);
  if constexpr (sizeof(T) == sizeof(float)) {
    return single;
  } else {
    return static_cast<Bf16>(std::bit_cast<std::uint32_t>(single) >> 16U);
  }
}

/// A layer's arrays; one value in three of y is 0, as after a ReLU.
template <class T>
struct Layer {
  NormShape shape;
  std::vector<T> x;
  std::vector<T> residual;
  std::vector<T> y;
  std::vector<T> gradient;
  std::vector<float> a;
  std::vector<float> b;
  std::vector<float> c;

  explicit Layer(NormShape dimensions) : shape(dimensions) {
    RandomStream random(Seed{5}, "layer");
    for (std::int64_t i = 0; i < shape.rows * shape.channels; ++i) {
      x.push_back(from_double<T>(random.normal() * 2.0 + 10.0));
      residual.push_back(from_double<T>(random.normal()));
      y.push_back(from_double<T>(random.below(3) == 0 ? 0.0 : random.uniform()));
      gradient.push_back(from_double<T>(random.normal()));
    }
    for (std::int64_t i = 0; i < shape.channels; ++i) {
      a.push_back(static_cast<float>(random.normal()));
      b.push_back(static_cast<float>(random.normal()));
      c.push_back(static_cast<float>(random.normal()));
    }
  }
  std::size_t channel(std::size_t i) const { return i % static_cast<std::size_t>(shape.channels); }
  double masked(std::size_t i, bool relu) const {
    return !relu || as_float(y[i]) > 0.0F ? as_float(gradient[i]) : 0.0;
  }
};

/// Rounding of a stored result: half a unit of the last place, and the float32 arithmetic before
/// it.
template <class T>
double tolerance(double expected) {
  return (sizeof(T) == 2 ? 1.0 / 256.0 : 1e-6) * std::abs(expected) + 1e-5;
}

class ChannelNorm : public ::testing::TestWithParam<std::tuple<Isa, std::int64_t, std::int64_t>> {
 protected:
  Isa isa() const { return std::get<0>(GetParam()); }
  NormShape shape() const { return {std::get<1>(GetParam()), std::get<2>(GetParam())}; }

  template <class T>
  void check_moments() const {
    const Layer<T> layer(shape());
    const auto channels = static_cast<std::size_t>(shape().channels);
    std::vector<float> mean(channels);
    std::vector<float> variance(channels);
    norm_kernels<T>(isa()).moments(shape(), layer.x.data(), mean.data(), variance.data());
    const auto rows = static_cast<double>(shape().rows);
    for (std::size_t j = 0; j < channels; ++j) {
      double sum = 0.0;
      for (std::size_t i = j; i < layer.x.size(); i += channels) sum += as_float(layer.x[i]);
      double square = 0.0;
      for (std::size_t i = j; i < layer.x.size(); i += channels) {
        square += std::pow(as_float(layer.x[i]) - sum / rows, 2);
      }
      // Sums of float32 around a pivot that lies a few deviations (of 2) from the mean.
      EXPECT_NEAR(mean[j], sum / rows, 1e-5);
      EXPECT_NEAR(variance[j], square / rows, 1e-4);
    }
  }

  template <class T>
  void check_apply(bool with_residual, bool relu) const {
    const Layer<T> layer(shape());
    std::vector<T> y(layer.x.size());
    norm_kernels<T>(isa()).apply(shape(), layer.x.data(),
                                 with_residual ? layer.residual.data() : nullptr, layer.a.data(),
                                 layer.b.data(), relu, y.data());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t j = layer.channel(i);
      double expected = static_cast<double>(layer.a[j]) * as_float(layer.x[i]) + layer.b[j];
      if (with_residual) expected += as_float(layer.residual[i]);
      if (relu) expected = std::max(expected, 0.0);
      ASSERT_NEAR(as_float(y[i]), expected, tolerance<T>(expected)) << "element " << i;
    }
  }

  template <class T>
  void check_backward_sums(bool relu) const {
    const Layer<T> layer(shape());
    const auto channels = static_cast<std::size_t>(shape().channels);
    std::vector<float> sum_g(channels);
    std::vector<float> sum_gx(channels);
    norm_kernels<T>(isa()).backward_sums(shape(), layer.gradient.data(),
                                         relu ? layer.y.data() : nullptr, layer.x.data(),
                                         layer.a.data(), sum_g.data(), sum_gx.data());
    std::vector<double> expected_g(channels);
    std::vector<double> expected_gx(channels);
    for (std::size_t i = 0; i < layer.x.size(); ++i) {
      const std::size_t j = layer.channel(i);
      expected_g[j] += layer.masked(i, relu);
      expected_gx[j] +=
          layer.masked(i, relu) * (static_cast<double>(as_float(layer.x[i])) - layer.a[j]);
    }
    for (std::size_t j = 0; j < channels; ++j) {
      // At most 300 float32 additions of numbers up to some 50.
      EXPECT_NEAR(sum_g[j], expected_g[j], 1e-4) << "channel " << j;
      EXPECT_NEAR(sum_gx[j], expected_gx[j], 2e-3) << "channel " << j;
    }
  }

  template <class T>
  void check_backward_apply(bool relu, bool with_residual) const {
    const Layer<T> layer(shape());
    std::vector<T> dx(layer.x.size());
    std::vector<T> residual_gradient(layer.x.size());
    norm_kernels<T>(isa()).backward_apply(shape(), layer.gradient.data(),
                                          relu ? layer.y.data() : nullptr, layer.x.data(),
                                          layer.a.data(), layer.b.data(), layer.c.data(), dx.data(),
                                          with_residual ? residual_gradient.data() : nullptr);
    for (std::size_t i = 0; i < dx.size(); ++i) {
      const std::size_t j = layer.channel(i);
      const double g = layer.masked(i, relu);
      const double expected =
          layer.a[j] * g + static_cast<double>(layer.b[j]) * as_float(layer.x[i]) + layer.c[j];
      ASSERT_NEAR(as_float(dx[i]), expected, tolerance<T>(expected)) << "element " << i;
      ASSERT_EQ(as_float(residual_gradient[i]), with_residual ? g : 0.0) << "element " << i;
    }
  }
};

TEST_P(ChannelNorm, Moments) {
  check_moments<float>();
  check_moments<Bf16>();
}

TEST_P(ChannelNorm, Apply) {
  for (const bool with_residual : {false, true}) {
    for (const bool relu : {false, true}) {
      check_apply<float>(with_residual, relu);
      check_apply<Bf16>(with_residual, relu);
    }
  }
}

TEST_P(ChannelNorm, BackwardSums) {
  for (const bool relu : {false, true}) {
    check_backward_sums<float>(relu);
    check_backward_sums<Bf16>(relu);
  }
}

TEST_P(ChannelNorm, BackwardApply) {
  for (const bool relu : {false, true}) {
    for (const bool with_residual : {false, true}) {
      check_backward_apply<float>(relu, with_residual);
      check_backward_apply<Bf16>(relu, with_residual);
    }
  }
}

// Whole tiles, a rest of every kind, less than one tile, and rows of several tiles.
INSTANTIATE_TEST_SUITE_P(Shapes, ChannelNorm,
                         ::testing::Combine(::testing::Values(Isa::scalar, Isa::avx2, Isa::avx512),
                                            ::testing::Values(1, 3, 64, 301),
                                            ::testing::Values(1, 16, 32, 64, 128, 320)));

TEST(ChannelNormBf16, RoundsToNearestEven) {
  // 1 + 2^-8 lies half way between 1 and the next bfloat16; 1 + 3 2^-8 half way above that.
  const std::vector<Bf16> x(64, from_double<Bf16>(1.0));
  std::vector<Bf16> y(64);
  const float scale = 1.0F;
  for (const auto& [shift, expected] :
       {std::pair{0x1p-8F, 1.0F}, {0x1.8p-8F, 1.0F + 0x1p-7F}, {0x3p-8F, 1.0F + 0x2p-7F}}) {
    norm_kernels<Bf16>().apply({64, 1}, x.data(), nullptr, &scale, &shift, false, y.data());
    EXPECT_EQ(as_float(y[0]), expected) << shift;
  }
}

TEST(ChannelNormRelu, KeepsNaN) {
  const std::vector<float> x(64, std::numeric_limits<float>::quiet_NaN());
  std::vector<float> y(64);
  const float one = 1.0F;
  norm_kernels<float>().apply({64, 1}, x.data(), nullptr, &one, &one, true, y.data());
  EXPECT_TRUE(std::isnan(y[0]));
}

}  // namespace
}  // namespace winnow::train
