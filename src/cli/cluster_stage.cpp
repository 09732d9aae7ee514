#include "cli/cluster_stage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cli/command.hpp"
#include "cli/stages.hpp"
#include "winnow/core/error.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cli {

namespace {

io::Clustering clustering_of(cluster::KMeansResult found, Geometry geometry,
                             const Fingerprint& fingerprint, const std::vector<InputFile>& inputs) {
  return {.centroids = std::move(found.centroids),
          .assignment = std::move(found.assignment),
          .distance = std::move(found.distance),
          .geometry = enum_name(geometry),
          .fingerprint = fingerprint,
          .inputs = inputs};
}

Json details_of(const cluster::KMeansResult& found) {
  return {{"objective", found.objective},
          {"iterations", found.iterations},
          {"converged", found.converged},
          {"empty_clusters", found.empty_clusters},
          {"sizes", size_summary(found.sizes)}};
}

}  // namespace

void ClusterOptions::validate() const {
  kmeans.validate();
  if (clusters) {
    check_range(static_cast<double>(*clusters), {.name = "clusters", .help = "", .min = 1});
  }
}

void bind_cluster_options(CLI::App& command, ClusterOptions& options) {
  bind_kmeans_options(command, options.kmeans, options.clusters, options.init, "round(sqrt(n))");
}

Clustered cluster_rows(io::Embeddings& embeddings, const std::string& name,
                       const ClusterOptions& options, Seed seed, Progress& progress) {
  cluster::KMeansOptions kmeans = options.kmeans;
  kmeans.seed = seed;
  kmeans.init = options.init.init;
  const auto initial = read_initial(options.init, kmeans.geometry, options.clusters, progress);
  kmeans.n_clusters = initial ? initial->rows()
                              : options.clusters.value_or(default_clusters(embeddings.rows.rows()));
  cluster::KMeansResult found;
  try {
    if (kmeans.geometry == Geometry::spherical) {
      embeddings.rows = numerics::normalize_rows(embeddings.rows);
    }
    found = cluster::kmeans(
        embeddings.rows, kmeans, progress,
        initial ? std::optional<MatrixView<const float>>(initial->view()) : std::nullopt);
  } catch (const InvalidArgument& error) {  // k-means does not know where the rows come from
    throw InvalidArgument(fmt::format("{}: {}", name, error.what()));
  }
  Json details = details_of(found);
  details["options"] = options_json(kmeans);
  details["options"]["init"] = options.init.text();
  details["seed"] = seed.value;
  Json seconds = {{"seed", found.seconds_seeding},
                  {"iterate", found.seconds_iterating},
                  {"score", found.seconds_scoring}};
  return {.clustering = clustering_of(std::move(found), kmeans.geometry, embeddings.fingerprint,
                                      embeddings.inputs),
          .details = std::move(details),
          .seconds = std::move(seconds)};
}

LevelsChoice LevelsChoice::parse(std::string_view field, std::string_view text) {
  LevelsChoice choice;
  for (const auto& item : split_list(std::string(text))) {
    std::int64_t count = 0;
    const auto [end, code] = std::from_chars(item.data(), item.data() + item.size(), count);
    if (code != std::errc{} || end != item.data() + item.size()) {
      throw InvalidArgument(fmt::format(
          "{} = '{}'; expected a whole number, or several from the finest level up, such as "
          "10000,1000,100",
          field, text));
    }
    choice.clusters.push_back(count);
  }
  return choice;
}

std::string LevelsChoice::text() const {
  return clusters.empty() ? "round(sqrt(n))" : fmt::format("{}", fmt::join(clusters, ","));
}

ClusteredLevels cluster_levels(io::Embeddings& embeddings, const std::string& name,
                               const cluster::HierarchyOptions& options, Progress& progress) {
  cluster::Hierarchy found;
  try {
    if (options.kmeans.geometry == Geometry::spherical) {
      embeddings.rows = numerics::normalize_rows(embeddings.rows);
    }
    found = cluster::hierarchical_kmeans(embeddings.rows, options, progress);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(fmt::format("{}: {}", name, error.what()));
  }
  ClusteredLevels result;
  for (auto& level : found.levels) {
    const bool finest = result.levels.empty();
    result.details.push_back(details_of(level));
    // Rows of further levels are centroids, no dataset's.
    result.levels.push_back(clustering_of(std::move(level), options.kmeans.geometry,
                                          finest ? embeddings.fingerprint : Fingerprint(),
                                          finest ? embeddings.inputs : std::vector<InputFile>()));
  }
  Json& details = result.details.front();
  details["options"] = options_json(options.kmeans);
  details["options"]["clusters"] = options.clusters;
  details["options"].update(options_json(options));
  details["seed"] = options.kmeans.seed.value;
  return result;
}

}  // namespace winnow::cli
