#pragma once

#include <array>

// Names of the files in a folder of training dynamics.

namespace winnow::io {

inline constexpr const char* dynamics_sidecar = "dynamics.json";
inline constexpr const char* dynamics_in_train = "in_train.npy";
inline constexpr const char* dynamics_labels = "labels.npy";

/// Those with one row an epoch.
inline constexpr std::array<const char*, 8> dynamics_arrays{
    "p_true.npy", "margin.npy", "el2n.npy",         "correct.npy",
    "grand.npy",  "logits.npy", "test_correct.npy", "epochs.npy"};

}  // namespace winnow::io
