#include "winnow/metrics/bit_matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "winnow/core/error.hpp"

namespace winnow::metrics {

namespace {

constexpr std::int64_t words_per_line = 8;

std::int64_t padded_words(std::int64_t cols) {
  return (cols + 64 * words_per_line - 1) / (64 * words_per_line) * words_per_line;
}

/// Transposes a 64 x 64 block in place: swaps the off-diagonal halves of ever smaller squares
/// (Warren, "Hacker's Delight", section 7-3).
void transpose_block(std::array<std::uint64_t, 64>& block) {
  std::uint64_t mask = 0x00000000FFFFFFFFU;
  for (std::size_t half = 32; half != 0; half /= 2, mask ^= mask << half) {
    for (std::size_t begin = 0; begin < 64; begin += 2 * half) {
      for (std::size_t i = begin; i < begin + half; ++i) {
        const std::uint64_t swapped = (block[i] >> half ^ block[i + half]) & mask;
        block[i] ^= swapped << half;
        block[i + half] ^= swapped;
      }
    }
  }
}

}  // namespace

BitMatrix::BitMatrix(std::int64_t rows, std::int64_t cols)
    : words_(rows, padded_words(cols)), cols_(cols) {}

void BitMatrix::assign(std::int64_t i, std::span<const std::uint8_t> values) {
  if (static_cast<std::int64_t>(values.size()) != cols_) {
    throw InvalidArgument(
        fmt::format("row {} of a bit matrix: {} values for {} columns", i, values.size(), cols_));
  }
  const auto row = words(i);
  for (std::size_t begin = 0; begin < values.size(); begin += 64) {
    const std::size_t count = std::min<std::size_t>(64, values.size() - begin);
    std::uint64_t word = 0;
    for (std::size_t j = 0; j < count; ++j) {
      word |= std::uint64_t{values[begin + j] != 0} << j;
    }
    row[begin / 64] = word;
  }
}

std::int64_t BitMatrix::count(std::int64_t i) const {
  std::int64_t ones = 0;
  for (const auto word : words(i)) ones += std::popcount(word);
  return ones;
}

BitMatrix BitMatrix::transposed(std::int64_t begin, std::int64_t count) const {
  assert(begin >= 0 && begin % 64 == 0 && count >= 0 && begin + count <= cols_);
  BitMatrix result(count, rows());
  std::array<std::uint64_t, 64> block{};
  for (std::int64_t column = 0; column < count; column += 64) {
    for (std::int64_t row = 0; row < rows(); row += 64) {
      const std::int64_t height = std::min<std::int64_t>(64, rows() - row);
      block.fill(0);
      for (std::int64_t r = 0; r < height; ++r) {
        block[static_cast<std::size_t>(r)] = words_(row + r, (begin + column) / 64);
      }
      transpose_block(block);
      const std::int64_t width = std::min<std::int64_t>(64, count - column);
      for (std::int64_t c = 0; c < width; ++c) {
        result.words_(column + c, row / 64) = block[static_cast<std::size_t>(c)];
      }
    }
  }
  return result;
}

}  // namespace winnow::metrics
