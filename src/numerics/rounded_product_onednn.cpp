#include <algorithm>
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/product.hpp"
#include "winnow/numerics/rounded_product.hpp"

namespace winnow::numerics {

namespace {

using dnnl::memory;
constexpr auto bf16 = memory::data_type::bf16;

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

}  // namespace

struct RoundedProduct::Library {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
  memory weights;

  Library(const std::vector<std::uint16_t>& columns, std::int64_t k, std::int64_t d,
          std::int64_t most_rows)
      : rows(most_rows), cols(k) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    description = {{{{rows, d}, bf16, memory::format_tag::ab},
                    {{d, k}, bf16, memory::format_tag::any},
                    {{rows, k}, memory::data_type::f32, memory::format_tag::ab}},
                   attributes,
                   engine()};
    primitive = dnnl::matmul(description);
    weights = memory(description.weights_desc(), engine());
    // oneDNN takes no const, and does not write.
    auto* values = const_cast<std::uint16_t*>(columns.data());
    memory plain({{d, k}, bf16, memory::format_tag::ba}, engine(), values);
    dnnl::stream stream(engine());
    dnnl::reorder(plain, weights).execute(stream, plain, weights);
    stream.wait();
  }
};

bool RoundedProduct::pays(std::int64_t k) {
  constexpr std::int64_t fewest = 64;  // to round rows for
  if (k < fewest || (isa() != Isa::automatic && isa() != Isa::amx)) return false;
  return dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_amx;
}

RoundedProduct::RoundedProduct(MatrixView<const float> columns, std::int64_t most_rows)
    : depth_(columns.cols()) {
  std::vector<std::uint16_t> rounded(static_cast<std::size_t>(columns.size()));
  const auto round = kernels().round_bf16;
  for (std::int64_t j = 0; j < columns.rows(); ++j) {
    const RoundedSquares squares =
        round(columns.row(j).data(), rounded.data() + j * depth_, depth_);
    longest_ = std::max(longest_, std::sqrt(squares.exact));
    longest_rounded_ = std::max(longest_rounded_, std::sqrt(squares.rounded));
    farthest_ = std::max(farthest_, std::sqrt(squares.residual));
  }
  try {
    library_ = std::make_unique<Library>(rounded, columns.rows(), depth_, most_rows);
  } catch (const dnnl::error& error) {
    throw WorkFailed(std::string("oneDNN refused a matrix product: ") + error.what());
  }
}

RoundedProduct::~RoundedProduct() = default;

void RoundedProduct::apply(MatrixView<const float> rows, MatrixView<float> out,
                           std::span<double> errors) const {
  thread_local std::vector<std::uint16_t> rounded;
  thread_local std::vector<float> products;
  thread_local std::vector<std::byte> scratchpad;
  rounded.assign(static_cast<std::size_t>(library_->rows * depth_), 0);
  const auto round = kernels().round_bf16;
  // Products of bfloat16 are exact in float32; AMX adds two of them to a sum with a rounding each.
  const auto d = static_cast<double>(depth_);
  const double gamma = 2.0 * d * 0x1p-24 / (1.0 - 2.0 * d * 0x1p-24);
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const RoundedSquares squares = round(rows.row(i).data(), rounded.data() + i * depth_, depth_);
    const double length = std::sqrt(squares.rounded);
    errors[static_cast<std::size_t>(i)] =
        (1.0 + 1e-9) *
        (std::sqrt(squares.residual) * longest_ + length * farthest_ +
         gamma * length * longest_rounded_ + 2.0 * d * 0x1p-126 * (1.0 + length + longest_));
  }
  const bool whole = rows.rows() == library_->rows;
  if (!whole) products.resize(static_cast<std::size_t>(library_->rows * library_->cols));
  scratchpad.resize(library_->description.scratchpad_desc().get_size());
  try {
    dnnl::stream stream(engine());
    const auto& description = library_->description;
    library_->primitive.execute(
        stream, {{DNNL_ARG_SRC, memory(description.src_desc(), engine(), rounded.data())},
                 {DNNL_ARG_WEIGHTS, library_->weights},
                 {DNNL_ARG_DST,
                  memory(description.dst_desc(), engine(), whole ? out.data() : products.data())},
                 {DNNL_ARG_SCRATCHPAD,
                  memory(description.scratchpad_desc(), engine(), scratchpad.data())}});
    stream.wait();
  } catch (const dnnl::error& error) {
    throw WorkFailed(std::string("oneDNN refused a matrix product: ") + error.what());
  }
  if (!whole) std::copy_n(products.data(), out.size(), out.data());
}

}  // namespace winnow::numerics
