#include <fmt/format.h>

#include <oneapi/dnnl/dnnl.hpp>

#include "numerics/product_library.hpp"
#include "winnow/core/error.hpp"

namespace winnow::numerics {

bool limit_products(Isa isa) {
  const dnnl::cpu_isa cap = isa == Isa::avx2     ? dnnl::cpu_isa::avx2
                            : isa == Isa::avx512 ? dnnl::cpu_isa::avx512_core_bf16
                                                 : dnnl::cpu_isa::avx512_core_amx;
  if (dnnl::set_max_cpu_isa(cap) != dnnl::status::success) {
    throw InvalidArgument(
        fmt::format("isa = {}: must be set before the first product", enum_name(isa)));
  }
  // Asking oneDNN what it will use settles its choice, so that comes last.
  return isa != Isa::amx || dnnl::get_effective_cpu_isa() == cap;
}

void library_product(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
                     Transpose transpose_b, MatrixView<float> c, float alpha, float beta) {
  const bool turned = transpose_a == Transpose::yes;
  const auto status = dnnl::sgemm(turned ? 'T' : 'N', transpose_b == Transpose::yes ? 'T' : 'N',
                                  c.rows(), c.cols(), turned ? a.rows() : a.cols(), alpha, a.data(),
                                  a.cols(), b.data(), b.cols(), beta, c.data(), c.cols());
  if (status != dnnl::status::success) throw WorkFailed("oneDNN refused a matrix product");
}

}  // namespace winnow::numerics
