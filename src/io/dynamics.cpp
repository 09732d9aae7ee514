#include "winnow/io/dynamics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

#include "io/dynamics_files.hpp"
#include "io/half.hpp"
#include "io/npy_part.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float rounded_one = 1.0F + 1e-5F;

/// What an array holds, and how a training loop logs it.
struct ArrayInfo {
  const char* file;
  bool is_flag;
  float low, high;
  const char* values;  ///< for messages
  const char* how;
};

const ArrayInfo& info_of(DynamicsArray array) {
  static constexpr ArrayInfo infos[] = {
      {"p_true.npy", false, 0.0F, rounded_one, "a probability in [0, 1]",
       "softmax(logits)[arange(n), labels]"},
      {"margin.npy", false, -infinity, infinity, "a finite value",
       "the label's logit minus the largest other"},
      {"el2n.npy", false, 0.0F, infinity, "a norm, 0 or more",
       "norm(softmax(logits) - onehot(labels), axis=1)"},
      {"grand.npy", false, 0.0F, infinity, "a norm, 0 or more",
       "the norm of the gradient of every example's loss"},
      {"correct.npy", true, 0.0F, 1.0F, "0 or 1", "logits.argmax(1) == labels"},
      {"logits.npy", false, -infinity, infinity, "a finite value", "the logits"},
      {"test_correct.npy", true, 0.0F, 1.0F, "0 or 1", "test_logits.argmax(1) == test_labels"},
  };
  return infos[static_cast<std::size_t>(array)];
}

constexpr DynamicsArray all_arrays[] = {
    DynamicsArray::p_true,  DynamicsArray::margin, DynamicsArray::el2n,        DynamicsArray::grand,
    DynamicsArray::correct, DynamicsArray::logits, DynamicsArray::test_correct};

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool holds_arrays(const fs::path& folder) {
  return std::any_of(std::begin(all_arrays), std::end(all_arrays), [&](DynamicsArray array) {
    const fs::path path = folder / info_of(array).file;
    return is_there(path) || is_there(NpyPart::part_path(path));
  });
}

/// The folder of the arrays: `dynamics` in `folder`, or itself. A run has a test_correct.npy of its
/// own beside its dynamics/.
fs::path find_arrays(const fs::path& folder) {
  for (const fs::path& place : {folder / "dynamics", folder}) {
    if (holds_arrays(place)) return place;
  }
  if (!is_there(folder)) {
    throw BadFile(
        fmt::format("{}: no such folder; expected one with training dynamics", folder.string()));
  }
  throw BadFile(
      fmt::format("{}: no training dynamics; expected correct.npy, p_true.npy, ... in it or in its "
                  "dynamics/, as winnow train or a training loop of your own logs them",
                  folder.string()));
}

/// Whether some value may lie outside [low, high], low either 0 or -high, finite; never misses one.
/// Floats of one sign compare as their bits do, NaN and Inf above all; -0 is a false alarm of
/// [0, high]. Branch-free, in integers: compilers do not vectorise comparisons that may trap.
bool may_be_outside(std::span<const float> values, float low, float high) {
  const std::uint32_t mask = low < 0.0F ? 0x7FFFFFFFU : 0xFFFFFFFFU;
  const auto limit = std::bit_cast<std::uint32_t>(high);
  std::uint32_t any = 0;  // its highest bit
  for (const float value : values) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value) & mask;
    any |= (limit - bits) | bits;
  }
  return (any & 0x80000000U) != 0;
}

/// Values `stride` apart, as they lie in the file.
void gather(const NpyFile& file, std::int64_t first, std::int64_t stride,
            std::span<std::byte> out) {
  const std::size_t item = dtype_size(file.dtype());
  const std::byte* from = file.data().data() + static_cast<std::size_t>(first) * item;
  if (stride == 1) {
    std::memcpy(out.data(), from, out.size());
  } else {
    const std::size_t step = static_cast<std::size_t>(stride) * item;
    for (std::size_t to = 0; to < out.size(); to += item, from += step) {
      std::memcpy(out.data() + to, from, item);
    }
  }
  file.require_intact();
}

void read_strided(const NpyFile& file, std::int64_t first, std::int64_t stride,
                  std::span<float> out) {
  std::vector<std::byte> bytes(out.size() * dtype_size(file.dtype()));
  gather(file, first, stride, bytes);
  if (file.dtype() == DType::float16) return widen_halves(bytes.data(), out);
  if (file.dtype() == DType::float32) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    double value = 0.0;
    std::memcpy(&value, bytes.data() + i * sizeof(value), sizeof(value));
    out[i] = static_cast<float>(value);
  }
}

std::string shape_of(const NpyFile& file) {
  return file.path().string() + " is " + file.describe();
}

