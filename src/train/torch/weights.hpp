#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "train/augment.hpp"
#include "train/torch/network.hpp"
#include "winnow/core/run.hpp"

namespace winnow::train {

/// Weights and moments of a network, float32 on any device: `parameters` as logical views.
struct State {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> moments;  ///< [2, channels] of each normalisation
};

/// What a weights file says of the network in it, under "winnow" in its metadata.
Json describe_network(const NetworkOptions& options, const io::ImageShape& shape,
                      std::int64_t n_classes, const PixelTable& table);

/// Writes a state as torchvision names it: parameters, NAME.running_mean, NAME.running_var.
void save_weights(const std::filesystem::path& path, const Network& network, const State& state,
                  const Json& description);

/// Copies a file's arrays into `state`. A last layer of another shape keeps what `state` has.
/// @returns warnings.
/// @throws BadFile  an array that is missing, has another shape or that the network has not.
std::vector<std::string> load_weights(const std::filesystem::path& path, const std::string& model,
                                      const Network& network, State& state);

/// A network ready to be measured with.
struct SavedNetwork {
  std::unique_ptr<Network> network;
  State state;
  NetworkOptions options;  ///< Of its structure.
  io::ImageShape shape;
  std::int64_t n_classes = 0;
  std::vector<double> mean;  ///< Of each channel, in bytes ...
  std::vector<double> deviation;
};

/// Reads what save_weights() wrote, structure included.
/// @throws BadFile also for files that save_weights() did not write.
SavedNetwork load_network(const std::filesystem::path& path);

/// A checkpoint: named flat tensors and a JSON text.
struct Checkpoint {
  std::vector<std::pair<std::string, at::Tensor>> tensors;  ///< float32
  Json progress;
};

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
/// Fills the tensors of `checkpoint`, whose names, sizes, identity and options tell what is
/// expected, and its progress, which `take` is then given.
/// @param differing  what else a checkpoint with another identity or other options was made of.
/// @throws InvalidArgument for such a one; BadFile, also when `take` misses something.
void load_checkpoint(const std::filesystem::path& path, Checkpoint& checkpoint,
                     std::string_view differing,
                     const std::function<void(const Json& progress)>& take);

}  // namespace winnow::train
