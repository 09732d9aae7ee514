#include "train/torch/dense_op.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace winnow::train {
namespace {

at::Tensor random_tensor(const std::vector<std::int64_t>& sizes) {
  return at::randn(sizes, at::kFloat).requires_grad_();
}

/// Largest entry of |found - expected|, relative to that of `expected`.
double relative_error(const at::Tensor& found, const at::Tensor& expected) {
  return (found.to(at::kDouble) - expected).abs().max().item<double>() /
         expected.abs().max().item<double>();
}

TEST(DenseOp, ValuesAndGradientsAreThoseOfLinearInDouble) {
  torch::manual_seed(1);
  for (const auto& sizes : std::vector<std::vector<std::int64_t>>{{1, 1}, {7, 19}, {3, 5, 65}}) {
    const at::Tensor x = random_tensor(sizes);
    const at::Tensor weight = random_tensor({33, sizes.back()});
    const at::Tensor bias = random_tensor({33});
    const at::Tensor y = dense_product(x, weight, bias);
    const at::Tensor pull = at::randn_like(y);
    const auto found = torch::autograd::grad({y}, {x, weight, bias}, {pull});

    std::vector<at::Tensor> exact;
    for (const at::Tensor& input : {x, weight, bias}) {
      exact.push_back(input.detach().to(at::kDouble).requires_grad_());
    }
    const at::Tensor wanted = at::linear(exact[0], exact[1], exact[2]);
    const auto expected = torch::autograd::grad({wanted}, exact, {pull.to(at::kDouble)});
    // Sums of at most 65 float32 products err by at most 66 x 2^-24 of the sum of their sizes,
    // which is below ten times the largest entry.
    EXPECT_LT(relative_error(y, wanted), 4e-5);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(found[i].sizes(), expected[i].sizes());
      EXPECT_LT(relative_error(found[i], expected[i]), 4e-5) << i;
    }
  }
}

TEST(DenseOp, TakesInputsThatLieAcross) {
  torch::manual_seed(2);
  const at::Tensor x = random_tensor({6, 4, 5});
  const at::Tensor weight = random_tensor({3, 4});
  const at::Tensor bias = random_tensor({3});
  const at::Tensor across = x.transpose(1, 2);
  EXPECT_TRUE(at::allclose(dense_product(across, weight, bias), at::linear(across, weight, bias),
                           1e-4, 1e-5));
}

TEST(DenseOp, OtherTypesAreLibTorchs) {
  torch::manual_seed(3);
  const at::Tensor x = at::randn({4, 8}).to(at::kBFloat16);
  const at::Tensor weight = at::randn({3, 8}).to(at::kBFloat16);
  const at::Tensor bias = at::randn({3}).to(at::kBFloat16);
  EXPECT_TRUE(at::equal(dense_product(x, weight, bias), at::linear(x, weight, bias)));
}

}  // namespace
}  // namespace winnow::train
