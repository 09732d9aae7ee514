#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "cli/row_source.hpp"
#include "cli/stages.hpp"
#include "winnow/cluster/kmeans.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/clustering.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cli {

namespace {

struct ClusterArguments {
  RowSource source;
  std::optional<std::int64_t> clusters;
  cluster::KMeansOptions kmeans;
};

/// Smallest, median and largest cluster.
Json size_summary(std::vector<std::int64_t> sizes) {
  std::ranges::sort(sizes);
  return {
      {"smallest", sizes.front()}, {"median", sizes[sizes.size() / 2]}, {"largest", sizes.back()}};
}

cluster::KMeansResult cluster_rows(const RowSource& source, Matrix<float>& rows,
                                   const cluster::KMeansOptions& options, Progress& progress) {
  try {
    if (options.geometry == Geometry::spherical) rows = numerics::normalize_rows(rows);
    return cluster::kmeans(rows, options, progress);
  } catch (const InvalidArgument& error) {  // k-means does not know where the rows come from
    throw InvalidArgument(fmt::format("{}: {}", source.name(), error.what()));
  }
}

void cluster(Session& session, ClusterArguments arguments) {
  require_out_folder(session, "the folder to write");
  arguments.source.resolve();
  cluster::KMeansOptions& options = arguments.kmeans;
  options.seed = session.seed();
  options.n_clusters = arguments.clusters.value_or(1);
  options.validate();
  Stopwatch watch;
  Rows rows = read_rows(arguments.source, session.seed(), session.terminal);
  const double seconds_reading = watch.seconds();
  Matrix<float>& points = rows.embeddings.rows;
  const std::int64_t n = points.rows();
  if (!arguments.clusters) {
    options.n_clusters = std::max<std::int64_t>(1, std::llround(std::sqrt(static_cast<double>(n))));
  }
  auto found = cluster_rows(arguments.source, points, options, session.terminal);
  Json details = {{"objective", found.objective},       {"iterations", found.iterations},
                  {"converged", found.converged},       {"empty_clusters", found.empty_clusters},
                  {"sizes", size_summary(found.sizes)}, {"options", options_json(options)},
                  {"seed", session.common.seed}};
  const io::Clustering clustering{.centroids = std::move(found.centroids),
                                  .assignment = std::move(found.assignment),
                                  .distance = std::move(found.distance),
                                  .geometry = enum_name(options.geometry),
                                  .fingerprint = rows.embeddings.fingerprint,
                                  .inputs = rows.embeddings.inputs};
  io::write_clustering(session.out(), clustering, details);
  const Json& sizes = details["sizes"];
  const std::string text = fmt::format(
      "{}: {} rows in {} clusters\n"
      "{} iterations, objective {:.6g}{}\n"
      "cluster sizes {} to {}, median {}; {} empty\n",
      session.common.out, n, options.n_clusters, found.iterations, found.objective.back(),
      found.converged ? ", converged" : "", dump_json(sizes["smallest"]),
      dump_json(sizes["largest"]), dump_json(sizes["median"]), found.empty_clusters);
  Json summary = {{"out", session.common.out}, {"n", n}, {"clusters", options.n_clusters}};
  summary.update(details);
  summary["objective"] = found.objective.back();
  summary["seconds"] = {{"read", seconds_reading},
                        {"seed", found.seconds_seeding},
                        {"iterate", found.seconds_iterating},
                        {"score", found.seconds_scoring}};
  session.print(summary, text);
}

}  // namespace

void add_cluster(CLI::App& app, Session& session) {
  CLI::App& command =
      add_command(app, session, "cluster", "Divide rows into clusters by k-means.", Output::replace,
                  "Folder to write: centroids.npy, assignment.npy, distance.npy, clustering.json.",
                  "Examples:\n"
                  "  winnow cluster --embeddings emb.npy --clusters 1000 --out clusters\n"
                  "  winnow cluster --data fashion-mnist --geometry euclidean --out clusters\n"
                  "  winnow info clusters");
  auto arguments = std::make_shared<ClusterArguments>();
  bind_rows(command, arguments->source, data_help);
  command.add_option("--clusters", arguments->clusters, "Number of clusters k, 1 to n.")
      ->check(&detail::integer_problem<std::int64_t>)
      ->type_name("INTEGER")
      ->default_str("round(sqrt(n))");
  cluster::KMeansOptions::fields(arguments->kmeans,
                                 [&command]<class T>(T& value, const FieldInfo& info) {
                                   if (std::string_view(info.name) != "clusters")
                                     bind_option(command, value, info);
                                 });
  bind_reading(command, arguments->source.data);
  on_run(command, session, [&session, arguments] { cluster(session, *arguments); });
}

}  // namespace winnow::cli
