#include "io/half.hpp"

#include <bit>
#include <cstring>

namespace winnow::io {

float half_to_float(std::uint16_t half) {
  // A half's exponent and fraction, moved into a float's places, are its value over 2^112, also
  // for subnormals; only Inf and NaN need their exponent put right.
  const std::uint32_t magnitude = half & 0x7FFFU;
  const float scaled = std::bit_cast<float>(magnitude << 13U) * 0x1.0p112F;
  auto bits = std::bit_cast<std::uint32_t>(scaled);
  bits |= magnitude >= 0x7C00U ? 0x7F800000U : 0U;
  bits |= magnitude > 0x7C00U ? 0x00400000U : 0U;
  bits |= static_cast<std::uint32_t>(half & 0x8000U) << 16U;
  return std::bit_cast<float>(bits);
}

std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16U & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  std::uint32_t half = 0;
  if (magnitude > 0x7F800000U) {  // NaN
    half = 0x7E00U | (magnitude >> 13U & 0x03FFU);
  } else if (magnitude >= 0x477FF000U) {  // 65520, halfway between the largest half and 2^16
    half = 0x7C00U;
  } else if (magnitude < 0x38800000U) {  // 2^-14: a subnormal half, a multiple of 2^-24
    // The unit in the last place of 0.5 is 2^-24, so that this addition rounds as wanted.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) -
           std::bit_cast<std::uint32_t>(0.5F);
  } else {
    const std::uint32_t rebased = magnitude - (112U << 23U);
    half = (rebased + 0x0FFFU + (rebased >> 13U & 1U)) >> 13U;
  }
  return static_cast<std::uint16_t>(sign | half);
}

namespace scalar {

void widen_halves(const std::byte* from, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, from + i * sizeof(half), sizeof(half));
    out[i] = half_to_float(half);
  }
}

void narrow_to_halves(std::span<const float> from, std::uint16_t* out) {
  for (std::size_t i = 0; i < from.size(); ++i) out[i] = float_to_half(from[i]);
}

}  // namespace scalar

void widen_halves(const std::byte* from, std::span<float> out) {
  (f16c::supported() ? f16c::widen_halves : scalar::widen_halves)(from, out);
}

void narrow_to_halves(std::span<const float> from, std::uint16_t* out) {
  (f16c::supported() ? f16c::narrow_to_halves : scalar::narrow_to_halves)(from, out);
}

}  // namespace winnow::io
