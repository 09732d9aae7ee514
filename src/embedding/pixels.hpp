#pragma once

#include <memory>

#include "winnow/embedding/encoder.hpp"

namespace winnow::embedding {

/// Pixels / 255, or plain vectors, minus their mean over the fitted dataset.
std::unique_ptr<Encoder> fit_pixels(const io::Dataset& dataset, Progress& progress);

}  // namespace winnow::embedding
