#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/terminal.hpp"
#include "winnow/comm/launch.hpp"

namespace winnow::cli {

/// Does the work; says how it ended, by the error that it threw.
comm::Outcome outcome_of(const std::function<void()>& work);

/// The processes that a launcher started for this run. They work together, and the first speaks for
/// all; without a launcher there is one.
class Ranks {
 public:
  Ranks() : launch_(comm::find_launch()) {}

  /// Finds the others. MPI is loaded only where there are some.
  /// @throws NotAvailable as comm::join() does.
  void join();

  /// Divides the cores of the machine among its ranks, as the number of threads of each. Leaves
  /// alone what OMP_NUM_THREADS or OMP_PROC_BIND decided. Collective.
  void share_cores();

  /// @throws InvalidArgument where there are several ranks, since `what` works in one process.
  void require_one(const std::string& what) const;

  /// Whether this rank prints, and writes files: the first.
  bool first() const { return rank() == 0; }
  comm::Communicator& comm() const { return job_ ? job_->world() : comm::self(); }
  /// For a log line, e.g. "4 ranks (srun of Slurm), 2 on this machine; threads of each: 8"; empty
  /// for one rank.
  std::string text() const;

  /// Ends the run on all ranks with one exit code; prints why it failed. A message that all ranks
  /// have is printed once, another with the rank that has it. A failure of some ranks, while others
  /// wait for them, ends those. Collective.
  /// @return  The exit code.
  int end(Terminal& terminal, const comm::Outcome& own);

 private:
  /// Ends this rank while others work or wait.
  [[noreturn]] void end_alone(Terminal& terminal, const comm::Outcome& own);
  int rank() const { return job_ ? job_->world().rank() : launch_.rank; }

  comm::Launch launch_;
  std::unique_ptr<comm::Job> job_;
};

}  // namespace winnow::cli
