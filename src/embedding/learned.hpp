#pragma once

#include <memory>

#include "winnow/embedding/encoder.hpp"

namespace winnow::embedding {

/// A network that learns from the dataset's images without labels, as `options.encoder` says.
/// @throws as train::load_self_supervised_trainer() and its train().
std::unique_ptr<Encoder> fit_learned(const io::Dataset& dataset, const EncoderOptions& options,
                                     const FitContext& context, Progress& progress);

/// The network of `options.encoder.file`.
/// @throws as train::load_network_encoder(); InvalidArgument for images of another shape.
std::unique_ptr<Encoder> load_network(const io::Dataset& dataset, const EncoderOptions& options,
                                      Progress& progress);

}  // namespace winnow::embedding
