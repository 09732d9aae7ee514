#include "winnow/core/parallel.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/rng.hpp"

namespace winnow {
namespace {

using testing::expect_error;
using testing::StoppingProgress;
using testing::Threads;

class Parallel : public ::testing::TestWithParam<int> {
 protected:
  Threads threads_{GetParam()};
};

TEST_P(Parallel, EveryBlockRunsOnce) {
  std::vector<std::atomic<int>> calls(1000);
  parallel_blocks(1000, silent(),
                  [&](std::int64_t block) { ++calls[static_cast<std::size_t>(block)]; });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
  parallel_blocks(0, silent(), [](std::int64_t) { FAIL() << "there is no block"; });
}

TEST_P(Parallel, ResultsDoNotDependOnTheThreads) {
  const auto run = [] {
    std::vector<double> sums(97);
    parallel_blocks(97, silent(), [&](std::int64_t block) {
      RandomStream random(Seed{1}, "block", static_cast<std::uint64_t>(block));
      for (int i = 0; i < 500; ++i) sums[static_cast<std::size_t>(block)] += random.normal();
    });
    return sums;
  };
  const std::vector<double> sums = run();
  const Threads one(1);
  EXPECT_EQ(sums, run());
}

TEST_P(Parallel, AnExceptionStopsTheRestAndComesOut) {
  std::atomic<int> calls{0};
  expect_error<InvalidArgument>(
      [&] {
        parallel_blocks(100'000, silent(), [&](std::int64_t block) {
          ++calls;
          if (block == 3) throw InvalidArgument("block 3");
          // Long enough that the rest cannot be over before the exception is seen.
          std::this_thread::sleep_for(std::chrono::microseconds(50));
        });
      },
      {"block 3"});
  EXPECT_LT(calls, 100'000);
  // And the next call works as if nothing had been.
  std::atomic<int> after{0};
  parallel_blocks(10, silent(), [&](std::int64_t) { ++after; });
  EXPECT_EQ(after, 10);
}

TEST_P(Parallel, OneOfManyExceptionsComesOut) {
  EXPECT_THROW(parallel_blocks(50, silent(), [](std::int64_t) { throw WorkFailed("all"); }),
               WorkFailed);
}

TEST_P(Parallel, CancellingStopsTheRest) {
  StoppingProgress progress(50);
  std::atomic<int> calls{0};
  EXPECT_THROW(parallel_blocks(
                   100'000, progress, [&](std::int64_t) { ++calls; }, true),
               Interrupted);
  EXPECT_GE(calls, 50);
  // Blocks that had begun on other threads still end.
  EXPECT_LE(calls, 50 + GetParam());
}

TEST_P(Parallel, BlocksAreCountedWhenAsked) {
  StoppingProgress progress(1'000'000);
  parallel_blocks(40, progress, [](std::int64_t) {});
  EXPECT_EQ(progress.count(), 0);
  parallel_blocks(
      40, progress, [](std::int64_t) {}, true);
  EXPECT_EQ(progress.count(), 40);
}

TEST_P(Parallel, WhatBlocksCallRunsOnOneThread) {
  const int before = omp_get_max_threads();
  std::atomic<int> wrong{0};
  parallel_blocks(20, silent(), [&](std::int64_t) {
    if (omp_get_max_threads() != 1) ++wrong;  // what libraries ask
    const int outer = omp_get_ancestor_thread_num(1);
    parallel_blocks(5, silent(), [&](std::int64_t) {
      if (omp_get_num_threads() != 1 || omp_get_ancestor_thread_num(1) != outer) ++wrong;
    });
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(omp_get_max_threads(), before) << "the caller's own setting stays";
}

TEST_P(Parallel, AsManyThreadsAsAskedFor) {
  EXPECT_EQ(thread_count(), GetParam());
  std::atomic<int> threads{0};
  parallel_blocks(100, silent(), [&](std::int64_t) { threads = omp_get_num_threads(); });
  EXPECT_EQ(threads, GetParam());
  parallel_blocks(1, silent(), [&](std::int64_t) { threads = omp_get_num_threads(); });
  EXPECT_EQ(threads, 1) << "one block needs no second thread";
}

INSTANTIATE_TEST_SUITE_P(Threads, Parallel, ::testing::Values(1, 2, 3, 5));

TEST(ThreadCount, IsAtLeastOne) {
  const int before = thread_count();
  EXPECT_GE(before, 1);
  expect_error<InvalidArgument>([] { set_thread_count(0); }, {"threads = 0", "at least 1"});
  expect_error<InvalidArgument>([] { set_thread_count(-2); }, {"threads = -2"});
  EXPECT_EQ(thread_count(), before);
}

}  // namespace
}  // namespace winnow
