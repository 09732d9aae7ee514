#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"

namespace winnow::io {

class Dataset;

/// Embedding rows as read from disk.
struct Embeddings {
  Matrix<float> rows;  ///< [n, d]
  Fingerprint fingerprint;
  std::vector<InputFile> inputs;  ///< with XXH3 hashes, computed in the one reading pass
};

/// Shards of `--embeddings`: one file, a comma list, a glob or a folder (its *.npy), in natural
/// order (`part-2` before `part-10`); a comma list keeps the order given.
/// @throws BadFile when nothing matches.
std::vector<std::filesystem::path> expand_shards(const std::string& text);

/// Reads embeddings into memory as float32, each file once.
///
/// Accepts float16/32/64 and integers, C or Fortran order, shards of equal width and dtype.
/// @throws BadFile not 2-d, no rows or columns, shards that differ; NonFiniteInput naming file,
///         row (within the shard) and column of the first NaN or Inf, also where float64 overflows
///         float32. The fingerprint is that of the sidecar: of one file, or the `emb.json`
///         beside all shards of a folder; else unknown.
///
/// Same bits for any number of threads.
Embeddings read_embeddings(const std::string& shards, Progress& progress = silent());

/// Writes `NAME.npy` (float32) and its sidecar `NAME.json`.
void write_embeddings(const std::filesystem::path& path, MatrixView<const float> rows,
                      const Json& sidecar, const Fingerprint& fingerprint);

/// Class labels of a whole dataset.
struct Labels {
  std::vector<std::int32_t> values;      ///< [n], in [0, class_names.size())
  std::vector<std::string> class_names;  ///< numbers as text when there are no names
  Fingerprint fingerprint;
  std::vector<InputFile> inputs;
};

/// `--labels` without a dataset: a `.npy` of non-negative integers, a table (`.csv`, `.jsonl` or
/// `.ndjson`; the column or key called `label`, or the only column), or a dataset spec.
///
/// Whole numbers of a table stay as they are, texts become classes in byte order.
/// @throws BadFile naming the row of a bad label; also a table that names the examples (see
///         join_labels()): without a dataset their order is not known.
Labels read_labels(const std::string& text, Progress& progress = silent());

/// `--labels` beside a dataset: the same files, in the order of the dataset.
///
/// A table with a column called path, file, filename, file_name, key or image (in any case, the
/// first of these) is joined by name, rows in any order: a name is the example whose key() is equal
/// to it; else the one example of which the name is the end, or whose key is the end of the name,
/// in whole parts of a path (`frog/0.jpg` for `train/frog/0.jpg` and the other way round). Other
/// tables and `.npy` go by order.
///
/// Where the dataset has class names: values that all are such names are those classes; else whole
/// numbers index them; else texts are classes of their own, in byte order.
/// @param text          file or dataset spec
/// @param label_column  column or key of the labels, case and all; "": label
/// @return  with the dataset's fingerprint when joined by name, else the file's
/// @throws BadFile          as read_labels(); a name that comes twice or fits several examples
/// @throws DatasetMismatch  another number of rows, names of no example, examples without a label;
///                          with how many and the first
///
/// O(n) memory.
Labels join_labels(const Dataset& dataset, const std::string& text,
                   const std::string& label_column = "", Progress& progress = silent());

/// One difficulty score per example.
struct Scores {
  std::vector<double> values;  ///< [n], larger is harder
  Fingerprint fingerprint;
  std::string metric;  ///< "" when there is no sidecar
  std::vector<InputFile> inputs;
};

/// `.npy` (any real dtype, 1-d). @throws NonFiniteInput naming the row; BadFile.
Scores read_scores(const std::filesystem::path& path);

/// Writes `NAME.npy` (float64) and `NAME.json`: metric, direction, n, fingerprint, then `details`.
void write_scores(const std::filesystem::path& path, const Scores& scores, const Json& details);

/// Sorted sample ids of a subset (`keep.npy`).
struct Subset {
  std::vector<std::int64_t> ids;  ///< strictly increasing, >= 0
  std::int64_t dataset_size = 0;  ///< n of the dataset (sidecar's "n"), 0 when unknown
  Fingerprint fingerprint;
  std::vector<InputFile> inputs;
};

/// @throws BadFile when not integers, not sorted, repeated or negative (naming the row).
Subset read_subset(const std::filesystem::path& path);

/// Writes `NAME.npy` and `NAME.json`: n of the dataset, the number kept, fingerprint, then
/// `details`.
void write_subset(const std::filesystem::path& path, const Subset& subset, const Json& details);

/// @throws DatasetMismatch "A has 10 rows, but B has 20" unless equal.
void require_same_length(std::int64_t a, const std::string& name_a, std::int64_t b,
                         const std::string& name_b);

}  // namespace winnow::io
