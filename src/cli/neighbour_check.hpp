#pragma once

#include <cstdint>

#include "cli/stages.hpp"
#include "winnow/embedding/quality.hpp"

namespace winnow::cli {

/// Float32 numbers that a check of neighbours may hold: 2 GiB.
constexpr std::int64_t most_checked_values = (std::int64_t{2} << 30U) / 4;

/// How well neighbours share a class: the encoder's rows and, when all of them fit into
/// `most_checked_values`, the pixels.
/// @param test  no rows: queries are train rows, each left out
/// @return {"k", "queries", "leave_one_out", "references" (of a subset only), "encoder", "pixels"},
///         or null when the check failed, which progress.warn() tells.
Json check_neighbours(const Splits& splits, const embedding::LabelledSource& train,
                      const embedding::LabelledSource& test, bool are_pixels, Seed seed,
                      Progress& progress);

}  // namespace winnow::cli
