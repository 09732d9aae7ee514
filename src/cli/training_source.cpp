#include "cli/training_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/io/dataset_part.hpp"

namespace winnow::cli {

namespace {

void require_labels(const io::Labels& labels, std::int64_t n, const std::string& what,
                    const std::string& labels_name) {
  if (labels.values.empty()) {
    throw InvalidArgument(fmt::format("training needs labels for {}; give {}", what, labels_name));
  }
  io::require_same_length(n, what, static_cast<std::int64_t>(labels.values.size()), labels_name);
}

/// --embeddings with --labels, --test-embeddings with --test-labels; --data may give the labels.
void read_embedded(const TrainingSource& source, TrainingMaterial& material, Progress& progress) {
  if (source.test_embeddings.empty()) {
    throw InvalidArgument(
        "--test-embeddings is missing: test error needs embeddings of a test set, "
        "made by the same encoder (winnow embed --test-out)");
  }
  auto train = io::read_embeddings(source.embeddings, progress);
  auto test = io::read_embeddings(source.test_embeddings, progress);
  if (!source.labels.empty()) material.labels = io::read_labels(source.labels, progress);
  if (!source.test_labels.empty()) {
    material.test_labels = io::read_labels(source.test_labels, progress);
  }
  require_labels(material.labels, train.rows.rows(), source.embeddings,
                 source.labels.empty() ? "--labels" : source.labels);
  require_labels(material.test_labels, test.rows.rows(), source.test_embeddings,
                 source.test_labels.empty() ? "--test-labels" : source.test_labels);
  require_same_dataset(train.fingerprint, source.embeddings, material.labels.fingerprint,
                       "the labels");
  require_same_dataset(test.fingerprint, source.test_embeddings, material.test_labels.fingerprint,
                       "the test labels");
  material.fingerprint = known_of(train.fingerprint, material.labels.fingerprint);
  material.rows = std::move(train.rows);
  material.test_rows = std::move(test.rows);
  for (auto* read : {&train.inputs, &test.inputs}) {
    material.inputs.insert(material.inputs.end(), read->begin(), read->end());
  }
}

/// --data with its splits and labels.
void read_dataset(const TrainingSource& source, std::int64_t examples, Seed seed,
                  TrainingMaterial& material, Progress& progress) {
  material.splits = open_splits(source.data.data, source.data.test_data, progress);
  if (examples > 0) {
    material.splits.train = io::random_part(std::move(material.splits.train), examples, seed);
  }
  material.labels = labels_of(*material.splits.train);
  material.fingerprint = material.splits.train->fingerprint();
  material.inputs = material.splits.train->inputs();
  if (material.splits.test) material.test_labels = labels_of(*material.splits.test);
}

void require_test(const TrainingSource& source, const TrainingMaterial& material) {
  if (!material.splits.test) {
    throw InvalidArgument(
        fmt::format("{} has no test split, so there is nothing to measure the "
                    "test error on; give --test-data SPEC",
                    source.data.data));
  }
  require_labels(material.labels, material.splits.train->size(), source.data.data, "--labels");
  require_labels(material.test_labels, material.splits.test->size(), material.splits.test->name(),
                 "--test-data with labels");
}

}  // namespace

void bind_test_rows(CLI::App& command, TrainingSource& source) {
  command.add_option("--test-embeddings", source.test_embeddings, "Rows of the test set.")
      ->type_name("FILE.npy");
  command.add_option("--test-labels", source.test_labels, "Classes of the test set.")
      ->type_name("FILE|SPEC");
  bind_option(command, source.encoder,
              {.name = "encoder", .help = "Makes the embeddings when none are given."});
}

experiments::TrainingData TrainingMaterial::data() const {
  return {.rows = {rows, labels.values},
          .test_rows = {test_rows, test_labels.values},
          .images = images ? images->view() : train::LabelledImages{},
          .test_images = test_images ? test_images->view() : train::LabelledImages{}};
}

Fingerprint TrainingMaterial::test_fingerprint() const {
  return splits.test ? splits.test->fingerprint() : test_labels.fingerprint;
}

TrainingMaterial read_material(const TrainingSource& source, const std::vector<std::string>& models,
                               Seed seed, Progress& progress, std::int64_t examples) {
  TrainingMaterial material;
  if (source.data.data.empty() && source.embeddings.empty()) {
    throw InvalidArgument(
        "nothing to train on; give --data SPEC, or --embeddings FILE --labels "
        "FILE");
  }
  const bool networks = std::ranges::any_of(models, experiments::is_network);
  const bool learners = !std::ranges::all_of(models, experiments::is_network);
  if (!source.data.data.empty()) read_dataset(source, examples, seed, material, progress);
  if (!source.embeddings.empty()) read_embedded(source, material, progress);
  const bool from_data = networks || source.embeddings.empty();
  if (from_data && !source.data.data.empty()) require_test(source, material);
  if (networks && !source.data.data.empty()) {
    material.images.emplace(*material.splits.train, progress);
    material.test_images.emplace(*material.splits.test, progress);
  }
  if (learners && source.embeddings.empty()) {
    const auto encoder = embedding::fit_encoder(
        *material.splits.train, {.encoder = source.encoder, .seed = seed}, progress);
    material.rows = encoder->encode(*material.splits.train, progress);
    material.test_rows = encoder->encode(*material.splits.test, progress);
  }
  return material;
}

}  // namespace winnow::cli
