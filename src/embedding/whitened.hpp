#pragma once

#include <memory>

#include "winnow/embedding/encoder.hpp"

namespace winnow::embedding {

/// An encoder that gives (L + r mean(L))^(-1/2) V^T (x - mean(x)) for each row x of another, where
/// V L V^T is the covariance and r options.whitening(); both moments over random groups of the
/// dataset, fit_images examples or a few more. Cosines and distances then count every direction
/// alike that has much more variance than r times the mean.
/// @throws as Encoder::encode().
std::unique_ptr<Encoder> fit_whitened(std::unique_ptr<Encoder> encoder, const io::Dataset& dataset,
                                      const EncoderOptions& options, Progress& progress);

}  // namespace winnow::embedding
