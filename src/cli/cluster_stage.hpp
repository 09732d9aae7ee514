#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/kmeans_arguments.hpp"
#include "cli/row_source.hpp"
#include "winnow/cluster/hierarchical.hpp"
#include "winnow/cluster/kmeans.hpp"
#include "winnow/io/clustering.hpp"

// k-means of rows, as `cluster` and `dedup` run it.

namespace winnow::cli {

/// --clusters, --init and the other options of k-means.
struct ClusterOptions {
  std::optional<std::int64_t> clusters;  ///< unset: rows of --init FILE, else round(sqrt(n))
  cluster::KMeansOptions kmeans;
  InitChoice init;

  /// What can be refused before anything is read. @throws InvalidArgument.
  void validate() const;
};

void bind_cluster_options(CLI::App& command, ClusterOptions& options);

/// What cluster_rows() found.
struct Clustered {
  io::Clustering clustering;
  Json details;  ///< of clustering.json: objective, options, ...
  Json seconds;  ///< {"seed", "iterate", "score"}
};

/// Clusters rows, which become unit rows when the geometry is spherical.
/// @param name  where they come from, for messages.
/// @throws InvalidArgument  k above the number of rows; a zero row when spherical; --init rows of
///                          another number or width.
Clustered cluster_rows(io::Embeddings& embeddings, const std::string& name,
                       const ClusterOptions& options, Seed seed, Progress& progress);

/// `--clusters K1,K2,...` of `cluster`: levels, from the finest up.
struct LevelsChoice {
  std::vector<std::int64_t> clusters;  ///< empty: one level of round(sqrt(n))

  static constexpr const char* forms = "K[,K2,...]";
  /// @throws InvalidArgument for what is no list of whole numbers.
  static LevelsChoice parse(std::string_view field, std::string_view text);
  std::string text() const;
};

/// Levels of clusters, from the finest up, with the details of each.
struct ClusteredLevels {
  std::vector<io::Clustering> levels;
  std::vector<Json> details;
};

/// As cluster_rows(), by cluster::hierarchical_kmeans(). `options.kmeans` holds init and seed, too.
ClusteredLevels cluster_levels(io::Embeddings& embeddings, const std::string& name,
                               const cluster::HierarchyOptions& options, Progress& progress);

}  // namespace winnow::cli
