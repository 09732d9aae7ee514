#include "numerics/product_library.hpp"
#include "winnow/core/not_built.hpp"

namespace winnow::numerics {

bool limit_products(Isa isa) {
  if (isa == Isa::amx) throw_not_built("isa = amx: AMX products", "oneDNN", "WINNOW_ONEDNN");
  return true;
}

void library_product(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
                     Transpose transpose_b, MatrixView<float> c, float alpha, float beta) {
  dense_product(a, transpose_a, b, transpose_b, c, alpha, beta);
}

}  // namespace winnow::numerics
