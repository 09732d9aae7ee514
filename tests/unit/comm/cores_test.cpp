#include "winnow/comm/cores.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <numeric>

#include "unit/thread_comm.hpp"

namespace winnow::comm {
namespace {

using testing::run_ranks;

/// Shares of ranks that may run on these cores.
std::vector<int> shares(const std::vector<std::vector<std::uint8_t>>& allowed) {
  std::vector<int> found(allowed.size());
  run_ranks(static_cast<int>(allowed.size()), [&](Communicator& node) {
    const auto rank = static_cast<std::size_t>(node.rank());
    found[rank] = share_of_cores(node, allowed[rank]);
  });
  return found;
}

TEST(ShareOfCores, OneRankHasAllItMayUse) {
  EXPECT_EQ(shares({{1, 0, 1, 1}}), (std::vector<int>{3}));
}

TEST(ShareOfCores, UnboundRanksDivideThemEvenly) {
  EXPECT_EQ(shares({{1, 1, 1, 1}, {1, 1, 1, 1}}), (std::vector<int>{2, 2}));
  EXPECT_EQ(shares({{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}),
            (std::vector<int>{2, 2, 1}));
}

TEST(ShareOfCores, BoundRanksKeepTheirOwn) {
  EXPECT_EQ(shares({{1, 1, 1, 0, 0}, {0, 0, 0, 1, 1}}), (std::vector<int>{3, 2}));
}

TEST(ShareOfCores, RanksThatShareASocketDivideIt) {
  EXPECT_EQ(shares({{1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}, {0, 0, 0, 0, 1, 1}}),
            (std::vector<int>{2, 2, 2}));
}

TEST(ShareOfCores, MoreRanksThanCoresHaveOneEach) {
  EXPECT_EQ(shares({{1}, {1}, {1}}), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(shares({{}, {}}), (std::vector<int>{1, 1}));
}

TEST(AllowedCores, AreThoseOfTheAffinityMask) {
  const auto allowed = allowed_cores();
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  EXPECT_EQ(std::accumulate(allowed.begin(), allowed.end(), 0), CPU_COUNT(&set));
}

}  // namespace
}  // namespace winnow::comm
