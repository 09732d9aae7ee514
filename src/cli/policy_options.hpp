#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/clustering.hpp"
#include "winnow/selection/select.hpp"

// What `select` and `prune` share about policies that have options and inputs of their own.

namespace winnow::cli {

/// Declares the options of every policy, each policy's in a group of its own.
void bind_policy_options(CLI::App& command, selection::SelectOptions& options);

/// @throws InvalidArgument when an option was given that belongs to another policy.
void refuse_foreign_policy_options(const CLI::App& command, selection::Policy policy);

/// Where a policy finds what it looks at besides scores.
struct PolicyFiles {
  std::string clustering;  ///< folder, of `density` and `balanced`
  std::string embeddings;  ///< of `d2`
};

/// Declares --clustering and --embeddings.
void bind_policy_files(CLI::App& command, PolicyFiles& files);

/// @throws InvalidArgument when the policy's own is missing, or another policy's was given.
void check_policy_files(const PolicyFiles& files, selection::Policy policy);

/// What the files held.
struct PolicyInputs {
  std::vector<io::Clustering> clustering;  ///< levels, from the finest up
  std::optional<io::Embeddings> embeddings;

  /// Lets `examples` see it; this must outlive them.
  void show(selection::Examples& examples) const;
  /// Appends the files that were read.
  void add_to(std::vector<InputFile>& inputs) const;
};

/// @param scores       whose examples they must be about.
/// @param scores_name  their file, for messages.
/// @throws DatasetMismatch, BadFile, NonFiniteInput.
PolicyInputs read_policy_files(const PolicyFiles& files, const io::Scores& scores,
                               const std::string& scores_name, Progress& progress);

}  // namespace winnow::cli
