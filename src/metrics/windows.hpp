#pragma once

#include <cstdint>

namespace winnow::metrics {

/// @throws InvalidArgument unless `rows` hold at least one window of at least two.
void require_window(std::int64_t rows, std::int32_t window);

}  // namespace winnow::metrics
