#include "numerics/product_library.hpp"
#include "winnow/core/not_built.hpp"
#include "winnow/numerics/rounded_product.hpp"

namespace winnow::numerics {

bool limit_products(Isa isa) {
  if (isa == Isa::amx) throw_not_built("isa = amx: AMX products", "oneDNN", "WINNOW_ONEDNN");
  return true;
}

void library_product(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
                     Transpose transpose_b, MatrixView<float> c, float alpha, float beta) {
  dense_product(a, transpose_a, b, transpose_b, c, alpha, beta);
}

struct RoundedProduct::Library {};
bool RoundedProduct::pays(std::int64_t /*k*/) { return false; }
RoundedProduct::RoundedProduct(MatrixView<const float> /*columns*/, std::int64_t /*most_rows*/) {
  throw_not_built("products in bfloat16", "oneDNN", "WINNOW_ONEDNN");
}
RoundedProduct::~RoundedProduct() = default;
void RoundedProduct::apply(std::span<const float* const> /*rows*/, MatrixView<float> /*out*/,
                           std::span<double> /*errors*/) const {}

}  // namespace winnow::numerics
