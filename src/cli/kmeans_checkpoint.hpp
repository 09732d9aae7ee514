#pragma once

#include <filesystem>
#include <optional>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/core/run.hpp"

namespace winnow::cli {

/// Writes what a clustering resumes from, a `.safetensors` file of centroids, whole or not at all.
/// @param identity  of the clustering: options and shape
void write_checkpoint(const std::filesystem::path& path, const cluster::KMeansState& state,
                      const Json& identity);

/// Nothing when there is no such file.
/// @throws BadFile          not a checkpoint of a clustering.
/// @throws InvalidArgument  one of another clustering, naming what differs.
std::optional<cluster::KMeansState> read_checkpoint(const std::filesystem::path& path,
                                                    const Json& identity);

}  // namespace winnow::cli
