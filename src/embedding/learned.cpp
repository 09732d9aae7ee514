#include "embedding/learned.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "embedding/file_encoder.hpp"
#include "embedding/projection.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/embedding/quality.hpp"
#include "winnow/train/self_supervised.hpp"

namespace winnow::embedding {

namespace {

constexpr std::int64_t images_at_a_time = 8 * train::network_encoder_block;
constexpr const char* curves_head = "epoch,iteration,loss,learning_rate,spread,knn_accuracy";

class Learned final : public Encoder {
 public:
  Learned(std::unique_ptr<train::NetworkEncoder> network, NetworkFeatures features,
          std::string name, Json details)
      : network_(std::move(network)),
        features_(features),
        name_(std::move(name)),
        details_(std::move(details)) {}

  std::int64_t dimensions() const override { return network_->dimensions(features_); }
  std::int64_t group_size() const override { return train::network_encoder_block; }
  Json details() const override { return details_; }

 private:
  void encode_range(const io::Dataset& dataset, std::int64_t begin, MatrixView<float> out,
                    Progress& progress) const override {
    for (std::int64_t row = 0; row < out.rows(); row += images_at_a_time) {
      const std::int64_t count = std::min(images_at_a_time, out.rows() - row);
      const auto pixels = read_range(dataset, begin + row, count);
      const Matrix<float> rows =
          network_->encode({pixels, dataset.image_shape()}, features_, progress);
      require_finite_rows(rows, dataset, begin + row, name_);
      std::copy_n(rows.data(), rows.size(), out.row(row).data());
      progress.advance(count);
    }
  }

  std::unique_ptr<train::NetworkEncoder> network_;
  NetworkFeatures features_;
  std::string name_;
  Json details_;
};

/// At most `most` of [0, n), in order.
std::vector<std::int64_t> some_of(std::int64_t n, std::int64_t most, Seed seed,
                                  std::string_view purpose) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  if (n <= most) return ids;
  ids = RandomStream(seed, purpose).sample(n, most);
  std::ranges::sort(ids);
  return ids;
}

std::vector<std::int32_t> labels_at(const io::Dataset& dataset, std::span<const std::int64_t> ids) {
  std::vector<std::int32_t> labels;
  for (const auto id : ids) labels.push_back(dataset.labels()[static_cast<std::size_t>(id)]);
  return labels;
}

/// Passes on cancellation and warnings: a check of neighbours inside the stage of training.
class Inner final : public Progress {
 public:
  explicit Inner(Progress& outer) : outer_(outer) {}
  void stage(std::string_view /*name*/, std::int64_t /*total*/,
             std::string_view /*unit*/) override {}
  void advance(std::int64_t /*count*/) noexcept override {}
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view message) override { outer_.warn(message); }
  bool cancelled() const noexcept override { return outer_.cancelled(); }

 private:
  Progress& outer_;
};

/// Checks neighbours after every pass, where there are labels, and keeps a row a pass in a file.
class Curve final : public train::SelfSupervisedObserver {
 public:
  Curve(const io::Dataset& dataset, const EncoderOptions& options, const FitContext& context,
        Progress& progress)
      : options_(options), file_(context.curves), progress_(progress) {
    if (!dataset.has_labels() || options.check_images == 0) return;
    references_ = some_of(dataset.size(), options.check_images, options.seed, "curve-references");
    labels_ = labels_at(dataset, references_);
    test_ = context.test;
    if (test_ == nullptr || !test_->has_labels()) return;
    queries_ = some_of(test_->size(), options.check_images, options.seed, "curve-queries");
    query_labels_ = labels_at(*test_, queries_);
  }

  train::SelfSupervisedWatch watch() {
    return {.observer = this,
            .features = options_.features,
            .references = references_,
            .test = test_,
            .queries = queries_};
  }

  void pass(const train::SelfSupervisedPass& summary, MatrixView<const float> references,
            MatrixView<const float> queries) override {
    const std::optional<double> accuracy = check(references, queries);
    rows_.push_back(fmt::format("{},{},{},{},{},{}", summary.epoch, summary.iteration, summary.loss,
                                summary.learning_rate, summary.spread,
                                accuracy ? fmt::format("{}", *accuracy) : std::string()));
    if (file_.empty()) return;
    write_file(file_, fmt::format("{}\n{}\n", curves_head, fmt::join(rows_, "\n")));
  }

