#include "io/image_resample.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <variant>

#include "io/image_resample_kernels.hpp"

namespace winnow::io {

namespace {

constexpr int weight_bits = 22;

/// Where a pixel's filter lies on the source line.
struct Support {
  double center = 0.0;
  std::int64_t first = 0;
  std::int64_t end = 0;
};

std::vector<Support> supports(const ResizedLine& line, int crop, double scale, double radius) {
  std::vector<Support> all;
  all.reserve(static_cast<std::size_t>(crop));
  for (std::int64_t i = 0; i < crop; ++i) {
    const double center = (static_cast<double>(line.begin + i) + 0.5) * scale;
    const auto first = static_cast<std::int64_t>(std::max(0.0, center - radius + 0.5));
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): Pillow's rounding
    const auto end = static_cast<std::int64_t>(center + radius + 0.5);
    all.push_back({center, first, std::min(line.in, end)});
  }
  return all;
}

}  // namespace

LineFilter bilinear_filter(const ResizedLine& line, int crop) {
  const double scale = line.length / static_cast<double>(line.out);
  const double radius = std::max(scale, 1.0);
  const double slope = 1.0 / radius;
  const std::vector<Support> all = supports(line, crop, scale, radius);
  LineFilter filter;
  for (const auto& [center, first, end] : all) filter.taps = std::max(filter.taps, end - first);
  filter.taps = (filter.taps + 3) / 4 * 4;
  filter.used = {all.front().first, all.back().end};
  filter.weights.resize(static_cast<std::size_t>(crop * filter.taps));
  filter.first.reserve(static_cast<std::size_t>(crop));
  std::vector<double> exact(static_cast<std::size_t>(filter.taps));
  std::int32_t* weights = filter.weights.data();
  for (const auto& [center, first, end] : all) {
    double sum = 0.0;
    for (std::int64_t x = first; x < end; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) * slope);
      const double weight = distance < 1.0 ? 1.0 - distance : 0.0;
      exact[static_cast<std::size_t>(x - first)] = weight;
      sum += weight;
    }
    for (std::int64_t t = 0; t < end - first; ++t) {
      const double share = exact[static_cast<std::size_t>(t)] / sum;
      // NOLINTNEXTLINE(bugprone-incorrect-roundings): Pillow's rounding
      weights[t] = static_cast<std::int32_t>(0.5 + share * (1 << weight_bits));
    }
    filter.first.push_back(first);
    weights += filter.taps;
  }
  return filter;
}

namespace scalar {

namespace {

/// Rounded weights can sum to a little more than one.
std::uint8_t rounded(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::min(sum >> weight_bits, 255));
}

}  // namespace

void resize_row(const LineFilter& filter, int channels, const std::uint8_t* row,
                std::uint8_t* out) {
  const std::int32_t* weights = filter.weights.data();
  for (const std::int64_t first : filter.first) {
    const std::uint8_t* in = row + (first - filter.used.begin) * channels;
    for (int c = 0; c < channels; ++c) {
      std::int32_t sum = 1 << (weight_bits - 1);
      for (std::int64_t t = 0; t < filter.taps; ++t) sum += weights[t] * in[t * channels + c];
      *out++ = rounded(sum);
    }
    weights += filter.taps;
  }
}

void pack_weights(std::span<const std::int32_t> weights, std::vector<std::int32_t>& packed) {
  packed.assign(weights.begin(), weights.end());
}

void blend_rows(const RowBlock& rows, const std::vector<std::int32_t>& packed, std::uint8_t* out) {
  for (std::size_t j = 0; j < rows.width; ++j) {
    std::int32_t sum = 1 << (weight_bits - 1);
    for (std::size_t i = 0; i < rows.n_rows; ++i) sum += packed[i] * rows.first[i * rows.width + j];
    out[j] = rounded(sum);
  }
}

}  // namespace scalar

