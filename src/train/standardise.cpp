#include "train/standardise.hpp"

#include <cmath>

namespace winnow::train {

namespace {

constexpr int power_iterations = 8;

std::vector<float> mean_of(MatrixView<const float> rows, std::span<const std::int64_t> ids) {
  std::vector<double> sum(static_cast<std::size_t>(rows.cols()), 0.0);
  for (const std::int64_t id : ids) {
    const auto row = rows.row(id);
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += static_cast<double>(row[j]);
  }
  std::vector<float> mean(sum.size());
  for (std::size_t j = 0; j < sum.size(); ++j) {
    mean[j] = static_cast<float>(sum[j] / static_cast<double>(ids.size()));
  }
  return mean;
}

float dot_centred(std::span<const float> row, std::span<const float> mean,
                  std::span<const float> direction) {
  float sum = 0.0F;
  const std::size_t width = row.size();
#pragma omp simd reduction(+ : sum)
  for (std::size_t j = 0; j < width; ++j) sum += (row[j] - mean[j]) * direction[j];
  return sum;
}

double normalise(std::span<float> v) {
  double square = 0.0;
  for (const float value : v) square += static_cast<double>(value) * value;
  const double norm = std::sqrt(square);
  if (norm > 0.0) {
    for (float& value : v) value = static_cast<float>(value / norm);
  }
  return norm;
}

/// Standard deviation along the direction to which the power iterations turn.
double largest_deviation(MatrixView<const float> rows, std::span<const std::int64_t> ids,
                         std::span<const float> mean, Seed seed) {
  const std::size_t width = mean.size();
  std::vector<float> direction(width);
  RandomStream random(seed, "learner-scale");
  for (float& value : direction) value = static_cast<float>(random.normal());
  normalise(direction);
  double variance = 0.0;
  std::vector<float> next(width);
  for (int step = 0; step < power_iterations; ++step) {
    std::fill(next.begin(), next.end(), 0.0F);
    for (const std::int64_t id : ids) {
      const auto row = rows.row(id);
      const float along = dot_centred(row, mean, direction);
#pragma omp simd
      for (std::size_t j = 0; j < width; ++j) next[j] += along * (row[j] - mean[j]);
    }
    variance = normalise(next) / static_cast<double>(ids.size());
    if (variance == 0.0) return 0.0;
    direction.swap(next);
  }
  return std::sqrt(variance);
}

}  // namespace

MatrixView<const float> Standardiser::gather(MatrixView<const float> rows,
                                             std::span<const std::int64_t> ids,
                                             MatrixView<float> out) const {
  const std::size_t width = mean.size();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const float* row = rows.row(ids[i]).data();
    float* target = out.row(static_cast<std::int64_t>(i)).data();
#pragma omp simd
    for (std::size_t j = 0; j < width; ++j) target[j] = (row[j] - mean[j]) * inverse_scale;
  }
  return out.block(0, static_cast<std::int64_t>(ids.size()));
}

Standardiser fit_standardiser(MatrixView<const float> rows, std::span<const std::int64_t> ids,
                              Seed seed) {
  Standardiser result;
  result.mean = mean_of(rows, ids);
  const double deviation = largest_deviation(rows, ids, result.mean, seed);
  if (deviation > 0.0) result.inverse_scale = static_cast<float>(1.0 / deviation);
  return result;
}

}  // namespace winnow::train
