#include "winnow/numerics/product.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cassert>
#include <oneapi/dnnl/dnnl.hpp>

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
  const dnnl::cpu_isa cap = isa == Isa::avx2     ? dnnl::cpu_isa::avx2
                            : isa == Isa::avx512 ? dnnl::cpu_isa::avx512_core_bf16
                                                 : dnnl::cpu_isa::avx512_core_amx;
  if (dnnl::set_max_cpu_isa(cap) != dnnl::status::success) {
    throw InvalidArgument(
        fmt::format("isa = {}: must be set before the first product", enum_name(isa)));
  }
  // Asking oneDNN what it will use settles its choice, so that comes last.
  const bool supported = isa == Isa::avx2     ? __builtin_cpu_supports("avx2") > 0
                         : isa == Isa::avx512 ? __builtin_cpu_supports("avx512bw") > 0
                                              : dnnl::get_effective_cpu_isa() == cap;
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
  const auto status = dnnl::sgemm(transpose_a == Transpose::yes ? 'T' : 'N',
                                  transpose_b == Transpose::yes ? 'T' : 'N', c.rows(), c.cols(),
                                  op_cols(a, transpose_a), alpha, a.data(), a.cols(), b.data(),
                                  b.cols(), beta, c.data(), c.cols());
  if (status != dnnl::status::success) throw WorkFailed("oneDNN refused a matrix product");
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
