#include "winnow/comm/launch.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "comm/plugin.hpp"
#include "winnow/core/error.hpp"

namespace winnow::comm {

namespace {

/// What a launcher calls the number of its processes, and theirs.
struct Variables {
  const char* launcher;
  const char* size;
  const char* rank;
};

/// Those that start their processes through others come first: mpirun and Hydra within Slurm set
/// their own variables, and leave Slurm's to tell of their helpers, one a node. A batch script has
/// SLURM_PROCID but none of a step's.
constexpr Variables launchers[] = {
    {"mpirun of Open MPI", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    {"a launcher with PMI", "PMI_SIZE", "PMI_RANK"},
    {"srun of Slurm", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
};

/// The variable's value; -1 where it is missing or no whole number.
int number_in(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return -1;
  const std::string_view text(value);
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc{} && end == text.data() + text.size() ? number : -1;
}

}  // namespace

Launch find_launch() {
  if (number_in("WINNOW_ALONE") > 0) return {};
  for (const auto& [launcher, size_variable, rank_variable] : launchers) {
    const int size = number_in(size_variable);
    const int rank = number_in(rank_variable);
    if (rank >= 0 && rank < size) return {launcher, size, rank};
  }
  return {};
}

std::unique_ptr<Job> join(const Launch& launch) {
  void* make = plugin_symbol(
      mpi_plugin, "winnow_plugin_mpi_job",
      fmt::format("the {} processes that {} started need MPI", launch.size, launch.launcher),
      "start one process");
  std::unique_ptr<Job> job(reinterpret_cast<PluginJobFunction*>(make)());
  if (job->world().size() != launch.size) {
    throw NotAvailable(fmt::format(
        "{} started {} processes, but {} counts {}: each would do all of the work; launch them by "
        "mpirun of that MPI, or by srun --mpi=pmix where both were built with PMIx, or set "
        "WINNOW_ALONE=1 where each is to work by itself",
        launch.launcher, launch.size, job->library(), job->world().size()));
  }
  return job;
}

}  // namespace winnow::comm
