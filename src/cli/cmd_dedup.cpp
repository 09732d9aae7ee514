#include <fmt/format.h>

#include "cli/cluster_stage.hpp"
#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "cli/stages.hpp"
#include "winnow/core/error.hpp"
#include "winnow/numerics/vectors.hpp"
#include "winnow/selection/dedup_export.hpp"

namespace winnow::cli {

namespace {

struct DedupArguments {
  RowSource source;
  std::string clustering;
  ClusterOptions clusters;
  selection::DedupOptions options;
  std::string formats;
  selection::FileMode files = selection::FileMode::none;
  bool dry_run = false;
};

/// The folder of --clustering, which must be about the same rows.
Clustered read_clusters(const std::string& folder, const Rows& rows, const std::string& name) {
  io::Clustering clustering = io::read_clustering(folder);
  const Matrix<float>& points = rows.embeddings.rows;
  io::require_same_length(static_cast<std::int64_t>(clustering.assignment.size()), folder,
                          points.rows(), name);
  require_same_dataset(clustering.fingerprint, folder, rows.embeddings.fingerprint, name);
  if (clustering.centroids.cols() != points.cols()) {
    throw DatasetMismatch(
        fmt::format("{} has centroids of {} numbers, but {} has rows of {}; cluster these rows, "
                    "with winnow cluster",
                    folder, clustering.centroids.cols(), name, points.cols()));
  }
  Json details = {{"clustering", folder}, {"geometry", clustering.geometry}};
  return {.clustering = std::move(clustering), .details = std::move(details), .seconds = {}};
}

Clustered clusters_of(const DedupArguments& arguments, Rows& rows, Seed seed, Progress& progress) {
  const std::string& name = arguments.source.name();
  Matrix<float>& points = rows.embeddings.rows;
  Clustered found = arguments.clustering.empty()
                        ? cluster_rows(rows.embeddings, name, arguments.clusters, seed, progress)
                        : read_clusters(arguments.clustering, rows, name);
  const bool unit = arguments.clustering.empty() && found.clustering.geometry == "spherical";
  if (unit) return found;
  try {
    points = numerics::normalize_rows(points);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(fmt::format("{}: {}", name, error.what()));
  }
  return found;
}

std::vector<std::string> write(const Session& session, const DedupArguments& arguments,
                               const Rows& rows, const Clustered& clusters,
                               const io::Labels& labels, const selection::Dedup& found,
                               const selection::Selection& chosen, Progress& progress) {
  selection::Source source{.scores = clusters.clustering.distance,
                           .labels = labels.values,
                           .dataset = rows.dataset.get(),
                           .fingerprint = rows.embeddings.fingerprint,
                           .inputs = rows.embeddings.inputs,
                           .details = {{"metric", "distance to the centroid"},
                                       {"clusters", clusters.clustering.centroids.rows()},
                                       {"clustering", clusters.details}}};
  if (!arguments.clustering.empty()) {
    const auto& read = clusters.clustering.inputs;
    source.inputs.insert(source.inputs.end(), read.begin(), read.end());
  }
  return selection::write_dedup(session.out(), found, chosen, arguments.options, std::move(source),
                                {selection::parse_formats(arguments.formats), arguments.files},
                                progress);
}

void warn_of_keep(const selection::DedupOptions& options, std::int64_t n, std::int64_t kept,
                  Progress& progress) {
  if (!options.keep) return;
  const std::int64_t wanted = selection::SelectOptions{.keep = *options.keep}.kept_of(n);
  if (kept == wanted) return;
  progress.warn(fmt::format(
      "{} examples stay, not {}: {}", kept, wanted,
      kept > wanted ? "one of each cluster always does, and examples at equal distances go together"
                    : "examples at equal distances go together"));
}

Json summary_of(const selection::Dedup& found, const selection::DedupOptions& options) {
  return {{"kept", found.ids.size()},
          {"dropped", found.dropped.size()},
          {"epsilon", found.epsilon},
          {"grouping", enum_name(options.grouping)},
          {"representative", enum_name(options.representative)},
          {"groups", found.groups},
          {"largest_group", found.largest_group},
          {"equal_rows", found.equal_rows},
          {"rounds", found.rounds},
          {"compared_rows", found.compared_rows}};
}

std::string text_of(const selection::Dedup& found, std::int64_t n, std::int64_t k,
                    const selection::Audit& audit) {
  std::string text;
  for (const auto& line : selection::format_audit(audit)) text += line + "\n";
  return text + fmt::format(
                    "epsilon {:.6g}: {} of {} examples are near-duplicates of others, in {} groups "
                    "of up to {}; {} have rows equal to another's; {} clusters\n",
                    found.epsilon, found.dropped.size(), n, found.groups, found.largest_group,
                    found.equal_rows, k);
}

void dedup(Session& session, DedupArguments arguments) {
  if (!arguments.dry_run) {
    require_out_folder(session, "the folder to write (or give --dry-run)");
  }
  arguments.source.resolve();
  arguments.clusters.validate();
  arguments.options.validate();
  (void)selection::parse_formats(arguments.formats);
  Stopwatch watch;
  Json seconds;
  const auto lap = [&](const char* stage) {
    seconds[stage] = watch.seconds();
    watch = Stopwatch();
  };
  Rows rows = read_rows(arguments.source, session.seed(), session.terminal);
  const std::int64_t n = rows.embeddings.rows.rows();
  lap("read");
  const Clustered clusters = clusters_of(arguments, rows, session.seed(), session.terminal);
  const io::Clustering& clustering = clusters.clustering;
  lap("cluster");
  const auto found =
      selection::deduplicate(rows.embeddings.rows, clustering.assignment, clustering.distance,
                             arguments.options, session.terminal);
  lap("compare");
  warn_of_keep(arguments.options, n, static_cast<std::int64_t>(found.ids.size()), session.terminal);
  io::Labels labels;
  if (rows.dataset && rows.dataset->has_labels()) labels = labels_of(*rows.dataset);
  const auto chosen = selection::selection_of(found, n, labels.values, labels.class_names);
  Json summary = {{"n", n}};
  summary.update(summary_of(found, arguments.options));
  summary["clusters"] = clustering.centroids.rows();
  summary["audit"] = selection::audit_json(chosen.audit);
  std::string text = text_of(found, n, clustering.centroids.rows(), chosen.audit);
  if (!arguments.dry_run) {
    summary["out"] = session.common.out;
    summary["files"] =
        write(session, arguments, rows, clusters, labels, found, chosen, session.terminal);
    text += fmt::format("{}: {} of {} examples kept\n", (session.out() / "keep.npy").string(),
                        found.ids.size(), n);
  }
  summary["seconds"] = seconds;
  session.print(summary, text);
}

void bind_clusters(CLI::App& command, DedupArguments& arguments) {
  bind_cluster_options(command, arguments.clusters);
  CLI::Option* folder =
      command
          .add_option("--clustering", arguments.clustering,
                      "Clusters that winnow cluster made of these rows, in place of a k-means now.")
          ->type_name("DIR");
  for (const auto& name : field_names<cluster::KMeansOptions>()) {
    folder->excludes(command.get_option("--" + name));
  }
}

}  // namespace

void add_dedup(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "dedup", "Keep one example of every group of near-duplicates.", Output::replace,
      "Folder to write: keep.npy, keep.json, groups.csv and what --write asks for.",
      "Examples:\n"
      "  winnow dedup --embeddings emb.npy --clusters 1000 --epsilon 0.05 --out kept\n"
      "  winnow dedup --embeddings emb.npy --clustering clusters --keep 0.8 --out kept\n"
      "  winnow dedup --data images:photos --groups transitive --epsilon 0.02 --files link \\\n"
      "               --out kept");
  auto arguments = std::make_shared<DedupArguments>();
  bind_rows(command, arguments->source,
            "Dataset of the rows: gives keys, labels, images, and rows where --embeddings does "
            "not.");
  bind_options(command, arguments->options);
  command
      .add_option("--keep", arguments->options.keep,
                  help_text(selection::DedupOptions::keep_info()))
      ->type_name("NUMBER")
      ->excludes(command.get_option("--epsilon"));
  bind_clusters(command, *arguments);
  bind_exports(command, arguments->formats, arguments->files);
  command.add_flag("--dry-run", arguments->dry_run, "Print what would go, write nothing.");
  bind_reading(command, arguments->source.data);
  on_run(command, session, [&session, arguments] { dedup(session, *arguments); });
}

}  // namespace winnow::cli
