#pragma once

#include <algorithm>
#include <cstdint>

namespace winnow::selection {

/// [0, n) in pieces that do not depend on the number of threads.
class Blocks {
 public:
  /// @param least  Smallest useful size, so that a table per block costs no more than the data.
  explicit Blocks(std::int64_t n, std::int64_t least = 1)
      : n_(n), size_(std::max(std::int64_t{1} << 18U, least)) {}
  std::int64_t count() const { return (n_ + size_ - 1) / size_; }
  std::int64_t begin(std::int64_t block) const { return block * size_; }
  std::int64_t end(std::int64_t block) const { return std::min(n_, (block + 1) * size_); }

 private:
  std::int64_t n_;
  std::int64_t size_;
};

}  // namespace winnow::selection
