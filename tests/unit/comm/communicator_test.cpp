#include "winnow/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "unit/comm_contract.hpp"
#include "unit/support.hpp"
#include "unit/thread_comm.hpp"

namespace winnow::comm {
namespace {

using testing::check_contract;
using testing::expect_error;
using testing::RankLeft;
using testing::run_ranks;

TEST(SelfComm, IsTheIdentity) {
  Communicator& alone = self();
  EXPECT_EQ(alone.rank(), 0);
  EXPECT_EQ(alone.size(), 1);
  check_contract(alone);
}

class ThreadComm : public ::testing::TestWithParam<int> {};

TEST_P(ThreadComm, KeepsTheContract) {
  std::atomic<int> ranks{0};
  std::atomic<std::uint64_t> seen{0};
  run_ranks(GetParam(), [&](Communicator& comm) {
    EXPECT_EQ(comm.size(), GetParam());
    ++ranks;
    seen |= std::uint64_t{1} << comm.rank();
    check_contract(comm);
  });
  EXPECT_EQ(ranks, GetParam());
  EXPECT_EQ(seen, (std::uint64_t{1} << GetParam()) - 1);
}

INSTANTIATE_TEST_SUITE_P(Ranks, ThreadComm, ::testing::Values(1, 2, 3, 4, 7));

TEST(ThreadCommFailure, AnExceptionEndsTheWaitOfTheOthers) {
  std::atomic<int> left_waiting{0};
  const auto body = [&](Communicator& comm) {
    comm.barrier();
    if (comm.rank() == 1) throw InvalidArgument("rank 1 has had enough");
    try {
      comm.barrier();
    } catch (const RankLeft&) {
      ++left_waiting;
      throw;
    }
  };
  expect_error<InvalidArgument>([&] { run_ranks(3, body); }, {"had enough"});
  EXPECT_EQ(left_waiting, 2);
}

TEST(ThreadCommFailure, ARankThatReturnsEarlyIsSeen) {
  const auto body = [](Communicator& comm) {
    if (comm.rank() == 0) comm.barrier();
  };
  EXPECT_THROW(run_ranks(2, body), RankLeft);
}

TEST(ThreadCommFailure, DifferentCollectivesAreSeen) {
  const auto lengths = [](Communicator& comm) {
    std::vector<std::int64_t> values(comm.rank() == 0 ? 1 : 2);
    comm.sum(values);
  };
  expect_error<std::logic_error>([&] { run_ranks(2, lengths); }, {"sum of 8", "sum of 16"});
  const auto roots = [](Communicator& comm) {
    std::vector<double> values(1);
    comm.broadcast(std::span(values), comm.rank());
  };
  expect_error<std::logic_error>([&] { run_ranks(2, roots); }, {"broadcast from 0"});
}

}  // namespace
}  // namespace winnow::comm