/// The fastest of this machine's kernels, with what they need of the filter.
struct Resampler::Kernels {
  Kernels(const LineFilter& filter, int channels) {
    if (avx512::supported() && avx512::PackedFilter::fits(filter, channels)) {
      packed.emplace<avx512::PackedFilter>(filter, channels);
    } else if (avx2::supported() && channels == 3) {
      packed.emplace<avx2::PackedFilter>(filter);
    }
    if (avx512::supported()) {
      pack_weights = avx512::pack_weights;
      blend_rows = avx512::blend_rows;
    } else if (avx2::supported()) {
      pack_weights = avx2::pack_weights;
      blend_rows = avx2::blend_rows;
    }
  }

  std::variant<std::monostate, avx2::PackedFilter, avx512::PackedFilter> packed;
  decltype(&scalar::pack_weights) pack_weights = scalar::pack_weights;
  decltype(&scalar::blend_rows) blend_rows = scalar::blend_rows;
};

Resampler::Resampler(const ResizedSides& sides, int crop, int channels)
    : crop_(crop),
      channels_(channels),
      horizontal_(bilinear_filter(sides.columns, crop)),
      vertical_(bilinear_filter(sides.rows, crop)),
      kernels_(std::make_unique<Kernels>(horizontal_, channels)),
      resized_rows_(std::make_unique_for_overwrite<std::uint8_t[]>(
          static_cast<std::size_t>(rows().size() * crop * channels) + row_slack)) {}

Resampler::~Resampler() = default;

std::size_t Resampler::padding() const {
  return static_cast<std::size_t>(horizontal_.taps * channels_) + row_slack;
}

void Resampler::add_row(std::span<const std::uint8_t> row, std::int64_t begin) {
  assert(begin <= columns().begin && n_added_ < rows().size());
  const auto size = static_cast<std::size_t>(columns().size() * channels_);
  auto used = row.subspan(static_cast<std::size_t>((columns().begin - begin) * channels_));
  assert(used.size() >= size);
  if (used.size() < size + padding()) {
    row_.resize(size + padding());
    std::copy_n(used.begin(), size, row_.begin());
    used = row_;
  }
  std::uint8_t* out = resized_rows_.get() + n_added_++ * crop_ * channels_;
  if (const auto* wide = std::get_if<avx512::PackedFilter>(&kernels_->packed)) {
    avx512::resize_row(*wide, used.data(), out);
  } else if (const auto* narrow = std::get_if<avx2::PackedFilter>(&kernels_->packed)) {
    avx2::resize_row(*narrow, used.data(), out);
  } else {
    scalar::resize_row(horizontal_, channels_, used.data(), out);
  }
}

void Resampler::finish(std::span<std::uint8_t> out) const {
  const auto width = static_cast<std::size_t>(crop_ * channels_);
  assert(n_added_ == rows().size() && out.size() == static_cast<std::size_t>(crop_) * width);
  std::vector<std::int32_t> packed;
  for (std::int64_t i = 0; i < crop_; ++i) {
    const std::int32_t* weights = vertical_.weights.data() + i * vertical_.taps;
    auto n_rows = static_cast<std::size_t>(vertical_.taps);
    while (weights[n_rows - 1] == 0) --n_rows;
    kernels_->pack_weights({weights, n_rows}, packed);
    const std::int64_t first = vertical_.first[static_cast<std::size_t>(i)] - rows().begin;
    const std::uint8_t* from = resized_rows_.get() + static_cast<std::size_t>(first) * width;
    kernels_->blend_rows({from, width, n_rows}, packed,
                         out.data() + static_cast<std::size_t>(i) * width);
  }
}

void resize_pixels(std::span<const std::uint8_t> pixels, const ResizedSides& sides, int crop,
                   int channels, std::span<std::uint8_t> out) {
  assert(static_cast<std::int64_t>(pixels.size()) == sides.rows.in * sides.columns.in * channels);
  Resampler resampler(sides, crop, channels);
  const auto row_size = static_cast<std::size_t>(sides.columns.in * channels);
  const auto first = static_cast<std::size_t>(resampler.rows().begin);
  for (std::int64_t i = 0; i < resampler.rows().size(); ++i) {
    resampler.add_row(pixels.subspan((first + static_cast<std::size_t>(i)) * row_size), 0);
  }
  resampler.finish(out);
}

}  // namespace winnow::io
