#include "comm/mpi/mpi_comm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

#include "winnow/core/error.hpp"

namespace winnow::comm {

void check_mpi(int code, const char* function) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw WorkFailed(fmt::format("{} failed: {}", function,
                               std::string_view(text.data(), static_cast<std::size_t>(length))));
}

MpiComm::MpiComm(MPI_Comm ranks, std::size_t largest_message) : largest_message_(largest_message) {
  check_mpi(MPI_Comm_dup(ranks, &ranks_), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(ranks_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(ranks_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(ranks_, &size_), "MPI_Comm_size");
}

MpiComm::~MpiComm() { MPI_Comm_free(&ranks_); }

template <class T, class Work>
void MpiComm::in_parts(std::span<T> values, const Work& work) const {
  const std::size_t largest = largest_message_ / sizeof(T);
  for (std::size_t begin = 0; begin < values.size(); begin += largest) {
    work(values.subspan(begin, std::min(largest, values.size() - begin)));
  }
}

void MpiComm::sum(std::span<std::int64_t> values) {
  // As unsigned, whose overflow is defined.
  in_parts(values, [this](std::span<std::int64_t> part) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, part.data(), static_cast<int>(part.size()), MPI_UINT64_T,
                            MPI_SUM, ranks_),
              "MPI_Allreduce");
  });
}

void MpiComm::maximum(std::span<double> values) {
  in_parts(values, [this](std::span<double> part) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, part.data(), static_cast<int>(part.size()), MPI_DOUBLE,
                            MPI_MAX, ranks_),
              "MPI_Allreduce");
  });
}

void MpiComm::broadcast_bytes(std::span<std::byte> bytes, int root) {
  in_parts(bytes, [this, root](std::span<std::byte> part) {
    check_mpi(MPI_Bcast(part.data(), static_cast<int>(part.size()), MPI_BYTE, root, ranks_),
              "MPI_Bcast");
  });
}

std::vector<std::size_t> MpiComm::gathered_offsets(std::size_t own_length) {
  std::uint64_t length = own_length;
  std::vector<std::uint64_t> lengths(static_cast<std::size_t>(size_));
  check_mpi(MPI_Allgather(&length, 1, MPI_UINT64_T, lengths.data(), 1, MPI_UINT64_T, ranks_),
            "MPI_Allgather");
  std::vector<std::size_t> offsets(lengths.size() + 1, 0);
  std::partial_sum(lengths.begin(), lengths.end(), offsets.begin() + 1);
  return offsets;
}

namespace {

/// The same as MPI's counts and displacements.
struct Layout {
  explicit Layout(std::span<const std::size_t> offsets)
      : displacements(offsets.begin(), offsets.end() - 1) {
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
      counts.push_back(static_cast<int>(offsets[i + 1] - offsets[i]));
    }
  }
  std::vector<int> counts;
  std::vector<int> displacements;
};

std::span<std::byte> part_of(std::span<std::byte> all, std::span<const std::size_t> offsets,
                             int rank) {
  const auto r = static_cast<std::size_t>(rank);
  return all.subspan(offsets[r], offsets[r + 1] - offsets[r]);
}

}  // namespace

std::vector<std::byte> MpiComm::gather_all_bytes(std::span<const std::byte> bytes) {
  const auto offsets = gathered_offsets(bytes.size());
  std::vector<std::byte> all(offsets.back());
  if (all.size() <= largest_message_) {
    const Layout layout(offsets);
    check_mpi(MPI_Allgatherv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, all.data(),
                             layout.counts.data(), layout.displacements.data(), MPI_BYTE, ranks_),
              "MPI_Allgatherv");
    return all;
  }
  std::copy(bytes.begin(), bytes.end(), part_of(all, offsets, rank_).begin());
  for (int rank = 0; rank < size_; ++rank) broadcast_bytes(part_of(all, offsets, rank), rank);
  return all;
}

std::vector<std::byte> MpiComm::gather_bytes(std::span<const std::byte> bytes, int root) {
  const auto offsets = gathered_offsets(bytes.size());
  std::vector<std::byte> all(rank_ == root ? offsets.back() : 0);
  if (offsets.back() <= largest_message_) {
    const Layout layout(offsets);
    check_mpi(
        MPI_Gatherv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, all.data(),
                    layout.counts.data(), layout.displacements.data(), MPI_BYTE, root, ranks_),
        "MPI_Gatherv");
    return all;
  }
  if (rank_ != root) {
    send_in_parts(bytes, root);
    return all;
  }
  std::copy(bytes.begin(), bytes.end(), part_of(all, offsets, rank_).begin());
  for (int rank = 0; rank < size_; ++rank) {
    if (rank != root) receive_in_parts(part_of(all, offsets, rank), rank);
  }
  return all;
}

void MpiComm::send_in_parts(std::span<const std::byte> bytes, int to) {
  in_parts(bytes, [this, to](std::span<const std::byte> part) {
    check_mpi(MPI_Send(part.data(), static_cast<int>(part.size()), MPI_BYTE, to, 0, ranks_),
              "MPI_Send");
  });
}

void MpiComm::receive_in_parts(std::span<std::byte> bytes, int from) {
  in_parts(bytes, [this, from](std::span<std::byte> part) {
    check_mpi(MPI_Recv(part.data(), static_cast<int>(part.size()), MPI_BYTE, from, 0, ranks_,
                       MPI_STATUS_IGNORE),
              "MPI_Recv");
  });
}

void MpiComm::barrier() { check_mpi(MPI_Barrier(ranks_), "MPI_Barrier"); }

}  // namespace winnow::comm
