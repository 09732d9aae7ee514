#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "winnow/comm/communicator.hpp"

namespace winnow::comm {

/// What the environment says of the launcher that started this process.
struct Launch {
  std::string launcher;  ///< "mpirun of Open MPI", "srun of Slurm", ...; empty: none.
  int size = 1;          ///< Processes that it started together, at least 1.
  int rank = 0;          ///< Own number among them, in [0, size).
};

/// Reads the variables that launchers set: Open MPI's, those of PMI (Hydra of MPICH, Intel MPI and
/// MVAPICH; PMI-2 of Slurm), and Slurm's of a step. No launcher where they are missing, where they
/// make no sense, and with WINNOW_ALONE=1, which lets every process of a launch work by itself.
Launch find_launch();

/// How a rank ended.
struct Outcome {
  int exit_code = 0;
  std::string message;  ///< Why, where the code is not 0.
};

/// The ranks that a launcher started together. Destroyed by all of them together, once each has
/// concluded.
class Job {
 public:
  Job() = default;
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  virtual Communicator& world() = 0;        ///< All ranks.
  virtual Communicator& node() = 0;         ///< Those that share this machine's memory.
  virtual std::string library() const = 0;  ///< "Open MPI v4.1.4"

  /// Tells all ranks how this one ended: the last collective of a rank. Needs no other collective
  /// to be complete, so that a rank that failed half way can call it.
  /// @param seconds  How long to wait for the others; infinity: until they come.
  /// @return  How every rank ended, by rank; nothing when some did not come in time.
  virtual std::optional<std::vector<Outcome>> conclude(const Outcome& own, double seconds) = 0;

  /// Ends all ranks at once, wherever they are.
  [[noreturn]] virtual void abort(int exit_code) = 0;
};

/// Joins the ranks of a launch of several processes through MPI, which is loaded now (the plug-in
/// `libwinnow_mpi.so`, found as plugin_symbol() says). Once a process; MPI is used from one thread.
/// @throws NotAvailable where this build has no MPI, and where MPI knows of other ranks than
///         `launch`: every process would believe that it is alone, and do all of the work.
std::unique_ptr<Job> join(const Launch& launch);

}  // namespace winnow::comm
