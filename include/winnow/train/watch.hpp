#pragma once

#include <cstdint>

#include "winnow/io/dynamics_writer.hpp"

namespace winnow::train {

/// What is known after a pass over the subset.
struct EpochSummary {
  std::int64_t epoch = 0;      ///< Passes so far; 0 before the first step.
  std::int64_t iteration = 0;  ///< Steps so far.
  double train_loss = 0.0;     ///< Mean over the steps of this pass; NaN at epoch 0.
  double learning_rate = 0.0;  ///< Of the last step; 0 at epoch 0.
  double test_error = 0.0;     ///< [0, 1]
  double seconds = 0.0;        ///< Since training began; varies from run to run.
};

/// Told of a training's epochs as they end.
class EpochObserver {
 public:
  virtual ~EpochObserver() = default;
  /// A piece of the epoch's rows, in evaluation mode: consecutive examples of ALL training images,
  /// trained on or not, and of the test set. Only with Watch::dynamics.
  virtual void rows(const io::DynamicsRows& piece) = 0;
  /// The end of an epoch, after its rows. What was told is to be on disk when this returns: a
  /// checkpoint follows.
  virtual void epoch(const EpochSummary& summary) = 0;
  /// The training goes on from a checkpoint: forget what came after the first `n_logs` epochs.
  virtual void resumed(std::int64_t n_logs) = 0;
};

/// What is measured after every pass, and who is told.
struct Watch {
  EpochObserver* observer = nullptr;  ///< Without one nothing is measured before the end.
  bool dynamics = false;   ///< Every training image: probability, margin, EL2N, correctness.
  bool gradients = false;  ///< Also the norm of its gradient (GraNd), over all parameters.
  bool logits = false;     ///< Also its logits.
  bool at_start = false;   ///< Also before the first step, as epoch 0.
  std::int64_t every = 1;  ///< Passes from log to log; the last one is always logged; >= 1.
};

}  // namespace winnow::train
