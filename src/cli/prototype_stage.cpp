#include "cli/prototype_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/kmeans_checkpoint.hpp"
#include "winnow/cluster/shard_rows.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/io/npy.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cli {

namespace {

std::int64_t clusters_of(std::int64_t n, std::int64_t n_classes) {
  return n_classes > 0 ? n_classes : default_clusters(n);
}

/// What k-means keeps beside the rows: 16 bytes a row, centroids as they are, were and are
/// multiplied with, whole sums of every thread up to a bound, and what a thread works on.
std::int64_t bytes_of_kmeans(std::int64_t n, std::int64_t d, std::int64_t k) {
  const std::int64_t threads = thread_count();
  const std::int64_t sums = 8 * k * (d + 1);
  const std::int64_t copies =
      std::clamp<std::int64_t>((std::int64_t{64} << 20U) / sums, 1, threads);
  const std::int64_t products = 512 * std::min<std::int64_t>(k, 1024) * 4;
  return 16 * n + 20 * k * d + (1 + copies) * sums +
         threads * (cluster::chunk_rows * d * 4 + products + 512 * d * 4);
}

/// Seconds that comparing a row with one centroid takes, all threads together.
double seconds_per_comparison(const cluster::Rows& rows, Geometry geometry,
                              comm::Communicator& communicator) {
  const cluster::Part part =
      cluster::part_of(rows.rows(), communicator.rank(), communicator.size());
  const std::int64_t count = std::min(part.size(), 4 * cluster::chunk_rows);
  if (count == 0) return 0.0;
  const cluster::LoadedRows some(rows, {part.begin, part.begin + count});
  const MatrixView<const float> sample = some.read(part.begin, count, {});
  const std::int64_t k = std::min<std::int64_t>(1024, count);
  const Stopwatch watch;
  cluster::assign(sample, sample.block(0, k), geometry);
  return watch.seconds() / static_cast<double>(count * k);
}

std::string duration_text(double seconds) {
  if (seconds < 90.0) return fmt::format("{:.0f} s", std::ceil(seconds));
  if (seconds < 5400.0) return fmt::format("{:.0f} min", std::ceil(seconds / 60.0));
  return fmt::format("{:.1f} h", seconds / 3600.0);
}

template <class T>
void gather(std::vector<T>& values, comm::Communicator& communicator) {
  if (communicator.size() > 1) values = communicator.gather(std::span<const T>(values), 0);
}

}  // namespace

RowStream::RowStream(const std::string& embeddings, const cluster::KMeansOptions& options,
                     const std::optional<std::int64_t>& clusters, std::int64_t memory,
                     comm::Communicator& communicator, Progress& progress)
    : communicator_(communicator), progress_(progress) {
  const Stopwatch watch;
  if (io::NpyFile(io::expand_shards(embeddings).front()).fortran_order()) {
    read_by_columns(embeddings, options.geometry);
    seconds_reading_ = watch.seconds();
    return;
  }
  shards_.emplace(embeddings);
  fingerprint_ = shards_->fingerprint();
  on_disk_ = std::make_unique<cluster::ShardRows>(*shards_);
  rows_ = on_disk_.get();
  if (options.geometry == Geometry::spherical) {
    unit_ = std::make_unique<cluster::UnitRows>(*on_disk_);
    rows_ = unit_.get();
  }
  const cluster::Part part = cluster::part_of(n(), communicator.rank(), communicator.size());
  const std::int64_t d = shards_->cols();
  own_bytes_ = bytes_of_kmeans(part.size(), d, clusters.value_or(default_clusters(n())));
  if (own_bytes_ > memory) {
    throw InvalidArgument(fmt::format(
        "memory = {}: k-means of [{}, {}] rows needs {} beside the rows themselves; give more "
        "--memory, fewer --threads or --clusters, or more ranks",
        bytes_text(memory), part.size(), d, bytes_text(own_bytes_)));
  }
  if (own_bytes_ + part.size() * d * 4 > memory) return;
  progress.stage("read embeddings", part.size(), "rows");
  loaded_ = std::make_unique<cluster::LoadedRows>(*rows_, part, progress);
  rows_ = loaded_.get();
  progress.done(fmt::format("{} x {}", part.size(), d));
  seconds_reading_ = watch.seconds();
}

/// In Fortran order rows do not lie together, so that all are read by every rank.
void RowStream::read_by_columns(const std::string& embeddings, Geometry geometry) {
  io::Embeddings read = io::read_embeddings(embeddings, progress_);
  fingerprint_ = read.fingerprint;
  whole_inputs_ = std::move(read.inputs);
  whole_ =
      geometry == Geometry::spherical ? numerics::normalize_rows(read.rows) : std::move(read.rows);
  loaded_ = std::make_unique<cluster::MatrixRows>(whole_);
  rows_ = loaded_.get();
}

std::vector<InputFile> RowStream::inputs() const {
  if (!shards_) return whole_inputs_;
  const std::int64_t count = shards_->shard_count();
  const std::int64_t rank = communicator_.rank();
  const std::int64_t ranks = communicator_.size();
  Json own = Json::array();
  for (const InputFile& input : shards_->inputs(count * rank / ranks, count * (rank + 1) / ranks)) {
    own.push_back({input.path, input.hash});
  }
  if (own.empty() && ranks == 1) return {};
  const std::string text = own.dump() + "\n";
  const auto all = communicator_.gather_all(std::span<const char>(text.data(), text.size()));
  std::vector<InputFile> inputs;
  for (auto begin = all.begin(); begin != all.end();) {
    const auto end = std::find(begin, all.end(), '\n');
    for (const Json& input : Json::parse(begin, end)) inputs.push_back({input[0], input[1]});
    begin = end + 1;
  }
  return inputs;
}

