#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "winnow/cluster/kmeans.hpp"
#include "winnow/core/run.hpp"

// Options of k-means, as every subcommand with a clustering takes them.

namespace winnow::cli {

/// Where centroids start: one of cluster::Init, or the rows of a file.
struct InitChoice {
  cluster::Init init = cluster::Init::plus_plus;
  std::string file;  ///< "": by `init`

  static constexpr const char* forms = "k-means++|random|FILE.npy";
  /// @throws InvalidArgument for what is no name and does not end in .npy.
  static InitChoice parse(std::string_view field, std::string_view text);
  std::string text() const { return file.empty() ? enum_name(init) : file; }
};

/// How much memory may be used.
struct MemoryLimit {
  std::int64_t bytes = 0;  ///< 0: a quarter of what the machine, or the job's control group, has

  static constexpr const char* forms = "BYTES|NUMBER(K|M|G|T)";
  /// Powers of 1024, with or without a B or iB after the letter.
  /// @throws InvalidArgument for anything else, and for less than a MiB.
  static MemoryLimit parse(std::string_view field, std::string_view text);
  std::string text() const;
  /// What it comes to.
  std::int64_t resolved() const;
};

/// "5.2 GB", in powers of 1000.
std::string bytes_text(std::int64_t bytes);

/// Declares --clusters, --init and all of cluster::KMeansOptions.
/// @param clusters_default  what --clusters is when it is not given, for the help
void bind_kmeans_options(CLI::App& command, cluster::KMeansOptions& options,
                         std::optional<std::int64_t>& clusters, InitChoice& init,
                         const std::string& clusters_default);

/// Clusters of n rows where nothing says how many: round(sqrt(n)), at least 1.
std::int64_t default_clusters(std::int64_t n);

/// Smallest, median and largest cluster.
Json size_summary(std::vector<std::int64_t> sizes);

/// Centroids of a file, as they are.
/// @throws InvalidArgument when `clusters` asks for another number of them; BadFile.
Matrix<float> read_centroids(const std::string& file, const std::optional<std::int64_t>& clusters,
                             Progress& progress);

/// The rows of --init FILE, of unit length when spherical; nothing where there is no file.
/// @throws as read_centroids().
std::optional<Matrix<float>> read_initial(const InitChoice& init, Geometry geometry,
                                          const std::optional<std::int64_t>& clusters,
                                          Progress& progress);

}  // namespace winnow::cli
