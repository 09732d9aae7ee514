#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/selection/dedup.hpp"
#include "winnow/selection/export.hpp"

namespace winnow::selection {

/// A deduplication as a selection: `policy` dedup in keep.json, reason `duplicate` of who goes, and
/// the classes before and after when there are labels.
///
/// @param n            examples, kept and dropped.
/// @param labels       [n], in [0, class_names.size()), or empty.
Selection selection_of(const Dedup& dedup, std::int64_t n, std::span<const std::int32_t> labels,
                       std::span<const std::string> class_names);

/// Writes what write_selection() does, and the groups of two and more:
///
///     groups.csv   group,id,key,kept,match,similarity,similarity_to_kept
///
/// One line an example: groups in the order of who stays, numbered from 0; in each who stays first
/// (kept is 1, the last three columns empty), then who goes, by id (kept is 0). key is empty
/// without a dataset.
///
/// @param selection  selection_of() of it.
/// @param source     with the distances to the centroids as scores.
/// @throws as write_selection().
std::vector<std::string> write_dedup(const std::filesystem::path& folder, const Dedup& dedup,
                                     const Selection& selection, const DedupOptions& options,
                                     Source source, const ExportOptions& exports = {},
                                     Progress& progress = silent());

}  // namespace winnow::selection
