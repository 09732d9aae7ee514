#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "winnow/comm/communicator.hpp"

namespace winnow::testing {

/// Thrown by a collective that cannot end, since a rank threw or returned without coming to it.
class RankLeft : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where ranks that are threads of this process meet.
class MeetingPlace {
 public:
  /// What one rank brings to a collective.
  struct Part {
    std::string collective;
    std::span<const std::byte> bytes;
  };

  explicit MeetingPlace(int ranks) : parts_(static_cast<std::size_t>(ranks)) {}

  int ranks() const { return static_cast<int>(parts_.size()); }

  /// Calls read(parts of all ranks) once every rank has brought its own; returns when all have
  /// read.
  template <class Read>
  void exchange(int rank, const Part& part, const Read& read) {
    parts_[static_cast<std::size_t>(rank)] = part;
    wait_for_all();
    for (const Part& other : parts_) {
      if (other.collective != part.collective) {
        throw std::logic_error(part.collective + " on one rank, " + other.collective +
                               " on another");
      }
    }
    read(std::as_const(parts_));
    wait_for_all();
  }

  /// A rank has ended: whoever waits for it gets RankLeft.
  void leave(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    somebody_left_ = true;
    if (failure && !failure_) failure_ = std::move(failure);
    changed_.notify_all();
  }

  /// The first exception of any rank; call it after all have ended.
  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void wait_for_all() {
    std::unique_lock lock(mutex_);
    if (somebody_left_) throw RankLeft("another rank threw or returned");
    const std::int64_t meeting = meetings_;
    if (++waiting_ == ranks()) {
      waiting_ = 0;
      ++meetings_;
      changed_.notify_all();
      return;
    }
    changed_.wait(lock, [&] { return meetings_ != meeting || somebody_left_; });
    if (meetings_ == meeting) throw RankLeft("another rank threw or returned");
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Part> parts_;
  int waiting_ = 0;
  std::int64_t meetings_ = 0;
  bool somebody_left_ = false;
  std::exception_ptr failure_;
};

/// One of several ranks in this process, each a thread. Throws std::logic_error when ranks call
/// different collectives, or with lengths or roots that must be equal and are not.
class ThreadComm final : public comm::Communicator {
 public:
  ThreadComm(MeetingPlace& place, int rank) : place_(place), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return place_.ranks(); }
  void sum(std::span<std::int64_t> values) override {
    fold("sum", values, [](std::int64_t a, std::int64_t b) {
      return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) +
                                       static_cast<std::uint64_t>(b));
    });
  }
  void maximum(std::span<double> values) override {
    fold("maximum", values, [](double a, double b) { return a < b ? b : a; });
  }
  void broadcast_bytes(std::span<std::byte> bytes, int root) override {
    std::vector<std::byte> received;
    exchange("broadcast from " + std::to_string(root) + " of " + length(bytes), bytes,
             [&](const std::vector<MeetingPlace::Part>& parts) {
               const auto& sent = parts.at(static_cast<std::size_t>(root)).bytes;
               received.assign(sent.begin(), sent.end());
             });
    std::copy(received.begin(), received.end(), bytes.begin());
  }
  std::vector<std::byte> gather_all_bytes(std::span<const std::byte> bytes) override {
    return gathered("gather_all", bytes);
  }
  std::vector<std::byte> gather_bytes(std::span<const std::byte> bytes, int root) override {
    auto all = gathered("gather to " + std::to_string(root), bytes);
    if (rank_ != root) all.clear();
    return all;
  }
  void barrier() override {
    exchange("barrier", {}, [](const auto& /*parts*/) {});
  }

 private:
  static std::string length(std::span<const std::byte> bytes) {
    return std::to_string(bytes.size()) + " bytes";
  }

  template <class Read>
  void exchange(std::string collective, std::span<const std::byte> bytes, const Read& read) {
    place_.exchange(rank_, {std::move(collective), bytes}, read);
  }

  template <class T, class Operation>
  void fold(const std::string& name, std::span<T> values, const Operation& operation) {
    std::vector<T> result(values.begin(), values.end());
    const auto bytes = std::as_bytes(values);
    exchange(name + " of " + length(bytes), bytes,
             [&](const std::vector<MeetingPlace::Part>& parts) {
               for (std::size_t rank = 0; rank < parts.size(); ++rank) {
                 if (static_cast<int>(rank) == rank_) continue;
                 const auto* theirs = reinterpret_cast<const T*>(parts[rank].bytes.data());
                 for (std::size_t i = 0; i < result.size(); ++i) {
                   result[i] = operation(result[i], theirs[i]);
                 }
               }
             });
    std::copy(result.begin(), result.end(), values.begin());
  }

  std::vector<std::byte> gathered(const std::string& name, std::span<const std::byte> bytes) {
    std::vector<std::byte> all;
    exchange(name, bytes, [&](const std::vector<MeetingPlace::Part>& parts) {
      for (const auto& part : parts) all.insert(all.end(), part.bytes.begin(), part.bytes.end());
    });
    return all;
  }

  MeetingPlace& place_;
  int rank_;
};

/// Calls body(communicator) on `ranks` threads, rank r on the r-th. When one throws, those that
/// wait for it get RankLeft; the first exception is rethrown here once all have ended.
template <class Body>
void run_ranks(int ranks, const Body& body) {
  MeetingPlace place(ranks);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&place, &body, rank] {
      std::exception_ptr failure;
      try {
        ThreadComm communicator(place, rank);
        body(static_cast<comm::Communicator&>(communicator));
      } catch (...) {
        failure = std::current_exception();
      }
      place.leave(failure);
    });
  }
  for (auto& thread : threads) thread.join();
  place.rethrow_failure();
}

}  // namespace winnow::testing
