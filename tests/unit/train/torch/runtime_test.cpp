#include "train/torch/runtime.hpp"

#include <gtest/gtest.h>

namespace winnow::train {
namespace {

TEST(TorchThreads, LeavesBlasOneThreadAndGivesTheOthersBack) {
  if (BlasThreads::current() == 0) GTEST_SKIP() << "LibTorch's BLAS is not OpenBLAS";
  const BlasThreads some(2);
  ASSERT_EQ(BlasThreads::current(), 2);
  {
    const TorchThreads threads(1);
    EXPECT_EQ(BlasThreads::current(), 1);
  }
  EXPECT_EQ(BlasThreads::current(), 2);
}

}  // namespace
}  // namespace winnow::train
