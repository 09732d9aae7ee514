#include "winnow/numerics/product.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cassert>

#include "numerics/product_library.hpp"
#include "winnow/core/error.hpp"

namespace winnow::numerics {

namespace {

std::atomic<Isa> chosen_isa{Isa::automatic};

[[maybe_unused]] std::int64_t op_rows(MatrixView<const float> m, Transpose t) {
  return t == Transpose::no ? m.rows() : m.cols();
}
std::int64_t op_cols(MatrixView<const float> m, Transpose t) {
  return t == Transpose::no ? m.cols() : m.rows();
}

}  // namespace

void set_isa(Isa isa) {
  if (isa == Isa::automatic || isa == Isa::scalar) {
    chosen_isa = isa;
    return;
  }
  const bool limited = limit_products(isa);
  const bool supported = isa == Isa::avx2     ? __builtin_cpu_supports("avx2") > 0
                         : isa == Isa::avx512 ? __builtin_cpu_supports("avx512bw") > 0
                                              : limited;
  if (!supported) {
    throw InvalidArgument(fmt::format("isa = {}: this machine does not have it", enum_name(isa)));
  }
  chosen_isa = isa;
}

Isa isa() { return chosen_isa; }

void product(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
             Transpose transpose_b, MatrixView<float> c, float alpha, float beta) {
  assert(op_rows(a, transpose_a) == c.rows() && op_cols(b, transpose_b) == c.cols());
  assert(op_cols(a, transpose_a) == op_rows(b, transpose_b));
  if (c.empty()) return;
  if (chosen_isa == Isa::scalar) {
    product_reference(a, transpose_a, b, transpose_b, c, alpha, beta);
    return;
  }
  library_product(a, transpose_a, b, transpose_b, c, alpha, beta);
}

void product_reference(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
                       Transpose transpose_b, MatrixView<float> c, float alpha, float beta) {
  const std::int64_t depth = op_cols(a, transpose_a);
  for (std::int64_t i = 0; i < c.rows(); ++i) {
    for (std::int64_t j = 0; j < c.cols(); ++j) {
      double sum = 0.0;
      for (std::int64_t k = 0; k < depth; ++k) {
        const float left = transpose_a == Transpose::no ? a(i, k) : a(k, i);
        const float right = transpose_b == Transpose::no ? b(k, j) : b(j, k);
        sum += static_cast<double>(left) * right;
      }
      const double old = beta == 0.0F ? 0.0 : static_cast<double>(beta) * c(i, j);
      c(i, j) = static_cast<float>(alpha * sum + old);
    }
  }
}

}  // namespace winnow::numerics
