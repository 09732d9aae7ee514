#include <fmt/format.h>

#include "cli/cluster_stage.hpp"
#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "cli/stages.hpp"
#include "winnow/core/error.hpp"

namespace winnow::cli {

namespace {

struct ClusterArguments {
  RowSource source;
  LevelsChoice levels;
  ClusterOptions options;
  cluster::HierarchyOptions hierarchy;

  bool is_hierarchical() const {
    return levels.clusters.size() > 1 || hierarchy.finest_resampling_steps > 0;
  }
};

/// Puts options together and refuses what cannot be.
void resolve(ClusterArguments& arguments, Seed seed) {
  const auto& levels = arguments.levels.clusters;
  if (levels.size() == 1) arguments.options.clusters = levels.front();
  arguments.options.validate();
  cluster::HierarchyOptions& hierarchy = arguments.hierarchy;
  hierarchy.clusters = levels;
  hierarchy.kmeans = arguments.options.kmeans;
  hierarchy.kmeans.init = arguments.options.init.init;
  hierarchy.kmeans.seed = seed;
  if (!arguments.is_hierarchical()) return;
  hierarchy.validate();
  if (!arguments.options.init.file.empty()) {
    throw InvalidArgument(
        fmt::format("init = {}: levels and resampling start from rows of their own; give k-means++ "
                    "or random",
                    arguments.options.init.file));
  }
}

/// "1000 clusters of 3 to 90 rows, median 41; 0 empty; objective 0.31".
std::string level_text(const Json& details, std::int64_t k) {
  const Json& sizes = details["sizes"];
  return fmt::format("{} clusters, sizes {} to {}, median {}; {} empty; objective {:.6g}", k,
                     dump_json(sizes["smallest"]), dump_json(sizes["largest"]),
                     dump_json(sizes["median"]), dump_json(details["empty_clusters"]),
                     details["objective"].back().get<double>());
}

ClusteredLevels work(ClusterArguments& arguments, Rows& rows, Json& seconds, Seed seed,
                     Progress& progress) {
  const std::string& name = arguments.source.name();
  if (arguments.is_hierarchical()) {
    return cluster_levels(rows.embeddings, name, arguments.hierarchy, progress);
  }
  Clustered found = cluster_rows(rows.embeddings, name, arguments.options, seed, progress);
  seconds.update(found.seconds);
  ClusteredLevels levels;
  levels.levels.push_back(std::move(found.clustering));
  levels.details.push_back(std::move(found.details));
  return levels;
}

void cluster(Session& session, ClusterArguments arguments) {
  require_out_folder(session, "the folder to write");
  arguments.source.resolve();
  resolve(arguments, session.seed());
  Stopwatch watch;
  Rows rows = read_rows(arguments.source, session.seed(), session.terminal);
  Json seconds = {{"read", watch.seconds()}};
  watch = Stopwatch();
  const ClusteredLevels found = work(arguments, rows, seconds, session.seed(), session.terminal);
  seconds["cluster"] = watch.seconds();
  io::write_hierarchy(session.out(), found.levels, found.details);
  const Json& details = found.details.front();
  const std::int64_t n = rows.embeddings.rows.rows();
  const std::int64_t k = found.levels.front().centroids.rows();
  Json summary = {{"out", session.common.out}, {"n", n}, {"clusters", k}};
  summary.update(details);
  summary["objective"] = details["objective"].back();
  std::string text = fmt::format("{}: {} rows, {} iterations{}\n", session.common.out, n,
                                 dump_json(details["iterations"]),
                                 details["converged"].get<bool>() ? ", converged" : "");
  for (std::size_t level = 0; level < found.levels.size(); ++level) {
    const std::int64_t clusters = found.levels[level].centroids.rows();
    text += level_text(found.details[level], clusters) + "\n";
    if (found.levels.size() > 1) {
      Json entry = {{"clusters", clusters}};
      entry.update(found.details[level]);
      entry.erase("options");
      entry["objective"] = entry["objective"].back();
      summary["levels"].push_back(std::move(entry));
    }
  }
  summary["seconds"] = seconds;
  session.print(summary, text);
}

}  // namespace

void add_cluster(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "cluster", "Divide rows into clusters by k-means.", Output::replace,
      "Folder to write: centroids.npy, assignment.npy, distance.npy, clustering.json; levels/1, "
      "... the same of further levels.",
      "Examples:\n"
      "  winnow cluster --embeddings emb.npy --clusters 1000 --out clusters\n"
      "  winnow cluster --data fashion-mnist --geometry euclidean --out clusters\n"
      "  winnow cluster --embeddings emb.npy --clusters 10000,1000,100 --out hierarchy\n"
      "  winnow dedup --embeddings emb.npy --clustering clusters --epsilon 0.05 --out kept");
  auto arguments = std::make_shared<ClusterArguments>();
  bind_rows(command, arguments->source, data_help);
  bind_cluster_options(command, arguments->options);
  command.remove_option(command.get_option("--clusters"));
  bind_option(command, arguments->levels,
              {.name = "clusters",
               .help = "Number of clusters k, 1 to n; or of each level, from the finest up, each "
                       "clustering the centroids of the one before."});
  bind_options(command, arguments->hierarchy);
  bind_reading(command, arguments->source.data);
  on_run(command, session, [&session, arguments] { cluster(session, *arguments); });
}

}  // namespace winnow::cli
