#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

/// What a log of training dynamics holds, fixed before its first epoch.
struct DynamicsLayout {
  std::int64_t n = 0;                    ///< Examples, trained on or not; at least 1.
  std::int64_t n_test = 0;               ///< Test examples; 0: no test_correct.npy.
  std::int64_t n_classes = 0;            ///< c; 0: not told. At least 2 with logits.
  bool grand = false;                    ///< grand.npy too.
  bool logits = false;                   ///< logits.npy too, [epochs, n, c].
  DType storage = DType::float16;        ///< float16 or float32.
  std::vector<std::uint8_t> in_train{};  ///< [n], 0 or 1; empty: all were trained on.
  std::vector<std::int32_t> labels{};    ///< [n], at least 0; empty: no labels.npy.
  Fingerprint fingerprint{};             ///< Of the dataset.
  Fingerprint test_fingerprint{};        ///< Of the test set.
  Json details = Json::object();         ///< More for dynamics.json: network, seed, ...

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
};

/// One pass over the examples in evaluation mode, or a piece of it: m consecutive examples and k
/// consecutive test examples, which follow those of the call before.
struct DynamicsRows {
  std::int64_t epoch = 0;                   ///< Passes trained before this one; 0: none.
  std::span<const float> p_true{};          ///< [m], probability of the label, in [0, 1].
  std::span<const float> margin{};          ///< [m], true logit minus the best other.
  std::span<const float> el2n{};            ///< [m], |softmax - onehot|_2.
  std::span<const std::uint8_t> correct{};  ///< [m], 0 or 1.
  std::span<const float> grand{};           ///< [m], gradient norm; empty unless in the layout.
  std::span<const float> logits{};          ///< [m * c]; empty unless in the layout.
  std::span<const std::uint8_t> test_correct{};  ///< [k], 0 or 1.
};

/// Writes a folder of training dynamics (Dynamics reads it) as they come, in bounded memory.
///
/// Every array grows in NAME.npy.part, which outlives the process; finish() completes the headers
/// and gives the arrays their names. `"complete"` in dynamics.json is false until that is done, so
/// that readers refuse a log that was not finished.
///
/// A trainer with checkpoints calls sync() before it writes one and notes rows() in it; after a
/// crash it goes on with resume(), which drops what was logged after the checkpoint.
class DynamicsWriter {
 public:
  /// Starts anew; makes the folder and removes the arrays of an earlier log in it.
  /// @throws InvalidArgument for a bad layout; WorkFailed when a file cannot be made.
  DynamicsWriter(const std::filesystem::path& folder, const DynamicsLayout& layout);
  /// Goes on after the first `rows` epochs of a log in `folder`, finished or not.
  /// @throws BadFile          no log, fewer epochs than that, or damaged arrays.
  /// @throws DatasetMismatch  the log has another layout, naming what differs.
  static DynamicsWriter resume(const std::filesystem::path& folder, const DynamicsLayout& layout,
                               std::int64_t rows);
  ~DynamicsWriter();
  DynamicsWriter(DynamicsWriter&&) noexcept;
  DynamicsWriter& operator=(DynamicsWriter&&) noexcept;

  /// Appends a whole epoch, or a piece of it. An epoch ends with its n-th example and n_test-th
  /// test example; the next call begins another, of a larger number.
  /// @throws InvalidArgument  spans of lengths that do not fit; an epoch that is not larger than
  ///         the last, or another before one is whole; a probability outside [0, 1], NaN, Inf, or
  ///         a value beyond float16's 65504, naming array, epoch and example; flags besides 0, 1.
  ///         What was refused is not written, the log stays as it was before the call.
  /// @throws WorkFailed       no space left, ...; the log can then only be resumed.
  void append(const DynamicsRows& rows);

  /// Whole epochs so far.
  std::int64_t rows() const;
  /// Brings all appended so far to disk. @throws WorkFailed.
  void sync();
  /// Makes the log complete; nothing can be appended any more.
  /// @throws InvalidArgument when no epoch was logged or the last is not whole; WorkFailed.
  void finish();

 private:
  struct Log;
  explicit DynamicsWriter(std::unique_ptr<Log> log);
  std::unique_ptr<Log> log_;
};

}  // namespace winnow::io
