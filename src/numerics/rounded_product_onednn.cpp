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
  /// The product of a number of rows that is settled when it is made.
  struct Block {
    std::int64_t rows = 0;
    dnnl::matmul::primitive_desc description;
    dnnl::matmul primitive;
  };

  std::int64_t cols = 0;
  Block whole;
  Block part;  ///< for the last rows of a block that is not full
  memory weights;

  Library(const std::vector<std::uint16_t>& columns, std::int64_t k, std::int64_t d,
          std::int64_t most_rows)
      : cols(k) {
    const memory::desc any({d, k}, bf16, memory::format_tag::any);
    whole = block(most_rows, d, any);
    weights = memory(whole.description.weights_desc(), engine());
    constexpr std::int64_t few = 64;
    part = most_rows > few ? block(few, d, weights.get_desc()) : whole;
    // oneDNN takes no const, and does not write.
    auto* values = const_cast<std::uint16_t*>(columns.data());
    memory plain({{d, k}, bf16, memory::format_tag::ba}, engine(), values);
    dnnl::stream stream(engine());
    dnnl::reorder(plain, weights).execute(stream, plain, weights);
    stream.wait();
  }

  /// Rows [begin, begin + block.rows) of `rounded` into `out`.
  void execute(const Block& block, std::uint16_t* rounded, float* out) const {
    thread_local std::vector<std::byte> scratchpad;
    scratchpad.resize(block.description.scratchpad_desc().get_size());
    dnnl::stream stream(engine());
    const auto& description = block.description;
    block.primitive.execute(stream,
                            {{DNNL_ARG_SRC, memory(description.src_desc(), engine(), rounded)},
                             {DNNL_ARG_WEIGHTS, weights},
                             {DNNL_ARG_DST, memory(description.dst_desc(), engine(), out)},
                             {DNNL_ARG_SCRATCHPAD,
                              memory(description.scratchpad_desc(), engine(), scratchpad.data())}});
    stream.wait();
  }

 private:
  Block block(std::int64_t rows, std::int64_t d, const memory::desc& columns) const {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    dnnl::matmul::primitive_desc description{
        {{{rows, d}, bf16, memory::format_tag::ab},
         columns,
         {{rows, cols}, memory::data_type::f32, memory::format_tag::ab}},
        attributes,
        engine()};
    dnnl::matmul primitive(description);
    return {rows, std::move(description), std::move(primitive)};
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

void RoundedProduct::apply(std::span<const float* const> rows, MatrixView<float> out,
                           std::span<double> errors) const {
  thread_local std::vector<std::uint16_t> rounded;
  thread_local std::vector<float> products;
  const Library& library = *library_;
  const auto n = static_cast<std::int64_t>(rows.size());
  const bool is_whole = n == library.whole.rows;
  const std::int64_t step = is_whole ? n : library.part.rows;
  const std::int64_t padded = (n + step - 1) / step * step;
  rounded.resize(static_cast<std::size_t>(padded * depth_));
  std::fill(rounded.begin() + n * depth_, rounded.end(), std::uint16_t{0});
  const auto round = kernels().round_bf16;
  // Products of bfloat16 are exact in float32; AMX adds two of them to a sum with a rounding each.
  const auto d = static_cast<double>(depth_);
  const double gamma = 2.0 * d * 0x1p-24 / (1.0 - 2.0 * d * 0x1p-24);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const RoundedSquares squares =
        round(rows[i], rounded.data() + static_cast<std::int64_t>(i) * depth_, depth_);
    const double length = std::sqrt(squares.rounded);
    errors[i] = (1.0 + 1e-9) * (std::sqrt(squares.residual) * longest_ + length * farthest_ +
                                gamma * length * longest_rounded_ +
                                2.0 * d * 0x1p-126 * (1.0 + length + longest_));
  }
  try {
    for (std::int64_t begin = 0; begin < n; begin += step) {
      const bool fits = begin + step <= n;
      if (!fits) products.resize(static_cast<std::size_t>(step * library.cols));
      library.execute(is_whole ? library.whole : library.part, rounded.data() + begin * depth_,
                      fits ? out.data() + begin * library.cols : products.data());
      if (!fits) {
        std::copy_n(products.data(), (n - begin) * library.cols, out.data() + begin * library.cols);
      }
    }
  } catch (const dnnl::error& error) {
    throw WorkFailed(std::string("oneDNN refused a matrix product: ") + error.what());
  }
}

}  // namespace winnow::numerics
