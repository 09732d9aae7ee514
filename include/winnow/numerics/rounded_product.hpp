#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "winnow/core/matrix.hpp"

namespace winnow::numerics {

/// Products x . c of rows with the same k columns, block after block, both rounded to bfloat16
/// first: AMX multiplies those several times faster than float32, and how far off the products are
/// is known. For who only wants to know which of the k products are large.
class RoundedProduct {
 public:
  /// Whether it is worth while for k columns: there are enough of them, this machine has AMX, and
  /// the instruction set in force allows it.
  static bool pays(std::int64_t k);

  /// @param columns  [k, d], finite, k and d >= 1; copied. Precondition: pays(k).
  explicit RoundedProduct(MatrixView<const float> columns);
  ~RoundedProduct();
  RoundedProduct(const RoundedProduct&) = delete;
  RoundedProduct& operator=(const RoundedProduct&) = delete;

  /// Products of a block, on the calling thread; several threads may call it at once.
  ///
  /// With x' and c' the rounded vectors, x . c - x' . c' = (x - x') . c + x' . (c - c'), and every
  /// addition in float32 rounds by 2^-24 of at most |x'| |c'|. Numbers below 2^-126 may be lost.
  ///
  /// @param rows    [n] where rows of d finite numbers begin.
  /// @param out     [n, k]
  /// @param errors  [n], at least the largest |out_ij - x_i . c_j| of row i; infinite when a number
  ///                is too large for bfloat16.
  /// Deterministic for given shapes and instruction set. O(n d k).
  void apply(std::span<const float* const> rows, MatrixView<float> out,
             std::span<double> errors) const;

 private:
  struct Packed;

  std::int64_t depth_ = 0;
  double longest_ = 0.0;          ///< Largest |c|.
  double longest_rounded_ = 0.0;  ///< Largest |c'|.
  double farthest_ = 0.0;         ///< Largest |c - c'|.
  std::unique_ptr<Packed> packed_;
};

}  // namespace winnow::numerics
