#include "comm/mpi/mpi_job.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "winnow/core/error.hpp"

namespace winnow::comm {

MpiJob::Library::Library() {
  // Open MPI's ranks wait busily: where they outnumber the cores, all but at a standstill unless
  // they yield. mpirun knows when that is so, srun does not.
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (provided < MPI_THREAD_FUNNELED) {
    MPI_Finalize();
    throw NotAvailable(
        "this MPI does not bear processes with threads (MPI_THREAD_FUNNELED); take one built with "
        "threads");
  }
}

MpiJob::Library::~Library() { MPI_Finalize(); }

namespace {

std::unique_ptr<MpiComm> ranks_of_node() {
  MPI_Comm ranks = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &ranks),
            "MPI_Comm_split_type");
  auto node = std::make_unique<MpiComm>(ranks);
  MPI_Comm_free(&ranks);
  return node;
}

/// An exit code, then the message.
std::vector<std::byte> packed(const Outcome& outcome) {
  std::vector<std::byte> bytes(sizeof(outcome.exit_code) + outcome.message.size());
  std::memcpy(bytes.data(), &outcome.exit_code, sizeof(outcome.exit_code));
  std::memcpy(bytes.data() + sizeof(outcome.exit_code), outcome.message.data(),
              outcome.message.size());
  return bytes;
}

Outcome unpacked(std::span<const std::byte> bytes) {
  Outcome outcome;
  std::memcpy(&outcome.exit_code, bytes.data(), sizeof(outcome.exit_code));
  const auto text = bytes.subspan(sizeof(outcome.exit_code));
  outcome.message.assign(reinterpret_cast<const char*>(text.data()), text.size());
  return outcome;
}

/// Whether all ranks come to the same call within that time.
bool all_arrive(MPI_Comm ranks, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(ranks, &request), "MPI_Ibarrier");
  for (;;) {
    int done = 0;
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) return true;
    if (std::chrono::duration<double>(Clock::now() - start).count() > seconds) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

MpiJob::MpiJob()
    : world_(std::make_unique<MpiComm>(MPI_COMM_WORLD)),
      node_(ranks_of_node()),
      conclusion_(std::make_unique<MpiComm>(MPI_COMM_WORLD)) {}

MpiJob::~MpiJob() = default;

std::string MpiJob::library() const {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check_mpi(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  const std::string all(text.data(), static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));
}

std::optional<std::vector<Outcome>> MpiJob::conclude(const Outcome& own, double seconds) {
  if (!all_arrive(conclusion_->get(), seconds)) return std::nullopt;
  const auto bytes = packed(own);
  const auto length = static_cast<std::int64_t>(bytes.size());
  const auto lengths = conclusion_->gather_all(std::span(&length, 1));
  const auto all = conclusion_->gather_all_bytes(bytes);
  std::vector<Outcome> outcomes;
  std::size_t begin = 0;
  for (const std::int64_t count : lengths) {
    outcomes.push_back(unpacked(std::span(all).subspan(begin, static_cast<std::size_t>(count))));
    begin += static_cast<std::size_t>(count);
  }
  return outcomes;
}

void MpiJob::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace winnow::comm
