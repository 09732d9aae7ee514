#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace winnow::comm {

/// The ranks that work on one thing together, and what they tell each other. Collectives are called
/// by every rank, in the same order, from one thread. With one rank each is the identity.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;  ///< Own number, in [0, size()).
  virtual int size() const = 0;  ///< At least 1.

  /// Every entry becomes its sum over the ranks; spans of one length on all of them. Modulo 2^64.
  virtual void sum(std::span<std::int64_t> values) = 0;
  /// Every entry becomes its largest over the ranks. No NaN.
  virtual void maximum(std::span<double> values) = 0;
  /// Everybody's bytes become those of `root`; spans of one length on all ranks.
  virtual void broadcast_bytes(std::span<std::byte> bytes, int root) = 0;
  /// The bytes of all ranks, one rank's after another's; lengths may differ.
  virtual std::vector<std::byte> gather_all_bytes(std::span<const std::byte> bytes) = 0;
  /// The same, on `root` only; nothing elsewhere.
  virtual std::vector<std::byte> gather_bytes(std::span<const std::byte> bytes, int root) = 0;
  /// Returns when every rank has come here.
  virtual void barrier() = 0;

  template <class T>
  void broadcast(std::span<T> values, int root) {
    broadcast_bytes(std::as_writable_bytes(values), root);
  }
  template <class T>
  std::vector<T> gather_all(std::span<const T> values) {
    return values_of<T>(gather_all_bytes(std::as_bytes(values)));
  }
  template <class T>
  std::vector<T> gather(std::span<const T> values, int root) {
    return values_of<T>(gather_bytes(std::as_bytes(values), root));
  }

 private:
  template <class T>
  static std::vector<T> values_of(std::span<const std::byte> bytes) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

/// One rank: every collective is the identity. Stateless.
class SelfComm final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void sum(std::span<std::int64_t> /*values*/) override {}
  void maximum(std::span<double> /*values*/) override {}
  void broadcast_bytes(std::span<std::byte> /*bytes*/, int /*root*/) override {}
  std::vector<std::byte> gather_all_bytes(std::span<const std::byte> bytes) override {
    return {bytes.begin(), bytes.end()};
  }
  std::vector<std::byte> gather_bytes(std::span<const std::byte> bytes, int /*root*/) override {
    return {bytes.begin(), bytes.end()};
  }
  void barrier() override {}
};

/// Shared SelfComm, the default of whatever may run on many ranks.
Communicator& self();

}  // namespace winnow::comm
