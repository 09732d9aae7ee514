#pragma once

#include <memory>

#include "winnow/embedding/encoder.hpp"

namespace winnow::embedding {

/// The TorchScript module of `options`, tried on the first images of the dataset.
/// @throws as train::load_script_encoder() and its encode(); BadFile also for a module that gives
///         other numbers for the same images.
std::unique_ptr<Encoder> load_script(const io::Dataset& dataset, const EncoderOptions& options,
                                     Progress& progress);

}  // namespace winnow::embedding
