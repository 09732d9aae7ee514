#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/run.hpp"

namespace winnow::io {

/// Rows divided into clusters, as a folder holds them. n = rows, d = columns, k = clusters.
struct Clustering {
  Matrix<float> centroids;               ///< [k, d]; unit rows when spherical
  std::vector<std::int32_t> assignment;  ///< [n], in [0, k)
  std::vector<double> distance;          ///< [n] to the own centroid: 1 - cosine, in [0, 2], when
                                         ///< spherical, else squared Euclidean, input units squared
  std::string geometry;                  ///< "spherical" or "euclidean"
  Fingerprint fingerprint;               ///< of the dataset whose rows they are
  std::vector<InputFile> inputs;  ///< written: what it was made from; read: the folder's arrays
};

/// Whether `folder` holds a `clustering.json`.
bool is_clustering(const std::filesystem::path& folder);

/// Reads a folder that write_clustering() wrote, or anybody with NumPy: centroids of any floating
/// dtype in C order, assignment of any integer dtype, distance of any floating dtype, and a
/// `clustering.json` that has at least "kind": "clustering" and "geometry".
///
/// @throws BadFile         no such folder or file; arrays whose shapes disagree with each other or
///                         with the JSON's n, d and clusters; an assignment outside [0, k), a
///                         negative distance or one above 2 when spherical, naming the row.
/// @throws NonFiniteInput  NaN or Inf; names file, row and column.
/// Memory: what the result holds.
Clustering read_clustering(const std::filesystem::path& folder);

/// Writes a clustering into a folder, which is made where it is missing:
///
///     centroids.npy   float32 [k, d]        distance.npy     float64 [n]
///     assignment.npy  int32 [n]             clustering.json  kind, n, d, clusters, geometry,
///                                                            fingerprint, `details`, inputs
///
/// All files are complete on disk before the first takes its name. Killed in between, the folder
/// has no clustering.json, so that none ever lies beside the arrays of another clustering.
///
/// @param details  Further entries of the JSON: objective, options, ...
/// @throws InvalidArgument  a clustering that read_clustering() would refuse for its shapes.
/// @throws WorkFailed       no space left, no permission.
void write_clustering(const std::filesystem::path& folder, const Clustering& clustering,
                      const Json& details);

/// Reads the levels of a folder, from the finest up: the folder itself, then levels/1, levels/2,
/// ... inside it, each a clustering of the centroids of the one before; one level where there are
/// no more.
///
/// @throws as read_clustering(); BadFile also where a level is missing, or has not one row for
/// every
///         cluster of the one before, or another width or geometry.
std::vector<Clustering> read_hierarchy(const std::filesystem::path& folder);

/// Writes levels as read_hierarchy() reads them, all of them complete on disk before the first
/// takes its name; further levels that were there go.
///
/// @param levels   From the finest up; one is what write_clustering() writes.
/// @param details  Of each level.
/// @throws InvalidArgument, WorkFailed as write_clustering().
void write_hierarchy(const std::filesystem::path& folder, std::span<const Clustering> levels,
                     std::span<const Json> details);

}  // namespace winnow::io
