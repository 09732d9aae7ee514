#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace winnow::train {

/// Assignment of images to prototypes by Sinkhorn's iteration (Cuturi 2013): exp(scores / epsilon),
/// columns and rows in turn divided by their sums. No gradient; computed in double.
/// @param scores  [n, k], of magnitude at most 1
/// @return        float32 [n, k]: rows with sum 1; columns tend to n / k with the iterations.
at::Tensor sinkhorn(const at::Tensor& scores, double epsilon, std::int64_t iterations);

/// SwAV's swapped prediction: the mean over assigned views s and all other views v of the cross
/// entropy between assignment s and softmax(scores v / temperature).
/// @param scores       [views][n, k], the assigned views first
/// @param assignments  [assigned][n, k], no gradient
at::Tensor swapped_prediction(const std::vector<at::Tensor>& scores,
                              const std::vector<at::Tensor>& assignments, double temperature);

/// SimCLR's NT-Xent: the mean over 2 n views of the cross entropy between the other view of the
/// same image and softmax(cosines with all other views / temperature).
/// @param rows  [2 n, d] of length 1: the first views of n images, then the second ones.
at::Tensor normalised_contrast(const at::Tensor& rows, double temperature);

/// sqrt(d) times the mean standard deviation of the columns of unit rows [n, d]: 1 spread evenly, 0
/// all the same.
double spread_of(const at::Tensor& rows);

}  // namespace winnow::train
