#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/kmeans_arguments.hpp"
#include "winnow/core/fingerprint.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/stopwatch.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/metrics/metric.hpp"
#include "winnow/metrics/prototypes.hpp"

// What `prune` and the subcommand of each of its stages share.

namespace winnow::cli {

using metrics::EmbeddingMetric;

/// A dataset and what it is tested on.
struct Splits {
  std::unique_ptr<io::Dataset> train;
  std::unique_ptr<io::Dataset> test;  ///< null when there is none
};

/// --data and --test-data, the latter by default the dataset's own test split. Test images of
/// another size are brought to that of the training images, its classes to their order.
/// @throws DatasetMismatch when the test set has a class that the training set lacks.
Splits open_splits(const std::string& data, const std::string& test_data, Progress& progress);

/// `--metric` and its options.
struct ScoreOptions {
  EmbeddingMetric metric = EmbeddingMetric::self_prototypes;
  cluster::KMeansOptions kmeans;
  std::optional<std::int64_t> clusters;  ///< unset: number of classes, else round(sqrt(n))
  InitChoice init;
  std::string centroids_in;
  std::string centroids_out;
  std::string checkpoint;  ///< file, "": none

  /// What can be refused before anything is read. @throws InvalidArgument.
  void validate() const;
};

/// Declares --metric, --clusters, --iterations, ... of `options`.
void bind_score_options(CLI::App& command, ScoreOptions& options);
/// The same without --metric.
void bind_prototype_options(CLI::App& command, ScoreOptions& options);

/// What scoring gave.
struct Scored {
  std::vector<double> values;
  std::optional<cluster::KMeansResult> kmeans;  ///< of self-prototypes
  Json details;                                 ///< for the sidecar: options and diagnostics
  Json seconds;                                 ///< {"seed", "iterate", "score"}
  Json work;  ///< how the bits were come by, which depends on machine and instruction set
};

/// @param rows     [n, d], or empty for the random metric.
/// @param name     where the rows come from, for messages.
/// @param n        examples.
/// @param labels   [n] or empty.
/// @throws InvalidArgument  a metric that needs labels without them; k out of range.
Scored score_rows(MatrixView<const float> rows, const std::string& name, std::int64_t n,
                  const io::Labels& labels, const ScoreOptions& options, Seed seed,
                  Progress& progress);

/// Writes the centroids of a clustering, [k, d], with a sidecar.
void write_centroids(const std::filesystem::path& path, const Scored& scored);

/// Labels of a dataset as io::read_labels() would give them; empty when it has none.
io::Labels labels_of(const io::Dataset& dataset);

/// "12,34,56" as numbers. @throws InvalidArgument naming the field and the bad item.
std::vector<double> parse_numbers(const std::string& field, const std::string& list);
/// "a,b" as texts, without empty ones.
std::vector<std::string> split_list(const std::string& list);

}  // namespace winnow::cli
