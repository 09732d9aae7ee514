#include "io/image_resample.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace winnow::io {

namespace {

constexpr int weight_bits = 22;

/// Rounded weights can sum to a little more than one.
std::uint8_t rounded(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::min(sum >> weight_bits, 255));
}

}  // namespace

LineFilter bilinear_filter(const ResizedLine& line, int crop) {
  const double scale = static_cast<double>(line.in) / static_cast<double>(line.out);
  const double support = std::max(scale, 1.0);
  const double slope = 1.0 / support;
  LineFilter filter;
  filter.taps = static_cast<std::int64_t>(std::ceil(support)) * 2 + 1;
  filter.weights.resize(static_cast<std::size_t>(crop * filter.taps));
  filter.first.reserve(static_cast<std::size_t>(crop));
  std::vector<double> exact(static_cast<std::size_t>(filter.taps));
  for (std::int64_t i = 0; i < crop; ++i) {
    const double center = (static_cast<double>(line.begin + i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(center - support + 0.5));
    const auto end = std::min(line.in, static_cast<std::int64_t>(center + support + 0.5));
    double sum = 0.0;
    for (std::int64_t x = first; x < end; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) * slope);
      const double weight = distance < 1.0 ? 1.0 - distance : 0.0;
      exact[static_cast<std::size_t>(x - first)] = weight;
      sum += weight;
    }
    for (std::int64_t x = first; x < end; ++x) {
      const double weight = exact[static_cast<std::size_t>(x - first)] / sum;
      filter.weights[static_cast<std::size_t>(i * filter.taps + x - first)] =
          static_cast<std::int32_t>(0.5 + weight * (1 << weight_bits));
    }
    filter.first.push_back(first);
    filter.used.end = end;
  }
  filter.used.begin = filter.first.front();
  return filter;
}

Resampler::Resampler(const ResizedSides& sides, int crop, int channels)
    : crop_(crop),
      channels_(channels),
      horizontal_(bilinear_filter(sides.columns, crop)),
      vertical_(bilinear_filter(sides.rows, crop)) {
  const std::int64_t n_rows = rows().end - rows().begin;
  resized_rows_.reserve(static_cast<std::size_t>(n_rows * crop_ * channels_));
}

void Resampler::add_row(std::span<const std::uint8_t> row) {
  for (std::int64_t i = 0; i < crop_; ++i) {
    const std::int64_t first = horizontal_.first[static_cast<std::size_t>(i)];
    const std::int64_t taps = std::min(horizontal_.taps, columns().end - first);
    for (std::int64_t c = 0; c < channels_; ++c) {
      std::int32_t sum = 1 << (weight_bits - 1);
      for (std::int64_t t = 0; t < taps; ++t) {
        const std::int64_t at = (first - columns().begin + t) * channels_ + c;
        sum += horizontal_.weights[static_cast<std::size_t>(i * horizontal_.taps + t)] *
               row[static_cast<std::size_t>(at)];
      }
      resized_rows_.push_back(rounded(sum));
    }
  }
}

void Resampler::finish(std::span<std::uint8_t> out) const {
  const std::int64_t width = crop_ * channels_;
  assert(static_cast<std::int64_t>(out.size()) == crop_ * width);
  std::vector<std::int32_t> sums(static_cast<std::size_t>(width));
  for (std::int64_t i = 0; i < crop_; ++i) {
    std::fill(sums.begin(), sums.end(), 1 << (weight_bits - 1));
    const std::int64_t first = vertical_.first[static_cast<std::size_t>(i)];
    const std::int64_t taps = std::min(vertical_.taps, rows().end - first);
    for (std::int64_t t = 0; t < taps; ++t) {
      const std::int32_t weight =
          vertical_.weights[static_cast<std::size_t>(i * vertical_.taps + t)];
      const std::uint8_t* row = resized_rows_.data() + (first - rows().begin + t) * width;
      for (std::int64_t j = 0; j < width; ++j) sums[static_cast<std::size_t>(j)] += weight * row[j];
    }
    std::transform(sums.begin(), sums.end(), out.begin() + i * width, rounded);
  }
}

}  // namespace winnow::io
