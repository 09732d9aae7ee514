#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// IEEE half precision (float16) to and from float. Both directions have a scalar reference and a
// kernel for F16C; they give the same bits, NaN included, so which one runs cannot be seen.

namespace winnow::io {

/// Exact; a signalling NaN becomes quiet.
float half_to_float(std::uint16_t half);
/// The nearest half, ties to even; from 65520 on infinity. A NaN keeps its sign and upper bits.
std::uint16_t float_to_half(float value);

/// Halves anywhere in memory, widened. `from` holds 2 out.size() bytes.
void widen_halves(const std::byte* from, std::span<float> out);
/// Floats narrowed. `out` holds from.size() values.
void narrow_to_halves(std::span<const float> from, std::uint16_t* out);

/// The loops behind widen_halves() and narrow_to_halves(), for tests.
namespace scalar {
void widen_halves(const std::byte* from, std::span<float> out);
void narrow_to_halves(std::span<const float> from, std::uint16_t* out);
}  // namespace scalar

namespace f16c {
bool supported();
void widen_halves(const std::byte* from, std::span<float> out);
void narrow_to_halves(std::span<const float> from, std::uint16_t* out);
}  // namespace f16c

}  // namespace winnow::io
