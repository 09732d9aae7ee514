#pragma once

#include <memory>
#include <string>

#include "cli/data_arguments.hpp"
#include "winnow/embedding/encoder.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/dataset.hpp"

// Rows that are compared with each other, as `cluster` and `dedup` take them.

namespace winnow::cli {

/// Embeddings, or a dataset that an encoder makes them of, or both: then the dataset gives keys.
struct RowSource {
  std::string embeddings;
  DataArguments data;
  embedding::EncoderChoice encoder;

  void resolve() { data.resolve(encoder.default_image_size()); }
  /// Where the rows come from, for messages.
  const std::string& name() const { return embeddings.empty() ? data.data : embeddings; }
};

/// Declares --embeddings, --data and --encoder; those of reading images come by bind_reading().
void bind_rows(CLI::App& command, RowSource& source, const std::string& data_text);

/// Rows with the dataset they were made of.
struct Rows {
  io::Embeddings embeddings;
  std::unique_ptr<io::Dataset> dataset;  ///< null without --data
};

/// @throws InvalidArgument when neither was given; DatasetMismatch when they are not about the same
///         examples; BadFile, NonFiniteInput.
Rows read_rows(const RowSource& source, Seed seed, Progress& progress);

}  // namespace winnow::cli
