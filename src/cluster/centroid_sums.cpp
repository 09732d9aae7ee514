#include "cluster/centroid_sums.hpp"

#include <omp.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "winnow/core/parallel.hpp"
#include "winnow/numerics/kernels.hpp"

namespace winnow::cluster {

namespace {

constexpr std::int64_t copies_bytes = std::int64_t{64} << 20U;
constexpr int enough_bits = 26;  // of a row's largest entry

/// Locks of a copy: clusters take turns at them.
std::size_t lock_of(std::int32_t j, std::size_t locks) {
  return static_cast<std::size_t>(j) % locks;
}

}  // namespace

CentroidSums::CentroidSums(std::int64_t k, std::int64_t d, std::int64_t n,
                           const Magnitudes& magnitudes)
    : k_(k), d_(d), sizes_(static_cast<std::size_t>(k)) {
  // n entries below 2^exponent times 2^s stay below 2^62; kernels().add_fixed takes 2^50.
  const auto log_n = static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(n)));
  bits_ = std::min<std::int64_t>(50, 62 - log_n);
  std::int64_t exponent = 0;
  std::int64_t wanted = enough_bits;
  if (magnitudes.largest > 0.0F) {
    exponent = std::ilogb(magnitudes.largest) + 1;
    wanted += exponent - std::ilogb(magnitudes.smallest);
  }
  std::int64_t given = 0;
  do {
    given += bits_ + (factors_.empty() ? 0 : 1);  // What rounding left is half a multiple at most.
    factors_.push_back(std::ldexp(1.0, static_cast<int>(given - exponent)));
  } while (given < wanted);
  const auto size =
      static_cast<std::size_t>(k * (d * static_cast<std::int64_t>(factors_.size()) + 1));
  const std::int64_t bytes = static_cast<std::int64_t>(size) * 8;
  const auto count = std::clamp<std::int64_t>(copies_bytes / bytes, 1, thread_count());
  for (std::int64_t c = 0; c < count; ++c) {
    Copy& copy = copies_.emplace_back();
    copy.values.resize(size);
    copy.locks = std::vector<std::mutex>(static_cast<std::size_t>(std::min<std::int64_t>(k, 1024)));
  }
  total_.resize(size);
}

std::int64_t CentroidSums::message_bytes() const {
  return static_cast<std::int64_t>(total_.size()) * 8;
}

void CentroidSums::change(std::span<const float> row, std::int32_t j, int sign) {
  const auto& kernels = numerics::kernels();
  Copy& copy = copies_[static_cast<std::size_t>(omp_get_thread_num()) % copies_.size()];
  const std::scoped_lock lock(copy.locks[lock_of(j, copy.locks.size())]);
  const auto levels = static_cast<std::int64_t>(factors_.size());
  std::int64_t* sums = copy.values.data() + j * levels * d_;
  copy.values[static_cast<std::size_t>(k_ * levels * d_ + j)] += sign;
  thread_local std::vector<float> rest;
  const float* values = row.data();
  for (std::size_t level = 0; level < factors_.size(); ++level, sums += d_) {
    if (level > 0) {
      rest.resize(row.size());
      kernels.fixed_rest(values, factors_[level - 1], rest.data(), d_);
      values = rest.data();
    }
    kernels.add_fixed(values, sign * factors_[level], sums, d_);
  }
}

void CentroidSums::combine(comm::Communicator& communicator) {
  constexpr std::int64_t block = std::int64_t{1} << 16U;
  const auto size = static_cast<std::int64_t>(total_.size());
  parallel_blocks((size + block - 1) / block, silent(), [&](std::int64_t b) {
    const std::int64_t end = std::min(size, (b + 1) * block);
    for (std::int64_t i = b * block; i < end; ++i) {
      std::uint64_t sum = 0;  // modulo 2^64: a copy alone may be anything
      for (const Copy& copy : copies_) {
        sum += static_cast<std::uint64_t>(copy.values[static_cast<std::size_t>(i)]);
      }
      total_[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(sum);
    }
  });
  communicator.sum(total_);
  std::copy(total_.end() - k_, total_.end(), sizes_.begin());
}

void CentroidSums::update(Matrix<float>& centroids, Geometry geometry) const {
  const auto levels = static_cast<std::int64_t>(factors_.size());
  parallel_blocks(k_, silent(), [&](std::int64_t j) {
    const auto count = static_cast<double>(sizes_[static_cast<std::size_t>(j)]);
    if (count == 0.0) return;
    std::vector<double> sum(static_cast<std::size_t>(d_));
    for (std::int64_t level = levels - 1; level >= 0; --level) {  // the finest first
      const std::int64_t* values = total_.data() + (j * levels + level) * d_;
      const double factor = factors_[static_cast<std::size_t>(level)];
      for (std::size_t c = 0; c < sum.size(); ++c) {
        sum[c] += static_cast<double>(values[c]) / factor;
      }
    }
    double scale = count;
    if (geometry == Geometry::spherical) {
      double squares = 0.0;
      for (const double value : sum) squares += value * value;
      scale = std::sqrt(squares);
      if (scale <= 1e-9 * count) return;
    }
    const auto centroid = centroids.row(j);
    for (std::size_t c = 0; c < sum.size(); ++c) centroid[c] = static_cast<float>(sum[c] / scale);
  });
}

}  // namespace winnow::cluster
