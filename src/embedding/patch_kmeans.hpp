#pragma once

#include <memory>

#include "winnow/embedding/encoder.hpp"

namespace winnow::embedding {

std::unique_ptr<Encoder> fit_patch_kmeans(const io::Dataset& dataset, const EncoderOptions& options,
                                          Progress& progress);

}  // namespace winnow::embedding
