#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include <fmt/format.h>

namespace winnow::io {

/// Whether no value is NaN or Inf; branch-free, so that it runs at memory speed.
inline bool all_finite(std::span<const float> values) {
  std::uint32_t any = 0;
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    any |= (bits & 0x7F800000U) == 0x7F800000U ? 1U : 0U;
  }
  return any == 0;
}

/// End of a message about one value: "NaN; expected ..." or that it overflows float32.
inline std::string non_finite_text(double value) {
  if (std::isfinite(value)) {
    return fmt::format("{}, which overflows float32; rescale the values", value);
  }
  const char* found = std::isnan(value) ? "NaN" : value > 0 ? "Inf" : "-Inf";
  return fmt::format("{}; expected finite values; drop the row or re-run the encoder", found);
}

}  // namespace winnow::io
