#include "winnow/comm/launch.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::comm {
namespace {

using testing::expect_error;
using testing::TempFolder;

/// The environment has these variables of launchers alone while alive.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& variables) {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PMI_SIZE", "PMI_RANK",
                             "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_NTASKS", "WINNOW_ALONE",
                             "WINNOW_PLUGIN_DIR"}) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      names_.emplace_back(name);
      unsetenv(name);
    }
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& name : names_) unsetenv(name.c_str());
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::string> before_;
};

void expect_launch(const std::map<std::string, std::string>& variables, const std::string& launcher,
                   int size, int rank) {
  const Environment environment(variables);
  const Launch launch = find_launch();
  EXPECT_EQ(launch.launcher, launcher);
  EXPECT_EQ(launch.size, size);
  EXPECT_EQ(launch.rank, rank);
}

TEST(FindLaunch, NoLauncher) { expect_launch({}, "", 1, 0); }

TEST(FindLaunch, EveryLauncher) {
  expect_launch({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", "3"}},
                "mpirun of Open MPI", 4, 3);
  expect_launch({{"PMI_SIZE", "2"}, {"PMI_RANK", "1"}}, "a launcher with PMI", 2, 1);
  expect_launch({{"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "5"}}, "srun of Slurm", 8, 5);
}

TEST(FindLaunch, MpirunWithinSlurmCounts) {
  // Slurm's variables tell of mpirun's helpers, one a node.
  expect_launch({{"SLURM_STEP_NUM_TASKS", "2"},
                 {"SLURM_PROCID", "1"},
                 {"OMPI_COMM_WORLD_SIZE", "16"},
                 {"OMPI_COMM_WORLD_RANK", "9"}},
                "mpirun of Open MPI", 16, 9);
}

TEST(FindLaunch, ABatchScriptIsNoLaunch) {
  expect_launch({{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}}, "", 1, 0);
}

TEST(FindLaunch, NonsenseIsNoLaunch) {
  for (const char* rank : {"4", "-1", "x", "", "0x"}) {
    expect_launch({{"PMI_SIZE", "4"}, {"PMI_RANK", rank}}, "", 1, 0);
  }
  expect_launch({{"PMI_SIZE", "4000000000000"}, {"PMI_RANK", "0"}}, "", 1, 0);
}

TEST(FindLaunch, AloneByWish) {
  expect_launch({{"PMI_SIZE", "4"}, {"PMI_RANK", "2"}, {"WINNOW_ALONE", "1"}}, "", 1, 0);
  expect_launch({{"PMI_SIZE", "4"}, {"PMI_RANK", "2"}, {"WINNOW_ALONE", "0"}},
                "a launcher with PMI", 4, 2);
}

TEST(Join, SaysHowToGetAMissingPlugin) {
  const TempFolder folder;
  const Environment environment({{"WINNOW_PLUGIN_DIR", folder.text()}});
  expect_error<NotAvailable>(
      [] { join({.launcher = "mpirun of Open MPI", .size = 3, .rank = 0}); },
      {"the 3 processes that mpirun of Open MPI started need MPI", "libwinnow_mpi.so",
       folder.text(), "install libopenmpi-dev", "or start one process"});
}

}  // namespace
}  // namespace winnow::comm