  void resumed(std::int64_t n_passes) override {
    if (file_.empty()) return;
    const std::string text = read_file(file_);
    std::size_t begin = text.find('\n') + 1;
    while (static_cast<std::int64_t>(rows_.size()) < n_passes) {
      const std::size_t end = begin == 0 ? std::string::npos : text.find('\n', begin);
      if (end == std::string::npos) {
        throw BadFile(
            fmt::format("{}: {} passes; expected the {} that the checkpoint knows; start "
                        "anew with --force",
                        file_.string(), rows_.size(), n_passes));
      }
      rows_.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

 private:
  /// As the finished encoder's rows would be checked, but whitened by the references.
  std::optional<double> check(MatrixView<const float> references,
                              MatrixView<const float> queries) const {
    if (references_.size() < 2) return {};
    Inner inner(progress_);
    try {
      if (options_.whitening() == 0.0) return accuracy(references, queries, inner);
      const Projection projection = fit_projection(
          references, std::min({options_.dimensions, references.cols(), references.rows()}),
          options_.whitening(), inner);
      return accuracy(projection.of(references), projection.of(queries), inner);
    } catch (const InvalidArgument& error) {
      progress_.warn(fmt::format("no neighbour check: {}", error.what()));
      return {};
    }
  }

  double accuracy(MatrixView<const float> references, MatrixView<const float> queries,
                  Progress& progress) const {
    return knn_quality({references, labels_}, {queries, query_labels_}, {}, options_.seed, progress)
        .accuracy;
  }

  const EncoderOptions& options_;
  std::filesystem::path file_;
  Progress& progress_;
  const io::Dataset* test_ = nullptr;
  std::vector<std::int64_t> references_;
  std::vector<std::int64_t> queries_;
  std::vector<std::int32_t> labels_;
  std::vector<std::int32_t> query_labels_;
  std::vector<std::string> rows_;
};

}  // namespace

std::unique_ptr<Encoder> fit_learned(const io::Dataset& dataset, const EncoderOptions& options,
                                     const FitContext& context, Progress& progress) {
  const std::string name = options.encoder.text();
  train::SelfSupervisedOptions learning = options.learning;
  learning.method = options.encoder.kind == EncoderKind::swav ? train::SelfSupervision::swav
                                                              : train::SelfSupervision::simclr;
  learning.device = options.script.device;
  learning.seed = options.seed;
  Curve curve(dataset, options, context, progress);
  const auto trainer = train::load_self_supervised_trainer();
  train::SelfSupervisedResult result = trainer->train(
      dataset, learning, {.checkpoint = context.checkpoint, .resume = context.resume},
      curve.watch(), progress);
  if (result.collapsed) {
    progress.warn(fmt::format(
        "{}: the embeddings have collapsed: the outputs of different images differ by {:.3f} of "
        "what they would if spread evenly; lower --ssl-learning-rate or take another --seed",
        name, result.spread.back()));
  }
  if (!context.weights.empty()) result.encoder->save(context.weights);
  Json details = {{"network", result.encoder->model()}, {"passes", result.loss.size()},
                  {"iterations", result.iterations},    {"loss", result.loss.back()},
                  {"spread", result.spread.back()},     {"collapsed", result.collapsed}};
  if (!context.weights.empty()) details["weights"] = context.weights.filename().string();
  return std::make_unique<Learned>(std::move(result.encoder), options.features, name,
                                   std::move(details));
}

std::unique_ptr<Encoder> load_network(const io::Dataset& dataset, const EncoderOptions& options,
                                      Progress& progress) {
  progress.stage("load encoder", 0, "");
  const auto& file = options.encoder.file;
  auto network = train::load_network_encoder(file, options.script.device);
  const io::ImageShape shape = dataset.image_shape();
  if (shape != network->shape()) network->encode({{}, shape}, options.features);
  progress.done(fmt::format("{}, {} numbers, {}", network->model(),
                            network->dimensions(options.features), network->backend()));
  const Json details = {{"encoder_file", file.string()},
                        {"encoder_hash", content_hash(file)},
                        {"backend", network->backend()}};
  return std::make_unique<Learned>(std::move(network), options.features, file.string(), details);
}

}  // namespace winnow::embedding
