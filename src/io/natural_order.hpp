#pragma once

#include <string_view>

namespace winnow::io {

/// Runs of digits compare as numbers, everything else as bytes: `part-2` before `part-10`.
/// A strict total order: texts that differ in leading zeros only compare as bytes.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace winnow::io