std::int64_t integer_of(const Json& json, const char* key, const fs::path& path) {
  const auto found = json.find(key);
  if (found == json.end()) return 0;
  if (found->is_number_integer() && *found >= 0) return found->get<std::int64_t>();
  throw BadFile(fmt::format("{}: \"{}\" is {}; expected a whole number of at least 0",
                            path.string(), key, dump_json(*found)));
}

Fingerprint fingerprint_of(const Json& json, const char* key, const fs::path& path) {
  const auto found = json.find(key);
  if (found == json.end()) return {};
  try {
    if (found->is_string()) return Fingerprint::parse(found->get<std::string>());
  } catch (const BadFile&) {
    // said below
  }
  throw BadFile(fmt::format(R"({}: "{}" is {}; expected "xxh3:0123456789abcdef" or "unknown")",
                            path.string(), key, dump_json(*found)));
}

}  // namespace

Dynamics::Dynamics(const fs::path& folder) : folder_(find_arrays(folder)) {
  open_sidecar();
  open_arrays();
  open_epochs();
  open_columns();
}

void Dynamics::open_sidecar() {
  const fs::path path = folder_ / dynamics_sidecar;
  if (!is_there(path)) return;
  sidecar_ = read_json(path);
  if (!sidecar_.is_object()) {
    throw BadFile(
        fmt::format("{}: found {}; expected a JSON object", path.string(), sidecar_.type_name()));
  }
  if (const auto complete = sidecar_.find("complete");
      complete != sidecar_.end() && *complete == false) {
    throw BadFile(
        fmt::format("{}: \"complete\" is false: this log was not finished; resume its "
                    "training, or train again",
                    path.string()));
  }
  fingerprint_ = fingerprint_of(sidecar_, "fingerprint", path);
  test_fingerprint_ = fingerprint_of(sidecar_, "test_fingerprint", path);
  take_length(n_, integer_of(sidecar_, "n", path), "examples", path);
  take_length(n_test_, integer_of(sidecar_, "n_test", path), "test examples", path);
  take_length(n_classes_, integer_of(sidecar_, "n_classes", path), "classes", path);
}

/// Notes a length when it is the first, and compares it with what was noted otherwise.
void Dynamics::take_length(std::int64_t& length, std::int64_t found, const char* what,
                           const fs::path& path) {
  if (found == 0 || found == length) return;
  if (length == 0) {
    length = found;
    if (&length == &n_) n_source_ = path.filename().string();
    return;
  }
  throw BadFile(fmt::format("{}: {} {}, but {} has {}; expected arrays of one run", path.string(),
                            found, what, &length == &n_ ? n_source_ : "what lies beside it",
                            length));
}

void Dynamics::open_arrays() {
  for (const DynamicsArray array : all_arrays) open_array(array);
}

void Dynamics::open_array(DynamicsArray array) {
  const ArrayInfo& info = info_of(array);
  const fs::path path = folder_ / info.file;
  if (is_there(NpyPart::part_path(path))) {
    throw BadFile(fmt::format("{}: this log was not finished; resume its training, or train again",
                              NpyPart::part_path(path).string()));
  }
  if (!is_there(path)) return;
  const NpyFile& file = files_.at(static_cast<std::size_t>(array)).emplace(path);
  const bool fits = info.is_flag ? file.dtype() == DType::boolean || file.dtype() == DType::uint8
                                 : is_floating(file.dtype());
  const std::size_t dimensions = array == DynamicsArray::logits ? 3 : 2;
  const char* shape = array == DynamicsArray::logits         ? "[epochs, n, classes]"
                      : array == DynamicsArray::test_correct ? "[epochs, n_test]"
                                                             : "[epochs, n]";
  if (!fits || file.shape().size() != dimensions || file.size() == 0) {
    throw BadFile(fmt::format("{}; expected {} {}, none of them 0", shape_of(file), shape,
                              info.is_flag ? "bool or uint8" : "float16 or float32"));
  }
  if (file.fortran_order() && dimensions == 3) {
    throw BadFile(
        fmt::format("{}; expected C order, one epoch after the other; save "
                    "numpy.ascontiguousarray(x)",
                    shape_of(file)));
  }
  const bool of_tests = array == DynamicsArray::test_correct;
  take_length(of_tests ? n_test_ : n_, file.shape()[1], of_tests ? "test examples" : "examples",
              path);
  if (dimensions == 3) take_length(n_classes_, file.shape()[2], "classes", path);
}

