#pragma once

#include <memory>

#include "comm/mpi/mpi_comm.hpp"
#include "winnow/comm/launch.hpp"

namespace winnow::comm {

/// MPI from its start to its end; one a process.
class MpiJob final : public Job {
 public:
  /// @throws NotAvailable for an MPI that is meant for processes without threads.
  MpiJob();
  ~MpiJob() override;

  Communicator& world() override { return *world_; }
  Communicator& node() override { return *node_; }
  std::string library() const override;
  std::optional<std::vector<Outcome>> conclude(const Outcome& own, double seconds) override;
  [[noreturn]] void abort(int exit_code) override;

 private:
  /// MPI_Init and MPI_Finalize, around the life of the communicators.
  struct Library {
    Library();
    ~Library();
  };

  Library library_;
  std::unique_ptr<MpiComm> world_;
  std::unique_ptr<MpiComm> node_;
  std::unique_ptr<MpiComm> conclusion_;
};

}  // namespace winnow::comm
