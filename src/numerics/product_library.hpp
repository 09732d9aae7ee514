#pragma once

#include "winnow/numerics/product.hpp"

namespace winnow::numerics {

// What computes float32 products in this build: oneDNN, or the dense kernels where it is left out.

/// Caps its instruction set at avx2, avx512 or amx; before the first product.
/// @returns whether the machine has amx when that is asked for, else true.
/// @throws InvalidArgument after the first product; NotAvailable for amx without oneDNN.
bool limit_products(Isa isa);

/// As product(); `c` is not empty.
void library_product(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
                     Transpose transpose_b, MatrixView<float> c, float alpha, float beta);

/// product() by the dense kernels: what computes it in a build without oneDNN. Tiles of a fixed
/// size run side by side, so that the bits do not depend on the number of threads.
void dense_product(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
                   Transpose transpose_b, MatrixView<float> c, float alpha, float beta);

}  // namespace winnow::numerics
