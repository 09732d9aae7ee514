#include "cli/policy_options.hpp"

#include <fmt/format.h>

#include "cli/command.hpp"
#include "winnow/core/error.hpp"

namespace winnow::cli {

namespace {

using selection::Policy;

[[noreturn]] void throw_foreign(const std::string& option, Policy policy, Policy owner) {
  throw InvalidArgument(fmt::format("--{}: policy = {} has no use for it; leave it out, or take {}",
                                    option, enum_name(policy), enum_name(owner)));
}

}  // namespace

void bind_policy_options(CLI::App& command, selection::SelectOptions& options) {
  selection::SelectOptions::policy_options(options, [&command](Policy policy, auto& own) {
    const std::string group = fmt::format("Policy {}", enum_name(policy));
    std::remove_reference_t<decltype(own)>::fields(own, [&](auto& value, const FieldInfo& info) {
      bind_option(command, value, info)->group(group);
    });
  });
}

void refuse_foreign_policy_options(const CLI::App& command, Policy policy) {
  const selection::SelectOptions any;
  selection::SelectOptions::policy_options(any, [&]<class Own>(Policy owner, const Own&) {
    if (owner == policy) return;
    for (const auto& option : field_names<Own>()) {
      if (command.count("--" + option) > 0) throw_foreign(option, policy, owner);
    }
  });
}

void bind_policy_files(CLI::App& command, PolicyFiles& files) {
  command
      .add_option("--clustering", files.clustering,
                  "Clusters of the examples: a folder that winnow cluster wrote.")
      ->type_name("DIR")
      ->group(fmt::format("Policies {} and {}", enum_name(Policy::density),
                          enum_name(Policy::balanced)));
  command
      .add_option("--embeddings", files.embeddings,
                  "Rows of the examples, [n, d]: a .npy, a comma list, a glob or a folder of "
                  "shards.")
      ->type_name("FILE.npy")
      ->group(fmt::format("Policy {}", enum_name(Policy::d2)));
}

void check_policy_files(const PolicyFiles& files, Policy policy) {
  const bool of_clusters = policy == Policy::density || policy == Policy::balanced;
  if (!files.clustering.empty() && !of_clusters) {
    throw_foreign("clustering", policy, Policy::density);
  }
  if (!files.embeddings.empty() && policy != Policy::d2) {
    throw_foreign("embeddings", policy, Policy::d2);
  }
  if (files.clustering.empty() && of_clusters) {
    throw InvalidArgument(
        fmt::format("policy = {} needs --clustering DIR, a folder that winnow cluster wrote",
                    enum_name(policy)));
  }
  if (files.embeddings.empty() && policy == Policy::d2) {
    throw InvalidArgument("policy = d2 needs --embeddings FILE, an [n, d] .npy of the examples");
  }
}

void PolicyInputs::show(selection::Examples& examples) const {
  if (embeddings) examples.embeddings = embeddings->rows;
  if (clustering.empty()) return;
  const io::Clustering& finest = clustering.front();
  examples.clusters = {.centroids = finest.centroids,
                       .assignment = finest.assignment,
                       .distance = finest.distance,
                       .geometry = parse_enum<Geometry>("geometry", finest.geometry)};
  examples.hierarchy.distance = finest.distance;
  for (const io::Clustering& level : clustering) {
    examples.hierarchy.assignments.emplace_back(level.assignment);
    examples.hierarchy.clusters.push_back(level.centroids.rows());
  }
}

void PolicyInputs::add_to(std::vector<InputFile>& inputs) const {
  const auto append = [&](const std::vector<InputFile>& more) {
    inputs.insert(inputs.end(), more.begin(), more.end());
  };
  for (const io::Clustering& level : clustering) append(level.inputs);
  if (embeddings) append(embeddings->inputs);
}

PolicyInputs read_policy_files(const PolicyFiles& files, const io::Scores& scores,
                               const std::string& scores_name, Progress& progress) {
  PolicyInputs inputs;
  const auto require_match = [&](std::size_t rows, const Fingerprint& fingerprint,
                                 const std::string& name) {
    io::require_same_length(static_cast<std::int64_t>(scores.values.size()), scores_name,
                            static_cast<std::int64_t>(rows), name);
    require_same_dataset(scores.fingerprint, scores_name, fingerprint, name);
  };
  if (!files.clustering.empty()) {
    inputs.clustering = io::read_hierarchy(files.clustering);
    const io::Clustering& finest = inputs.clustering.front();
    require_match(finest.assignment.size(), finest.fingerprint, files.clustering);
  }
  if (!files.embeddings.empty()) {
    inputs.embeddings = io::read_embeddings(files.embeddings, progress);
    require_match(static_cast<std::size_t>(inputs.embeddings->rows.rows()),
                  inputs.embeddings->fingerprint, files.embeddings);
  }
  return inputs;
}

}  // namespace winnow::cli
