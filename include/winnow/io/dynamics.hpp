#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

/// Arrays of a log of training dynamics, one row an epoch.
enum class DynamicsArray { p_true, margin, el2n, grand, correct, logits, test_correct };

/// A folder of training dynamics, whoever wrote it: our trainer (DynamicsWriter) or numpy.save in
/// anybody's training loop. Rows are passes over the examples in evaluation mode after an epoch;
/// columns are all n examples of the dataset, trained on or not.
///
///     p_true.npy        [epochs, n]     float  probability of the label, in [0, 1]
///     margin.npy        [epochs, n]     float  true logit minus the best other
///     el2n.npy          [epochs, n]     float  |softmax - onehot|_2, at least 0
///     grand.npy         [epochs, n]     float  gradient norm of the example's loss, at least 0
///     correct.npy       [epochs, n]     bool or uint8 of 0 and 1
///     logits.npy        [epochs, n, c]  float
///     test_correct.npy  [epochs, n_test]  bool or uint8 of 0 and 1
///     epochs.npy        [epochs]        integers >= 0 that increase; absent: 1, 2, ...
///     in_train.npy      [n]             bool; absent: all were trained on
///     labels.npy        [n]             integers >= 0
///     dynamics.json     {"fingerprint": ..., "n_classes": ..., ...}
///
/// Float is float16, float32 or float64, read as float32. C order, which streams, or Fortran order,
/// but for logits. All files are optional but one array.
/// Opening maps the files and checks their shapes against each other; values are checked where they
/// are read. Memory O(epochs), whatever n. Reading is const and may be done from several threads.
class Dynamics {
 public:
  /// @param folder  with the arrays, or the run folder in whose `dynamics` they lie.
  /// @throws BadFile naming the file: no arrays; shapes that do not fit; another dtype; logits in
  ///         Fortran order; epochs that do not increase; a log that was not finished.
  explicit Dynamics(const std::filesystem::path& folder);

  /// Where the arrays lie.
  const std::filesystem::path& folder() const { return folder_; }
  std::int64_t n() const { return n_; }                  ///< 0: nothing but test_correct.
  std::int64_t n_test() const { return n_test_; }        ///< 0: no test_correct.
  std::int64_t n_classes() const { return n_classes_; }  ///< c; 0: not known.
  const std::vector<std::int64_t>& epochs() const { return epochs_; }  ///< Of every row.
  std::int64_t rows() const { return static_cast<std::int64_t>(epochs_.size()); }
  const Fingerprint& fingerprint() const { return fingerprint_; }
  const Fingerprint& test_fingerprint() const { return test_fingerprint_; }
  /// dynamics.json; null when there is none.
  const Json& sidecar() const { return sidecar_; }

  bool has(DynamicsArray array) const { return file(array).has_value(); }
  /// Precondition: has(array).
  DType dtype(DynamicsArray array) const { return file(array)->dtype(); }
  /// @throws BadFile naming the file, `metric` that needs it, and how to log it, unless there.
  void require(DynamicsArray array, std::string_view metric) const;
  /// The row of an epoch. @throws BadFile when it was not logged, naming those that were.
  std::int64_t row_of(std::int64_t epoch) const;
  /// The array's path, for messages and lists of inputs. It need not be there.
  std::filesystem::path path(DynamicsArray array) const;

  /// [n], 0 or 1; all 1 when in_train.npy is absent. Read anew with every call. @throws BadFile.
  std::vector<std::uint8_t> in_train() const;
  bool has_labels() const { return labels_.has_value(); }
  /// [n], in [0, c) when c is known; empty when labels.npy is absent. Read anew with every call.
  /// @throws BadFile naming the row of a bad label.
  std::vector<std::int32_t> labels() const;

  /// Values of one row, of examples [begin, begin + out.size()), or of logits, which has c values
  /// for each, [begin, begin + out.size() / c). Precondition: has(array); row and examples exist.
  /// @throws BadFile naming row and column of the first value out of its range (probabilities may
  ///         exceed 1 by 1e-5, as rounded sums do); NonFiniteInput for NaN and Inf.
  void read(DynamicsArray array, std::int64_t row, std::int64_t begin, std::span<float> out) const;
  /// The same of correct or test_correct. @throws BadFile for a value besides 0 and 1.
  void read_flags(DynamicsArray array, std::int64_t row, std::int64_t begin,
                  std::span<std::uint8_t> out) const;
  /// The same bytes where they lie, in C order only, and not looked at: who uses them calls
  /// require_intact() afterwards, and read_flags() where one is neither 0 nor 1.
  std::span<const std::uint8_t> flags(DynamicsArray array, std::int64_t row, std::int64_t begin,
                                      std::int64_t count) const;
  /// Whether flags() may be called.
  bool in_c_order(DynamicsArray array) const { return !file(array)->fortran_order(); }
  void require_intact(DynamicsArray array) const { file(array)->require_intact(); }
  /// Announces that these examples of the row are read next.
  void prefetch(DynamicsArray array, std::int64_t row, std::int64_t begin,
                std::int64_t count) const;
  /// After the last read of an array. @throws BadFile when it was written to meanwhile.
  void require_unchanged(DynamicsArray array) const { file(array)->require_unchanged(); }

 private:
  static constexpr std::size_t n_arrays = 7;

  const std::optional<NpyFile>& file(DynamicsArray array) const {
    return files_.at(static_cast<std::size_t>(array));
  }
  void open_arrays();
  void open_array(DynamicsArray array);
  void open_sidecar();
  void open_epochs();
  void open_columns();
  std::optional<NpyFile> open_column(const char* name);
  void take_length(std::int64_t& length, std::int64_t found, const char* what,
                   const std::filesystem::path& path);
  struct Place {
    std::int64_t first;
    std::int64_t stride;
  };
  std::int64_t per_example(DynamicsArray array) const;
  Place place(DynamicsArray array, std::int64_t row, std::int64_t begin) const;
  [[noreturn]] void throw_value(DynamicsArray array, std::int64_t row, std::int64_t column,
                                double value) const;

  std::filesystem::path folder_;
  std::array<std::optional<NpyFile>, n_arrays> files_;
  std::optional<NpyFile> in_train_;
  std::optional<NpyFile> labels_;
  std::vector<std::int64_t> epochs_;
  std::int64_t n_ = 0;
  std::int64_t n_test_ = 0;
  std::int64_t n_classes_ = 0;
  std::string n_source_;  ///< what told n, for messages
  Fingerprint fingerprint_;
  Fingerprint test_fingerprint_;
  Json sidecar_;
};

/// Folders of `--dynamics`: each item is a folder, a glob (the folders that it matches, in natural
/// order) or `@FILE`, a file with a folder or glob a line; empty lines and those that begin with #
/// are passed over. Folders need not be there. @throws BadFile when a glob or a list gives none.
std::vector<std::filesystem::path> expand_runs(std::span<const std::string> items);

/// Whether two runs are of the same examples in the same order.
/// @throws DatasetMismatch naming both unless n, fingerprints, numbers of classes and labels agree,
///         as far as both tell them.
void require_same_examples(const Dynamics& a, const Dynamics& b);
/// The same of their test sets.
void require_same_tests(const Dynamics& a, const Dynamics& b);

}  // namespace winnow::io
