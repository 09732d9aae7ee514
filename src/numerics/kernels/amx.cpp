#include "numerics/kernels/amx.hpp"

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace winnow::numerics::amx {

namespace {

constexpr std::int64_t tile_rows = 16;
constexpr std::int64_t tile_bytes = 64;  // of a row
constexpr std::int64_t tile_numbers = tile_rows * step;

std::int64_t padded(std::int64_t size, std::int64_t unit) {
  return (size + unit - 1) / unit * unit;
}

/// Tiles 0 to 3 are sums, 4 and 5 rows, 6 and 7 columns, all of 16 times 64 bytes.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::array<std::uint8_t, 14> reserved{};
  std::array<std::uint16_t, 16> row_bytes{};
  std::array<std::uint8_t, 16> rows{};

  TileConfiguration() {
    for (std::size_t tile = 0; tile < 8; ++tile) {
      row_bytes.at(tile) = tile_bytes;
      rows.at(tile) = tile_rows;
    }
  }
};
static_assert(sizeof(TileConfiguration) == 64);

/// 32 rows times 32 columns.
void multiply_block(const std::uint16_t* rows, std::int64_t depth, const std::uint16_t* columns,
                    float* out, std::int64_t out_bytes) {
  const std::int64_t row_bytes = (depth + step) * 2;
  const std::uint16_t* lower = rows + tile_rows * (depth + step);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (std::int64_t d = 0; d < depth; d += step) {
    _tile_loadd(4, rows + d, row_bytes);
    _tile_loadd(6, columns, tile_bytes);
    _tile_loadd(5, lower + d, row_bytes);
    _tile_loadd(7, columns + tile_numbers, tile_bytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    columns += 2 * tile_numbers;
  }
  const std::int64_t half = tile_rows * out_bytes / 4;
  _tile_stored(0, out, out_bytes);
  _tile_stored(1, out + tile_rows, out_bytes);
  _tile_stored(2, out + half, out_bytes);
  _tile_stored(3, out + half + tile_rows, out_bytes);
}

}  // namespace

bool available() {
  static const bool granted = [] {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
    constexpr unsigned amx_bf16 = 1U << 22U;
    constexpr unsigned amx_tile = 1U << 24U;
    if ((d & amx_bf16) == 0 || (d & amx_tile) == 0 || !__builtin_cpu_supports("avx512f")) {
      return false;
    }
    constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr long tile_data = 18;               // XFEATURE_XTILEDATA
    return ::syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
  }();
  return granted;
}

Columns::Columns(MatrixView<const std::uint16_t> columns)
    : count_(columns.rows()), depth_(padded(columns.cols(), step)) {
  const std::int64_t panels = padded(count_, block) / block;
  tiles_.assign(static_cast<std::size_t>(panels * block * depth_), 0);
  for (std::int64_t j = 0; j < count_; ++j) {
    std::uint16_t* panel = tiles_.data() + j / block * block * depth_;
    const std::int64_t tile = j % block / tile_rows;
    for (std::int64_t d = 0; d < columns.cols(); ++d) {
      const std::int64_t pair = d % step / 2;
      panel[(d / step * 2 + tile) * tile_numbers + pair * step + j % tile_rows * 2 + d % 2] =
          columns(j, d);
    }
  }
}

void Columns::multiply(const std::uint16_t* rows, std::int64_t n, float* out) const {
  const TileConfiguration configuration;
  _tile_loadconfig(&configuration);
  alignas(64) std::array<float, block * block> part{};
  for (std::int64_t first = 0; first < count_; first += block) {
    const std::uint16_t* panel = tiles_.data() + first * depth_;
    if (n == block && first + block <= count_) {
      multiply_block(rows, depth_, panel, out + first, count_ * 4);
      continue;
    }
    multiply_block(rows, depth_, panel, part.data(), block * 4);
    const std::int64_t columns = std::min(block, count_ - first);
    for (std::int64_t i = 0; i < n; ++i) {
      std::copy_n(part.data() + i * block, columns, out + i * count_ + first);
    }
  }
  _tile_release();
}

}  // namespace winnow::numerics::amx
