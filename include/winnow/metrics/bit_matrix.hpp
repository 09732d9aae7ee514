#pragma once

#include <cassert>
#include <cstdint>
#include <span>

#include "winnow/core/matrix.hpp"

namespace winnow::metrics {

/// Packed [rows, cols] matrix of bits, zero at first: bit j of a row is bit j % 64 of word j / 64.
/// Every row starts on a cache line; bits beyond the last column stay 0.
///
/// Holds what an ensemble says of every example: one row a training run, n / 8 bytes each.
class BitMatrix {
 public:
  BitMatrix() = default;
  BitMatrix(std::int64_t rows, std::int64_t cols);

  std::int64_t rows() const { return words_.rows(); }
  std::int64_t cols() const { return cols_; }
  /// Words that hold the columns; words(i) has more of them, all zero.
  std::int64_t used_words() const { return (cols_ + 63) / 64; }

  std::span<std::uint64_t> words(std::int64_t i) { return words_.row(i); }
  std::span<const std::uint64_t> words(std::int64_t i) const { return words_.row(i); }
  bool test(std::int64_t i, std::int64_t j) const {
    assert(j >= 0 && j < cols_);
    return (words_(i, j / 64) >> (j % 64) & 1U) != 0;
  }
  void set(std::int64_t i, std::int64_t j) {
    assert(j >= 0 && j < cols_);
    words_(i, j / 64) |= std::uint64_t{1} << (j % 64);
  }
  /// Replaces row i: bit j is values[j] != 0. @throws InvalidArgument unless there are cols()
  /// values.
  void assign(std::int64_t i, std::span<const std::uint8_t> values);
  /// Ones in row i.
  std::int64_t count(std::int64_t i) const;

  /// Columns [begin, begin + count) as rows: [count, rows()]. `begin` is a multiple of 64.
  BitMatrix transposed(std::int64_t begin, std::int64_t count) const;

 private:
  Matrix<std::uint64_t> words_;
  std::int64_t cols_ = 0;
};

}  // namespace winnow::metrics