void Dynamics::open_epochs() {
  const auto found =
      std::find_if(files_.begin(), files_.end(), [](const auto& file) { return file.has_value(); });
  if (found == files_.end()) {
    throw BadFile(fmt::format("{}: its arrays vanished while they were opened", folder_.string()));
  }
  const NpyFile& first = **found;
  for (const auto& file : files_) {
    if (!file || file->shape()[0] == first.shape()[0]) continue;
    throw BadFile(fmt::format("{}, but {}; expected one row an epoch in both", shape_of(*file),
                              shape_of(first)));
  }
  const std::int64_t rows = first.shape()[0];
  const fs::path path = folder_ / "epochs.npy";
  if (!is_there(path)) {
    for (std::int64_t row = 0; row < rows; ++row) epochs_.push_back(row + 1);
    return;
  }
  epochs_ = read_vector_i64(path);
  if (this->rows() != rows) {
    throw BadFile(fmt::format("{}: {} epochs, but {}; expected one number for every row",
                              path.string(), epochs_.size(), shape_of(first)));
  }
  for (std::size_t row = 0; row < epochs_.size(); ++row) {
    if (epochs_[row] > (row == 0 ? -1 : epochs_[row - 1])) continue;
    throw BadFile(fmt::format("{}: row {} is {}{}; expected numbers of at least 0 that increase",
                              path.string(), row, epochs_[row],
                              row == 0 ? "" : fmt::format(" after {}", epochs_[row - 1])));
  }
}

std::optional<NpyFile> Dynamics::open_column(const char* name) {
  const fs::path path = folder_ / name;
  if (!is_there(path)) return {};
  std::optional<NpyFile> file(path);
  if (n_ == 0 && file->shape().size() == 1) take_length(n_, file->size(), "examples", path);
  if (file->shape().size() != 1 || is_floating(file->dtype()) || file->size() != n_) {
    throw BadFile(fmt::format("{}; expected [{}] integers or bool, one for every example",
                              shape_of(*file), n_));
  }
  return file;
}

void Dynamics::open_columns() {
  in_train_ = open_column(dynamics_in_train);
  labels_ = open_column(dynamics_labels);
}

fs::path Dynamics::path(DynamicsArray array) const { return folder_ / info_of(array).file; }

void Dynamics::require(DynamicsArray array, std::string_view metric) const {
  if (has(array)) return;
  throw BadFile(fmt::format("{}: missing; metric = {} needs it; log {} after every epoch",
                            path(array).string(), metric, info_of(array).how));
}

std::int64_t Dynamics::row_of(std::int64_t epoch) const {
  const auto found = std::lower_bound(epochs_.begin(), epochs_.end(), epoch);
  if (found != epochs_.end() && *found == epoch) return found - epochs_.begin();
  constexpr std::size_t most = 20;
  const auto shown = std::span(epochs_).first(std::min(epochs_.size(), most));
  throw BadFile(fmt::format("{}: epoch {} was not logged; expected one of {}{}", folder_.string(),
                            epoch, fmt::join(shown, ", "),
                            epochs_.size() > most ? fmt::format(", ..., {}", epochs_.back()) : ""));
}

std::vector<std::uint8_t> Dynamics::in_train() const {
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(n_), 1);
  if (!in_train_) return flags;
  in_train_->read<std::uint8_t>(0, flags);
  in_train_->require_unchanged();
  const auto bad = std::find_if(flags.begin(), flags.end(), [](auto flag) { return flag > 1; });
  if (bad != flags.end()) {
    throw BadFile(fmt::format("{}: row {} is {}; expected 0 or 1", in_train_->path().string(),
                              bad - flags.begin(), *bad));
  }
  return flags;
}

std::vector<std::int32_t> Dynamics::labels() const {
  if (!labels_) return {};
  std::vector<std::int32_t> labels(static_cast<std::size_t>(n_));
  labels_->read<std::int32_t>(0, labels);
  labels_->require_unchanged();
  const std::int64_t end =
      n_classes_ > 0 ? n_classes_ : std::int64_t{std::numeric_limits<std::int32_t>::max()};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] < end) continue;
    throw BadFile(fmt::format("{}: row {} is {}; expected a class in [0, {})",
                              labels_->path().string(), i, labels[i], end));
  }
  return labels;
}

/// Values of an example in a row.
std::int64_t Dynamics::per_example(DynamicsArray array) const {
  return array == DynamicsArray::logits ? file(array)->shape()[2] : 1;
}

/// Of the first value of an example, and from one example to the next, in the file's order.
Dynamics::Place Dynamics::place(DynamicsArray array, std::int64_t row, std::int64_t begin) const {
  const NpyFile& values = *file(array);
  if (values.fortran_order()) return {begin * rows() + row, rows()};
  return {(row * values.shape()[1] + begin) * per_example(array), 1};
}

