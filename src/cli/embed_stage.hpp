#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/stages.hpp"
#include "winnow/embedding/encoder.hpp"
#include "winnow/embedding/parts.hpp"

// Embedding a dataset and its test split, as `embed` and `prune` do it.

namespace winnow::cli {

/// How embeddings are stored.
struct StorageOptions {
  EmbeddingType dtype = EmbeddingType::float32;
  std::int64_t shard_rows = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.dtype, FieldInfo{.name = "dtype", .help = "What the numbers are stored as."});
    visit(self.shard_rows,
          FieldInfo{.name = "shard-rows",
                    .help = "Rows of each shard emb_00000.npy, ... in the folder --out; 0: one "
                            "file, or 100,000 when --out is a folder.",
                    .unit = "rows",
                    .min = 0});
  }
  void validate() const { validate_fields(*this); }
};

/// Where embeddings go. A path is a folder of shards when it ends in `/`, is a folder, or
/// shard_rows is set, else one file, which ends in .npy.
struct EmbedTarget {
  std::filesystem::path out;
  std::filesystem::path test_out;  ///< "": the test split is only asked for neighbours
  StorageOptions storage;
  bool resume = false;  ///< Take over what an interrupted run left.
  bool force = false;   ///< Replace what is there.

  /// What can be refused before any work. @throws InvalidArgument; OutputExists, unless `resume`;
  /// WorkFailed for a place that cannot be written.
  void validate() const;
};

/// What embed_files() made.
struct EmbeddedFiles {
  std::int64_t n = 0;
  std::int64_t dimensions = 0;
  std::int64_t rows_taken_over = 0;          ///< from an interrupted run, both splits
  std::vector<std::filesystem::path> files;  ///< of the train split
  Json knn;  ///< {"encoder": accuracy, "pixels": accuracy, ...} or null without labels
};

/// Declares the options of an encoder, those of learning in a group of their own.
void bind_encoder_options(CLI::App& command, embedding::EncoderOptions& options);

/// Fits the encoder on the train split and writes the embeddings of both splits with sidecars.
///
/// Rows are collected in parts beside the output (`.NAME.parts`), which go when all is written.
/// With `resume`, parts that belong to the same dataset, encoder and options are taken over, and
/// outputs that are complete stay; the files are the same, byte for byte, as those of a run that
/// nothing interrupted. An encoder that is learned leaves its weights (NAME.encoder.safetensors)
/// and its curve (NAME.curves.csv) there, too, and a checkpoint among the parts. Memory: a part,
/// and for the check of neighbours at most 2 GiB of rows.
/// @throws OutputExists; InvalidArgument for shards and a file name; as fit_encoder(), encode().
EmbeddedFiles embed_files(const Splits& splits, const embedding::EncoderOptions& options,
                          const EmbedTarget& target, Progress& progress);

/// One sentence about `knn`.
std::string knn_text(const Json& knn, const std::string& encoder);

}  // namespace winnow::cli
