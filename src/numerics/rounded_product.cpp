#include "winnow/numerics/rounded_product.hpp"

#include <algorithm>
#include <cmath>

#include "numerics/kernels/amx.hpp"
#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::numerics {

struct RoundedProduct::Packed {
  amx::Columns columns;
};

bool RoundedProduct::pays(std::int64_t k) {
  constexpr std::int64_t fewest = 16;  // to round rows for
  return k >= fewest && (isa() == Isa::automatic || isa() == Isa::amx) && amx::available();
}

RoundedProduct::RoundedProduct(MatrixView<const float> columns) : depth_(columns.cols()) {
  Matrix<std::uint16_t> rounded(columns.rows(), columns.cols());
  const auto round = kernels().round_bf16;
  for (std::int64_t j = 0; j < columns.rows(); ++j) {
    const RoundedSquares squares = round(columns.row(j).data(), rounded.row(j).data(), depth_);
    const double residual = std::sqrt(squares.residual);
    longest_ = std::max(longest_, std::sqrt(squares.all));
    longest_rounded_ = std::max(longest_rounded_, std::sqrt(squares.all) + residual);
    farthest_ = std::max(farthest_, residual);
  }
  packed_ = std::make_unique<Packed>(Packed{amx::Columns(rounded)});
}

RoundedProduct::~RoundedProduct() = default;

void RoundedProduct::apply(std::span<const float* const> rows, MatrixView<float> out,
                           std::span<double> errors) const {
  thread_local amx::Numbers rounded;
  const amx::Columns& columns = packed_->columns;
  const std::int64_t stride = columns.stride();
  rounded.assign(static_cast<std::size_t>(amx::block * stride), 0);
  const auto round = kernels().round_bf16;
  // Products of bfloat16 are exact in float32; AMX adds two of them to a sum with a rounding each.
  const auto d = static_cast<double>(depth_);
  const double gamma = 2.0 * d * 0x1p-24 / (1.0 - 2.0 * d * 0x1p-24);
  const auto n = static_cast<std::int64_t>(rows.size());
  for (std::int64_t begin = 0; begin < n; begin += amx::block) {
    const std::int64_t count = std::min(amx::block, n - begin);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(begin + i);
      const RoundedSquares squares = round(rows[at], rounded.data() + i * stride, depth_);
      const double residual = std::sqrt(squares.residual);
      const double length = std::sqrt(squares.all) + residual;  // at least that of the rounded row
      errors[at] = (1.0 + 1e-9) *
                   (residual * longest_ + length * farthest_ + gamma * length * longest_rounded_ +
                    2.0 * d * 0x1p-126 * (1.0 + length + longest_));
    }
    columns.multiply(rounded.data(), count, out.row(begin).data());
  }
}

}  // namespace winnow::numerics
