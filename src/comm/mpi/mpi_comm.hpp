#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "winnow/comm/communicator.hpp"

namespace winnow::comm {

/// @throws WorkFailed with MPI's own words unless `code` is MPI_SUCCESS.
void check_mpi(int code, const char* function);

/// Ranks of MPI. Messages of any length: those that MPI's 32-bit counts cannot hold go in parts.
class MpiComm final : public Communicator {
 public:
  static constexpr std::size_t default_largest_message = std::size_t{1} << 30;

  /// Its messages never meet those of `ranks` or of other communicators. Collective.
  /// @param largest_message  Bytes that go at once, in [8, 2^31).
  explicit MpiComm(MPI_Comm ranks, std::size_t largest_message = default_largest_message);
  ~MpiComm() override;
  MpiComm(const MpiComm&) = delete;
  MpiComm& operator=(const MpiComm&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void sum(std::span<std::int64_t> values) override;
  void maximum(std::span<double> values) override;
  void broadcast_bytes(std::span<std::byte> bytes, int root) override;
  std::vector<std::byte> gather_all_bytes(std::span<const std::byte> bytes) override;
  std::vector<std::byte> gather_bytes(std::span<const std::byte> bytes, int root) override;
  void barrier() override;

  MPI_Comm get() const { return ranks_; }

 private:
  /// Where the bytes of every rank lie in what is gathered; the last entry is its length.
  std::vector<std::size_t> gathered_offsets(std::size_t own_length);
  /// Calls work(part of values) for parts of at most `largest_message_` bytes, in order.
  template <class T, class Work>
  void in_parts(std::span<T> values, const Work& work) const;
  void send_in_parts(std::span<const std::byte> bytes, int to);
  void receive_in_parts(std::span<std::byte> bytes, int from);

  MPI_Comm ranks_ = MPI_COMM_NULL;
  std::size_t largest_message_;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace winnow::comm
