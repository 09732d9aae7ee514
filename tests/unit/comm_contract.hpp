#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "winnow/comm/communicator.hpp"

// What every Communicator must do. Each function is called by all ranks; the expected values are
// computed by each rank alone, from what it knows every rank brings.

namespace winnow::testing {

/// Entry i of what `rank` brings.
inline std::int64_t brought(int rank, std::int64_t i) { return (rank + 1) * 1'000'003 - i * i; }

inline std::vector<std::int64_t> brought(int rank, std::size_t length) {
  std::vector<std::int64_t> values(length);
  for (std::size_t i = 0; i < length; ++i) values[i] = brought(rank, static_cast<std::int64_t>(i));
  return values;
}

inline void check_sum(comm::Communicator& comm) {
  for (const std::size_t length : {0U, 1U, 7U, 100'000U}) {
    auto values = brought(comm.rank(), length);
    comm.sum(values);
    std::vector<std::int64_t> expected(length);
    for (int rank = 0; rank < comm.size(); ++rank) {
      const auto theirs = brought(rank, length);
      for (std::size_t i = 0; i < length; ++i) expected[i] += theirs[i];
    }
    EXPECT_EQ(values, expected) << length;
  }
}

/// Sums are those of unsigned integers: what does not fit wraps around.
inline void check_sum_wraps(comm::Communicator& comm) {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  std::array<std::int64_t, 2> values = {largest, comm.rank() == 0 ? -largest : largest};
  comm.sum(values);
  const auto ranks = static_cast<std::uint64_t>(comm.size());
  const auto unsigned_largest = static_cast<std::uint64_t>(largest);
  EXPECT_EQ(values[0], static_cast<std::int64_t>(ranks * unsigned_largest));
  EXPECT_EQ(values[1], static_cast<std::int64_t>((ranks - 2) * unsigned_largest));
}

inline void check_maximum(comm::Communicator& comm) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const int last = comm.size() - 1;
  std::vector<double> values = {comm.rank() - 10.5, -1.0 * comm.rank(),
                                comm.rank() == last ? infinity : -infinity, -infinity};
  comm.maximum(values);
  EXPECT_EQ(values, (std::vector<double>{last - 10.5, 0.0, infinity, -infinity}));
  comm.maximum(std::span<double>());
}

inline void check_broadcast(comm::Communicator& comm) {
  for (int root = 0; root < comm.size(); ++root) {
    for (const std::size_t length : {0U, 1U, 33'333U}) {
      auto values = brought(comm.rank(), length);
      comm.broadcast(std::span(values), root);
      EXPECT_EQ(values, brought(root, length)) << "from " << root;
    }
  }
}

/// Lengths differ, and some are 0: rank r brings 5 r values, and then nobody anything.
inline void check_gather(comm::Communicator& comm) {
  for (const std::size_t unit : {5U, 0U, 20'000U}) {
    const auto length = [unit](int rank) { return unit * static_cast<std::size_t>(rank); };
    std::vector<std::int64_t> expected;
    for (int rank = 0; rank < comm.size(); ++rank) {
      const auto theirs = brought(rank, length(rank));
      expected.insert(expected.end(), theirs.begin(), theirs.end());
    }
    const auto own = brought(comm.rank(), length(comm.rank()));
    const std::span<const std::int64_t> values(own);
    EXPECT_EQ(comm.gather_all(values), expected);
    for (int root = 0; root < comm.size(); ++root) {
      const auto gathered = comm.gather(values, root);
      EXPECT_EQ(gathered, comm.rank() == root ? expected : std::vector<std::int64_t>());
    }
  }
}

/// Single bytes, so that no element size hides a length that is counted wrongly.
inline void check_bytes(comm::Communicator& comm) {
  const std::vector<std::byte> own(static_cast<std::size_t>(comm.rank()) + 1,
                                   static_cast<std::byte>(comm.rank()));
  std::vector<std::byte> expected;
  for (int rank = 0; rank < comm.size(); ++rank) {
    expected.insert(expected.end(), static_cast<std::size_t>(rank) + 1,
                    static_cast<std::byte>(rank));
  }
  EXPECT_EQ(comm.gather_all_bytes(own), expected);
}

/// Collectives follow each other closely: none takes what belongs to the next.
inline void check_many(comm::Communicator& comm) {
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int64_t> count = {round, 1};
    comm.sum(count);
    ASSERT_EQ(count[0], std::int64_t{round} * comm.size());
    std::vector<double> largest = {static_cast<double>(round + comm.rank())};
    comm.maximum(largest);
    ASSERT_EQ(largest[0], round + comm.size() - 1);
    comm.barrier();
  }
}

inline void check_contract(comm::Communicator& comm) {
  EXPECT_GE(comm.rank(), 0);
  EXPECT_LT(comm.rank(), comm.size());
  check_sum(comm);
  check_sum_wraps(comm);
  check_maximum(comm);
  check_broadcast(comm);
  check_gather(comm);
  check_bytes(comm);
  check_many(comm);
}

}  // namespace winnow::testing
