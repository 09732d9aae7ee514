#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "winnow/core/rng.hpp"
#include "winnow/metrics/bit_matrix.hpp"

namespace winnow::testing {

/// Independent bits, each 1 with probability `p`.
inline metrics::BitMatrix random_bits(std::int64_t rows, std::int64_t cols, double p,
                                      std::uint64_t seed) {
  metrics::BitMatrix bits(rows, cols);
  RandomStream random(Seed{seed}, "random-bits");
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) {
      if (random.uniform() < p) bits.set(i, j);
    }
  }
  return bits;
}

/// One row a text of 0 and 1.
inline metrics::BitMatrix bits_of(const std::vector<std::string>& rows) {
  metrics::BitMatrix bits(static_cast<std::int64_t>(rows.size()),
                          static_cast<std::int64_t>(rows.at(0).size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() != rows[0].size()) throw std::logic_error("bits_of: ragged rows");
    for (std::size_t j = 0; j < rows[i].size(); ++j) {
      if (rows[i][j] == '1') bits.set(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
    }
  }
  return bits;
}

}  // namespace winnow::testing