void Dynamics::read(DynamicsArray array, std::int64_t row, std::int64_t begin,
                    std::span<float> out) const {
  assert(has(array) && row >= 0 && row < rows() && begin >= 0);
  const NpyFile& values = *file(array);
  const Place from = place(array, row, begin);
  if (from.stride == 1) {
    values.read<float>(from.first, out);
  } else {
    read_strided(values, from.first, from.stride, out);
  }
  const ArrayInfo& info = info_of(array);
  constexpr float largest = std::numeric_limits<float>::max();
  const float low = std::max(info.low, -largest);
  const float high = std::min(info.high, largest);
  if (!may_be_outside(out, low, high)) return;
  const auto bad = std::find_if(out.begin(), out.end(),
                                [=](float value) { return !(value >= low && value <= high); });
  if (bad == out.end()) return;
  const std::int64_t offset = bad - out.begin();
  double found = 0.0;
  values.read<double>(from.first + offset * from.stride, {&found, 1});
  throw_value(array, row, begin + offset / per_example(array), found);
}

void Dynamics::read_flags(DynamicsArray array, std::int64_t row, std::int64_t begin,
                          std::span<std::uint8_t> out) const {
  assert(info_of(array).is_flag && has(array) && row >= 0 && row < rows() && begin >= 0);
  const NpyFile& values = *file(array);
  const Place from = place(array, row, begin);
  gather(values, from.first, from.stride, std::as_writable_bytes(out));
  unsigned any = 0;
  for (const std::uint8_t flag : out) any |= flag;
  if (any <= 1) return;
  const auto bad = std::find_if(out.begin(), out.end(), [](auto flag) { return flag > 1; });
  throw_value(array, row, begin + (bad - out.begin()), *bad);
}

std::span<const std::uint8_t> Dynamics::flags(DynamicsArray array, std::int64_t row,
                                              std::int64_t begin, std::int64_t count) const {
  assert(info_of(array).is_flag && has(array) && in_c_order(array));
  const auto first = static_cast<std::size_t>(place(array, row, begin).first);
  const auto bytes = file(array)->data().subspan(first, static_cast<std::size_t>(count));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

void Dynamics::throw_value(DynamicsArray array, std::int64_t row, std::int64_t column,
                           double value) const {
  const ArrayInfo& info = info_of(array);
  const std::string where = fmt::format("{}: row {} (epoch {}) column {} is", path(array).string(),
                                        row, epochs_[static_cast<std::size_t>(row)], column);
  if (!std::isfinite(value)) {
    throw NonFiniteInput(
        fmt::format("{} {}; expected {}; the training diverged there, or logged "
                    "before it was computed",
                    where, value, info.values));
  }
  throw BadFile(fmt::format("{} {}; expected {}; log {}", where, value, info.values, info.how));
}

void Dynamics::prefetch(DynamicsArray array, std::int64_t row, std::int64_t begin,
                        std::int64_t count) const {
  const Place from = place(array, row, begin);
  if (from.stride == 1) file(array)->prefetch(from.first, count * per_example(array));
}

void require_same_examples(const Dynamics& a, const Dynamics& b) {
  const std::string name_a = a.folder().string();
  const std::string name_b = b.folder().string();
  const auto require_same = [&](std::int64_t in_a, std::int64_t in_b, const char* what) {
    if (in_a == in_b || in_a == 0 || in_b == 0) return;
    throw DatasetMismatch(fmt::format("{} has {} {}, but {} has {}; give runs of one dataset",
                                      name_a, in_a, what, name_b, in_b));
  };
  require_same(a.n(), b.n(), "examples");
  require_same_dataset(a.fingerprint(), name_a, b.fingerprint(), name_b);
  require_same(a.n_classes(), b.n_classes(), "classes");
  if (!a.has_labels() || !b.has_labels()) return;
  const auto labels_a = a.labels();
  const auto labels_b = b.labels();
  const auto [in_a, in_b] = std::mismatch(labels_a.begin(), labels_a.end(), labels_b.begin());
  if (in_a == labels_a.end()) return;
  throw DatasetMismatch(
      fmt::format("{}: row {} is class {}, but in {} it is {}; give runs with the same labels",
                  (a.folder() / dynamics_labels).string(), in_a - labels_a.begin(), *in_a,
                  (b.folder() / dynamics_labels).string(), *in_b));
}

void require_same_tests(const Dynamics& a, const Dynamics& b) {
  if (a.n_test() != b.n_test() && a.n_test() > 0 && b.n_test() > 0) {
    throw DatasetMismatch(
        fmt::format("{} has {} test examples, but {} has {}; give runs with one test set",
                    a.folder().string(), a.n_test(), b.folder().string(), b.n_test()));
  }
  require_same_dataset(a.test_fingerprint(), a.folder().string() + " (its test set)",
                       b.test_fingerprint(), b.folder().string() + " (its test set)");
}

}  // namespace winnow::io
