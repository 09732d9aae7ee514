#include "cli/stages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cli/prototype_stage.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/npy.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cli {

namespace {

/// Test images of another size are brought to the square that the training images have.
void match_sizes(Splits& splits, Progress& progress) {
  if (!splits.test || !splits.train->has_images() || !splits.test->has_images()) return;
  const io::ImageShape wanted = splits.train->image_shape();
  const auto spec = io::DatasetSpec::parse(splits.test->name());
  if (spec.reading.image_size > 0 || wanted.height != wanted.width) return;
  const io::ImageShape found = splits.test->image_shape();
  if (found.height == wanted.height && found.width == wanted.width) return;
  progress.warn(fmt::format("{}: images of {} x {} are resized and cut to the {} x {} of {}",
                            spec.text, found.height, found.width, wanted.height, wanted.width,
                            splits.train->name()));
  splits.test = io::open_dataset(spec.with_reading({.image_size = wanted.height}), progress);
}

}  // namespace

Splits open_splits(const std::string& data, const std::string& test_data, Progress& progress) {
  const auto spec = io::DatasetSpec::parse(data);
  Splits splits;
  splits.train = io::open_dataset(spec, progress);
  splits.test = test_data.empty()
                    ? (spec.split == "test" ? nullptr : io::open_test_split(spec, progress))
                    : io::open_dataset(io::DatasetSpec::parse(test_data), progress);
  match_sizes(splits, progress);
  if (splits.test && splits.train->has_labels() && splits.test->has_labels()) {
    io::align_classes(*splits.test, *splits.train);
  }
  return splits;
}

void bind_score_options(CLI::App& command, ScoreOptions& options) {
  bind_option(command, options.metric,
              {.name = "metric", .help = "How difficulty is measured; larger is harder."});
  bind_prototype_options(command, options);
}

void bind_prototype_options(CLI::App& command, ScoreOptions& options) {
  bind_kmeans_options(command, options.kmeans, options.clusters, options.init,
                      "the number of classes, without labels round(sqrt(n))");
  command.add_option("--centroids-out", options.centroids_out, "Also write the centroids, [k, d].")
      ->type_name("FILE.npy");
  command
      .add_option("--centroids-in", options.centroids_in,
                  "Score against these centroids; no clustering.")
      ->type_name("FILE.npy");
}

Scored score_rows(MatrixView<const float> rows, const std::string& name, std::int64_t n,
                  const io::Labels& labels, const ScoreOptions& options, Seed seed,
                  Progress& progress) {
  if (options.metric == EmbeddingMetric::random) {
    return {.values = metrics::random_scores(n, seed),
            .kmeans = {},
            .details = {},
            .seconds = {},
            .work = {}};
  }
  if (options.metric == EmbeddingMetric::supervised_prototypes && labels.values.empty()) {
    throw InvalidArgument(
        "metric = supervised-prototypes needs labels; give --labels FILE or a "
        "dataset that has them");
  }
  try {
    if (options.metric == EmbeddingMetric::self_prototypes) {
      Matrix<float> unit;
      if (options.kmeans.geometry == Geometry::spherical) {
        unit = numerics::normalize_rows(rows);
        rows = unit;
      }
      return score_self(cluster::MatrixRows(rows), std::ssize(labels.class_names), options, seed,
                        comm::self(), progress);
    }
    const Stopwatch watch;
    auto values = metrics::supervised_prototypes(rows, labels.values, options.kmeans.geometry);
    return {.values = std::move(values),
            .kmeans = {},
            .details = {{"options", {{"geometry", enum_name(options.kmeans.geometry)}}}},
            .seconds = {{"score", watch.seconds()}},
            .work = {}};
  } catch (const InvalidArgument& error) {  // the metrics do not know where the rows come from
    throw InvalidArgument(fmt::format("{}: {}", name, error.what()));
  }
}

void ScoreOptions::validate() const {
  kmeans.validate();
  if (clusters) {
    check_range(static_cast<double>(*clusters), {.name = "clusters", .help = "", .min = 1});
  }
  if (metric == EmbeddingMetric::self_prototypes) return;
  const char* flag = !centroids_in.empty()    ? "centroids-in"
                     : !centroids_out.empty() ? "centroids-out"
                                              : nullptr;
  if (flag != nullptr) {
    throw InvalidArgument(fmt::format("{}: metric = {} has no centroids; leave it out, or take {}",
                                      flag, enum_name(metric),
                                      enum_name(EmbeddingMetric::self_prototypes)));
  }
}

void write_centroids(const std::filesystem::path& path, const Scored& scored) {
  io::write_embeddings(path, scored.kmeans->centroids,
                       {{"kind", "centroids"}, {"options", scored.details.at("options")}}, {});
}

io::Labels labels_of(const io::Dataset& dataset) {
  return {dataset.labels(), dataset.class_names(), dataset.fingerprint(), dataset.inputs()};
}

std::vector<double> parse_numbers(const std::string& field, const std::string& list) {
  std::vector<double> numbers;
  for (const auto& item : split_list(list)) {
    double value = 0.0;
    const auto [end, code] = std::from_chars(item.data(), item.data() + item.size(), value);
    if (code != std::errc{} || end != item.data() + item.size()) {
      throw InvalidArgument(fmt::format("{}: '{}' is not a number", field, item));
    }
    numbers.push_back(value);
  }
  return numbers;
}

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> items;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    if (end > begin) items.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

}  // namespace winnow::cli
