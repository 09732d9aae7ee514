#pragma once

#include <string>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"

namespace winnow {

/// Instruction set that products and kernels may use; `automatic` takes the best of the machine.
enum class Isa { automatic, scalar, avx2, avx512, amx };

template <>
struct EnumNames<Isa> {
  static constexpr EnumName<Isa> values[] = {{Isa::automatic, "auto"},
                                             {Isa::scalar, "scalar"},
                                             {Isa::avx2, "avx2"},
                                             {Isa::avx512, "avx512"},
                                             {Isa::amx, "amx"}};
};

namespace numerics {

/// Caps the instruction set of the whole process; call before the first product.
/// `scalar` runs the reference loops instead of oneDNN.
/// @throws InvalidArgument when the machine lacks it.
void set_isa(Isa isa);
Isa isa();

enum class Transpose { no, yes };

/// c = alpha op(a) op(b) + beta c, float32, on the calling thread when inside parallel_blocks().
///
/// @param a  [m, k], or [k, m] when `transpose_a` is yes.
/// @param b  [k, n], or [n, k] when `transpose_b` is yes.
/// @param c  [m, n]; not read when beta is 0.
/// Deterministic for given shapes and instruction set when called on one thread. oneDNN's sgemm.
void product(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
             Transpose transpose_b, MatrixView<float> c, float alpha = 1.0F, float beta = 0.0F);

/// The same by three plain loops, accumulated in double: the reference for tests.
void product_reference(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
                       Transpose transpose_b, MatrixView<float> c, float alpha = 1.0F,
                       float beta = 0.0F);

}  // namespace numerics
}  // namespace winnow