std::int64_t RowStream::bytes_read() const { return shards_ ? shards_->bytes_read() : 0; }

void RowStream::tell_plan(const cluster::KMeansOptions& options, std::int64_t memory) const {
  const double comparisons = static_cast<double>(n()) * static_cast<double>(options.n_clusters) *
                             static_cast<double>((options.iterations + 1) * options.restarts);
  constexpr double worth_telling = 1e11;  // numbers multiplied
  const bool long_work = comparisons * static_cast<double>(rows_->cols()) > worth_telling;
  if (!long_work && rows_->in_memory()) return;
  progress_.stage("plan", 0, "");
  std::string text = fmt::format("{} x {}, {} clusters", n(), rows_->cols(), options.n_clusters);
  if (shards_) {
    text += fmt::format(", {} in {} {}", bytes_text(shards_->file_bytes()), shards_->shard_count(),
                        shards_->shard_count() == 1 ? "file" : "files");
  }
  text += fmt::format("; {}, --memory {}",
                      rows_->in_memory() ? "in memory" : "read again in every pass",
                      bytes_text(memory));
  if (long_work && options.mini_batch == 0) {
    const double seconds = comparisons / communicator_.size() *
                           seconds_per_comparison(*rows_, options.geometry, communicator_);
    if (seconds > 10.0) text += fmt::format("; {} at most", duration_text(1.5 * seconds));
  }
  progress_.done(text);
}

Scored score_self(const cluster::Rows& rows, std::int64_t n_classes, const ScoreOptions& options,
                  Seed seed, comm::Communicator& communicator, Progress& progress) {
  cluster::KMeansOptions kmeans = options.kmeans;
  kmeans.seed = seed;
  kmeans.init = options.init.init;
  std::optional<Matrix<float>> centroids;
  if (!options.centroids_in.empty()) {
    centroids = read_centroids(options.centroids_in, options.clusters, progress);
  }
  const auto initial = read_initial(options.init, kmeans.geometry, options.clusters, progress);
  kmeans.n_clusters = centroids ? centroids->rows()
                      : initial ? initial->rows()
                                : options.clusters.value_or(clusters_of(rows.rows(), n_classes));
  if (centroids) kmeans.iterations = 0;
  cluster::KMeansRun run{.communicator = communicator, .progress = progress};
  if (initial) run.initial = initial->view();
  if (!options.checkpoint.empty()) {
    const Json identity = {{"options", options_json(kmeans)},
                           {"seed", seed.value},
                           {"init", options.init.text()},
                           {"n", rows.rows()},
                           {"d", rows.cols()}};
    run.resume = read_checkpoint(options.checkpoint, identity);
    const bool first = communicator.rank() == 0;
    run.checkpoint = [&options, identity, first](const cluster::KMeansState& state) {
      if (first) write_checkpoint(options.checkpoint, state, identity);
    };
  }
  auto result = metrics::self_prototypes(
      rows, kmeans, run,
      centroids ? std::optional<MatrixView<const float>>(centroids->view()) : std::nullopt);
  auto& found = result.kmeans;
  if (found.empty_clusters > 0) {
    progress.warn(
        fmt::format("{} of {} clusters are empty: fewer distinct rows than clusters, or "
                    "centroids that are nearest to no row",
                    found.empty_clusters, kmeans.n_clusters));
  }
  gather(result.scores, communicator);
  gather(found.assignment, communicator);
  Json details = {{"options", options_json(kmeans)},        {"clusters", kmeans.n_clusters},
                  {"iterations", found.iterations},         {"objective", found.objective},
                  {"empty_clusters", found.empty_clusters}, {"converged", found.converged},
                  {"sizes", size_summary(found.sizes)}};
  if (!options.init.file.empty()) details["options"]["init"] = options.init.file;
  if (kmeans.restarts > 1) details["restart"] = found.restart;
  std::vector<std::int64_t> counts = {found.computed, found.comparisons, found.close_rows,
                                      found.compared_rows};
  communicator.sum(counts);
  const auto share_left = [&counts](std::size_t part, std::size_t whole) {
    return 1.0 - static_cast<double>(counts[part]) /
                     static_cast<double>(std::max<std::int64_t>(1, counts[whole]));
  };
  Json work = {{"skipped", share_left(0, 1)}, {"decided_by_products", share_left(2, 3)}};
  Json seconds = {{"seed", found.seconds_seeding},
                  {"iterate", found.seconds_iterating},
                  {"score", found.seconds_scoring}};
  return {.values = std::move(result.scores),
          .kmeans = std::move(found),
          .details = std::move(details),
          .seconds = std::move(seconds),
          .work = std::move(work)};
}

Scored score_self(const RowStream& stream, std::int64_t n_classes, const ScoreOptions& options,
                  std::int64_t memory, Seed seed, comm::Communicator& communicator,
                  Progress& progress) {
  cluster::KMeansOptions planned = options.kmeans;
  planned.n_clusters = options.clusters.value_or(clusters_of(stream.n(), n_classes));
  if (!options.centroids_in.empty()) planned.iterations = 0;
  stream.tell_plan(planned, memory);
  return score_self(stream.rows(), n_classes, options, seed, communicator, progress);
}

}  // namespace winnow::cli
