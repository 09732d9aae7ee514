#pragma once

#include <cstdint>

namespace winnow::metrics {

/// The inner loops over the examples of one row of a log, compiled once per instruction set; they
/// round alike, so all give the same bits. Arrays hold n values each.
struct TrajectoryKernels {
  /// sum += values
  void (*add)(const float* values, double* sum, std::int64_t n);
  /// count += before and not now; learned |= now
  void (*add_forgotten)(const std::uint8_t* before, const std::uint8_t* now, std::uint8_t* count,
                        std::uint8_t* learned, std::int64_t n);
  /// sum += values, squares += values^2
  void (*enter_window)(const float* values, double* sum, double* squares, std::int64_t n);
  /// The same less `leaving`; then adds the standard deviation within the window to `score`: the
  /// root is a float's, which costs a third of a double's and is within 2^-23 of it, relatively.
  void (*slide_window)(const float* entering, const float* leaving, double* sum, double* squares,
                       double* score, double window, std::int64_t n);
  /// The same, but the standard deviation times (1 - mean).
  void (*slide_window_by_difficulty)(const float* entering, const float* leaving, double* sum,
                                     double* squares, double* score, double window, std::int64_t n);
};

namespace scalar {
const TrajectoryKernels& trajectory_kernels();
}
namespace avx2 {
const TrajectoryKernels& trajectory_kernels();
}
namespace avx512 {
const TrajectoryKernels& trajectory_kernels();
}

/// The table for the instruction set in force.
const TrajectoryKernels& trajectory_kernels();

}  // namespace winnow::metrics
