#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/data_arguments.hpp"
#include "cli/stages.hpp"
#include "winnow/embedding/encoder.hpp"
#include "winnow/experiments/training.hpp"
#include "winnow/train/image_store.hpp"

// What trainings learn from, as `train`, `score` and `benchmark` take it.

namespace winnow::cli {

/// A dataset, or embeddings of one, or both.
struct TrainingSource {
  DataArguments data;
  std::string embeddings;
  std::string labels;
  std::string test_embeddings;
  std::string test_labels;
  embedding::EncoderChoice encoder;

  void resolve() { data.resolve(encoder.default_image_size()); }
};

/// Declares --test-embeddings, --test-labels and --encoder.
void bind_test_rows(CLI::App& command, TrainingSource& source);

/// Everything that trainings read, and where their data() points.
struct TrainingMaterial {
  Splits splits;
  Matrix<float> rows;
  Matrix<float> test_rows;
  io::Labels labels;
  io::Labels test_labels;
  Fingerprint fingerprint;
  std::vector<InputFile> inputs;
  std::optional<train::ImageStore> images;  ///< of networks
  std::optional<train::ImageStore> test_images;

  experiments::TrainingData data() const;
  Fingerprint test_fingerprint() const;
};

/// Reads what the models need: images for networks; for linear and mlp the embeddings given, else
/// those that the encoder makes of the dataset.
/// @param examples  a random part of the dataset, io::random_part() of `seed`; 0: all.
/// @throws InvalidArgument  nothing to train on, no labels, no test set, naming what to give;
///         DatasetMismatch, BadFile.
TrainingMaterial read_material(const TrainingSource& source, const std::vector<std::string>& models,
                               Seed seed, Progress& progress, std::int64_t examples = 0);

}  // namespace winnow::cli
