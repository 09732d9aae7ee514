// The contract of communicators, kept by MPI's: every rank of an mpirun runs all tests, in one
// order.

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <memory>
#include <thread>

#include "comm/mpi/mpi_job.hpp"
#include "unit/comm_contract.hpp"
#include "winnow/comm/cores.hpp"

namespace winnow::comm {
namespace {

std::unique_ptr<MpiJob> job;

constexpr double forever = std::numeric_limits<double>::infinity();

TEST(MpiComm, KeepsTheContract) { testing::check_contract(job->world()); }

TEST(MpiComm, KeepsTheContractOnTheNode) { testing::check_contract(job->node()); }

TEST(MpiComm, KeepsTheContractInParts) {
  // Parts of one number, of a few that divide no length evenly, and of what is just too short.
  for (const std::size_t largest : {8U, 56U, 4096U, 33'333U * 8U - 8U}) {
    MpiComm in_parts(MPI_COMM_WORLD, largest);
    testing::check_sum_wraps(in_parts);
    testing::check_maximum(in_parts);
    testing::check_bytes(in_parts);
    if (largest < 4096) continue;
    testing::check_sum(in_parts);
    testing::check_broadcast(in_parts);
    testing::check_gather(in_parts);
  }
}

TEST(MpiComm, ShortPartsOfUnequalLengths) {
  MpiComm in_parts(MPI_COMM_WORLD, 16);
  const int rank = in_parts.rank();
  const auto length = [](int r) { return std::size_t{7} * static_cast<std::size_t>(r); };
  const std::vector<std::int32_t> own(length(rank), rank);
  std::vector<std::int32_t> expected;
  for (int r = 0; r < in_parts.size(); ++r) {
    expected.insert(expected.end(), length(r), r);
  }
  const std::span<const std::int32_t> values(own);
  EXPECT_EQ(in_parts.gather_all(values), expected);
  for (int root = 0; root < in_parts.size(); ++root) {
    EXPECT_EQ(in_parts.gather(values, root), root == rank ? expected : std::vector<std::int32_t>());
  }
}

TEST(MpiComm, SaysWhatFailed) {
  try {
    check_mpi(MPI_ERR_COUNT, "MPI_Bcast");
    ADD_FAILURE() << "nothing thrown";
  } catch (const std::exception& error) {
    EXPECT_EQ(std::string(error.what()).find("MPI_Bcast failed: MPI_ERR_COUNT"), 0) << error.what();
  }
}

TEST(MpiJob, KnowsItsLibrary) {
  EXPECT_FALSE(job->library().empty());
  EXPECT_EQ(job->library().find('\n'), std::string::npos);
}

TEST(MpiJob, CoresOfAllRanksAreThoseThatAnyMayUse) {
  Communicator& node = job->node();
  const auto allowed = allowed_cores();
  std::vector<double> any(allowed.begin(), allowed.end());
  node.maximum(any);
  std::vector<std::int64_t> shares = {share_of_cores(node, allowed)};
  node.sum(shares);
  const auto cores = static_cast<std::int64_t>(std::count(any.begin(), any.end(), 1.0));
  EXPECT_EQ(shares.front(), std::max<std::int64_t>(cores, node.size()));
}

TEST(MpiJob, ConcludesWithTheWordsOfAll) {
  const int rank = job->world().rank();
  const auto outcomes = job->conclude({rank, std::string(static_cast<std::size_t>(rank), 'x')}, 60);
  ASSERT_TRUE(outcomes.has_value());
  ASSERT_EQ(static_cast<int>(outcomes->size()), job->world().size());
  for (int r = 0; r < job->world().size(); ++r) {
    const auto& [exit_code, message] = (*outcomes)[static_cast<std::size_t>(r)];
    EXPECT_EQ(exit_code, r);
    EXPECT_EQ(message, std::string(static_cast<std::size_t>(r), 'x'));
  }
}

}  // namespace
}  // namespace winnow::comm

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  winnow::comm::job = std::make_unique<winnow::comm::MpiJob>();
  const int failed = RUN_ALL_TESTS();
  const auto outcomes = winnow::comm::job->conclude({failed, ""}, winnow::comm::forever);
  winnow::comm::job.reset();
  return failed;
}
