#include "winnow/comm/communicator.hpp"

#include <gtest/gtest.h>

namespace winnow::comm {
namespace {

TEST(SelfComm, IsTheIdentity) {
  Communicator& alone = self();
  EXPECT_EQ(alone.rank(), 0);
  EXPECT_EQ(alone.size(), 1);
  std::vector<std::int64_t> counts = {3, -4};
  alone.sum(counts);
  EXPECT_EQ(counts, (std::vector<std::int64_t>{3, -4}));
  std::vector<double> values = {2.5, -1.0};
  alone.maximum(values);
  alone.broadcast(std::span(values), 0);
  EXPECT_EQ(values, (std::vector<double>{2.5, -1.0}));
  EXPECT_EQ(alone.gather_all(std::span<const double>(values)), values);
  EXPECT_EQ(alone.gather(std::span<const double>(values), 0), values);
  EXPECT_TRUE(alone.gather_all(std::span<const float>()).empty());
}

}  // namespace
}  // namespace winnow::comm
