#include "winnow/io/dynamics_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "io/dynamics_files.hpp"
#include "io/npy_part.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

/// float16 rounds what is below this to 65504, its largest.
constexpr double float16_end = 65520.0;

/// dynamics.json, as far as resume() demands that it stays the same.
Json layout_json(const DynamicsLayout& layout) {
  Json arrays = Json::array({"p_true", "margin", "el2n", "correct"});
  if (layout.grand) arrays.push_back("grand");
  if (layout.logits) arrays.push_back("logits");
  if (layout.n_test > 0) arrays.push_back("test_correct");
  Json json = {{"kind", "dynamics"},
               {"n", layout.n},
               {"n_test", layout.n_test},
               {"n_classes", layout.n_classes},
               {"storage", dtype_name(layout.storage)},
               {"arrays", arrays},
               {"fingerprint", layout.fingerprint.text()},
               {"test_fingerprint", layout.test_fingerprint.text()}};
  if (!layout.details.empty()) json["details"] = layout.details;
  return json;
}

/// @throws DatasetMismatch naming the first entry that differs.
void require_same_layout(const fs::path& path, const Json& found, const Json& expected) {
  for (const auto& [key, value] : expected.items()) {
    const auto place = found.is_object() ? found.find(key) : found.end();
    if (place != found.end() && *place == value) continue;
    throw DatasetMismatch(fmt::format(
        "{}: \"{}\" is {}, but what should go on has {}; start anew with --force", path.string(),
        key, place == found.end() ? "missing" : dump_json(*place), dump_json(value)));
  }
}

/// in_train.npy or labels.npy as the layout has it. `given` empty: absent.
template <class T>
void require_same_column(const fs::path& path, const std::vector<T>& given) {
  std::error_code ignored;
  const bool is_there = fs::exists(path, ignored);
  std::vector<std::int64_t> found;
  if (is_there) found = read_vector_i64(path);
  if (is_there == !given.empty() &&
      std::equal(found.begin(), found.end(), given.begin(), given.end())) {
    return;
  }
  throw DatasetMismatch(fmt::format("{}: {}; start anew with --force", path.string(),
                                    is_there ? "holds other values than what should go on"
                                             : "missing, but what should go on "
                                               "has it"));
}

void remove_file(const fs::path& path) {
  std::error_code code;
  fs::remove(path, code);
  if (code) throw WorkFailed(fmt::format("{}: cannot remove: {}", path.string(), code.message()));
}

/// What a value that was refused should have been.
const char* expectation(float value, double low, double high) {
  if (high == 1.0) return "a probability in [0, 1]";
  if (!std::isfinite(value)) return "a finite value; the training diverged";
  if (value < low && low == 0.0) return "0 or more";
  return "less than 65520 as float16; log float32";
}

void require_flags(std::span<const std::uint8_t> flags, const char* name) {
  const auto bad = std::find_if(flags.begin(), flags.end(), [](auto flag) { return flag > 1; });
  if (bad == flags.end()) return;
  throw InvalidArgument(
      fmt::format("{}: value {} is {}; expected 0 or 1", name, bad - flags.begin(), *bad));
}

}  // namespace

void DynamicsLayout::validate() const {
  const auto check = [](const char* name, std::int64_t value, double min) {
    check_range(static_cast<double>(value), {.name = name, .help = "", .min = min});
  };
  const auto require_length = [&](const char* name, std::size_t length) {
    if (length == 0 || static_cast<std::int64_t>(length) == n) return;
    throw InvalidArgument(fmt::format("{}: {} values; expected n = {}, or none", name, length, n));
  };
  check("n", n, 1);
  check("n_test", n_test, 0);
  check("n_classes", n_classes, logits ? 2 : 0);
  require_length("in_train", in_train.size());
  require_length("labels", labels.size());
  require_flags(in_train, "in_train");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && (n_classes == 0 || labels[i] < n_classes)) continue;
    throw InvalidArgument(
        fmt::format("labels: value {} is {}; expected a class {}", i, labels[i],
                    n_classes == 0 ? "of at least 0" : fmt::format("in [0, {})", n_classes)));
  }
  if (storage != DType::float16 && storage != DType::float32) {
    throw InvalidArgument(
        fmt::format("storage = {}; expected float16 or float32", dtype_name(storage)));
  }
}

/// The files, and how far the current epoch is.
struct DynamicsWriter::Log {
  fs::path folder;
  DynamicsLayout layout;
  std::vector<NpyPart> parts;  ///< in the order of layout_json()'s arrays, then epochs
  std::int64_t rows = 0;
  std::int64_t last_epoch = -1;
  std::int64_t filled = 0;  ///< examples of the current epoch
  std::int64_t filled_test = 0;
  bool half_written = false;  ///< by a call of append() that failed

  Log(fs::path path, DynamicsLayout wanted) : folder(std::move(path)), layout(std::move(wanted)) {
    layout.validate();
  }

  bool between_epochs() const { return filled == 0 && filled_test == 0; }

  /// Calls make(file name, dtype, row shape) for every array of the layout, in order.
  template <class Make>
  void for_each_array(const Make& make) const {
    const std::vector<std::int64_t> row{layout.n};
    for (const char* name : {"p_true.npy", "margin.npy", "el2n.npy"}) {
      make(name, layout.storage, row);
    }
    make("correct.npy", DType::boolean, row);
    if (layout.grand) make("grand.npy", layout.storage, row);
    if (layout.logits) {
      make("logits.npy", layout.storage, std::vector<std::int64_t>{layout.n, layout.n_classes});
    }
    if (layout.n_test > 0) {
      make("test_correct.npy", DType::boolean, std::vector<std::int64_t>{layout.n_test});
    }
    make("epochs.npy", DType::int64, std::vector<std::int64_t>{});
  }

  void write_sidecar(bool complete) const {
    Json json = layout_json(layout);
    json["complete"] = complete;
    if (complete) json["epochs"] = rows;
    json["winnow"] = version();
    write_json(folder / dynamics_sidecar, json);
  }

  void start() {
    make_folder(folder);
    // First of all, so that no reader takes a mixture of two logs for one.
    write_sidecar(false);
    for (const char* name : dynamics_arrays) {
      remove_file(folder / name);
      remove_file(NpyPart::part_path(folder / name));
    }
    remove_file(folder / dynamics_in_train);
    remove_file(folder / dynamics_labels);
    if (!layout.in_train.empty()) write_npy_bool(folder / dynamics_in_train, layout.in_train);
    if (!layout.labels.empty()) {
      write_npy(folder / dynamics_labels, std::span<const std::int32_t>(layout.labels));
    }
    for_each_array([&](const char* name, DType dtype, const std::vector<std::int64_t>& row) {
      parts.emplace_back(folder / name, dtype, row);
    });
  }

  void go_on(std::int64_t count) {
    check_range(static_cast<double>(count), {.name = "rows", .help = "", .min = 0});
    require_same_layout(folder / dynamics_sidecar, read_json(folder / dynamics_sidecar),
                        layout_json(layout));
    require_same_column(folder / dynamics_in_train, layout.in_train);
    require_same_column(folder / dynamics_labels, layout.labels);
    write_sidecar(false);
    for_each_array([&](const char* name, DType dtype, const std::vector<std::int64_t>& row) {
      parts.push_back(NpyPart::reopen(folder / name, dtype, row, count));
    });
    rows = count;
    if (rows > 0) {
      const auto bytes = parts.back().read_rows(rows);
      std::memcpy(&last_epoch, bytes.data() + bytes.size() - sizeof(last_epoch),
                  sizeof(last_epoch));
    }
  }

  void check_lengths(const DynamicsRows& given) const;
  void check_epoch(std::int64_t epoch) const;
  void check_values(const char* name, std::span<const float> values, std::int64_t per_example,
                    std::int64_t epoch, double low, double high) const;
  void check(const DynamicsRows& given) const;
};

void DynamicsWriter::Log::check_lengths(const DynamicsRows& given) const {
  const auto examples = static_cast<std::int64_t>(given.p_true.size());
  const auto tests = static_cast<std::int64_t>(given.test_correct.size());
  const auto require = [&](const char* name, std::size_t found, std::int64_t expected) {
    if (static_cast<std::int64_t>(found) == expected) return;
    throw InvalidArgument(fmt::format("{}: {} values at epoch {} beside {} of p_true; expected {}",
                                      name, found, given.epoch, examples, expected));
  };
  require("margin", given.margin.size(), examples);
  require("el2n", given.el2n.size(), examples);
  require("correct", given.correct.size(), examples);
  require("grand", given.grand.size(), layout.grand ? examples : 0);
  require("logits", given.logits.size(), layout.logits ? examples * layout.n_classes : 0);
  if (examples > layout.n - filled || tests > layout.n_test - filled_test) {
    throw InvalidArgument(fmt::format(
        "epoch {}: {} examples and {} test examples after {} and {}; expected {} and {} in all",
        given.epoch, examples, tests, filled, filled_test, layout.n, layout.n_test));
  }
}

void DynamicsWriter::Log::check_epoch(std::int64_t epoch) const {
  if (between_epochs() ? epoch > last_epoch : epoch == last_epoch) return;
  if (between_epochs()) {
    throw InvalidArgument(
        fmt::format("epoch = {} after {}; expected a larger number", epoch, last_epoch));
  }
  throw InvalidArgument(
      fmt::format("epoch = {} while epoch {} has {} of {} examples and {} of {} test examples; "
                  "expected the rest of it",
                  epoch, last_epoch, filled, layout.n, filled_test, layout.n_test));
}

void DynamicsWriter::Log::check_values(const char* name, std::span<const float> values,
                                       std::int64_t per_example, std::int64_t epoch, double low,
                                       double high) const {
  const auto bad = std::find_if(values.begin(), values.end(), [=](float value) {
    return !(value >= low && value <= high);  // also NaN
  });
  if (bad == values.end()) return;
  throw InvalidArgument(fmt::format("{}: example {} at epoch {} is {}; expected {}", name,
                                    filled + (bad - values.begin()) / per_example, epoch, *bad,
                                    expectation(*bad, low, high)));
}

void DynamicsWriter::Log::check(const DynamicsRows& given) const {
  if (half_written) {
    throw WorkFailed(fmt::format("{}: an earlier write failed; resume the log", folder.string()));
  }
  check_epoch(given.epoch);
  check_lengths(given);
  const double end = layout.storage == DType::float16 ? std::nextafter(float16_end, 0.0)
                                                      : double{std::numeric_limits<float>::max()};
  check_values("p_true", given.p_true, 1, given.epoch, 0.0, 1.0);
  check_values("margin", given.margin, 1, given.epoch, -end, end);
  check_values("el2n", given.el2n, 1, given.epoch, 0.0, end);
  check_values("grand", given.grand, 1, given.epoch, 0.0, end);
  check_values("logits", given.logits, std::max<std::int64_t>(layout.n_classes, 1), given.epoch,
               -end, end);
  require_flags(given.correct, "correct");
  require_flags(given.test_correct, "test_correct");
}

DynamicsWriter::DynamicsWriter(std::unique_ptr<Log> log) : log_(std::move(log)) {}
DynamicsWriter::~DynamicsWriter() = default;
DynamicsWriter::DynamicsWriter(DynamicsWriter&&) noexcept = default;
DynamicsWriter& DynamicsWriter::operator=(DynamicsWriter&&) noexcept = default;

DynamicsWriter::DynamicsWriter(const fs::path& folder, const DynamicsLayout& layout)
    : DynamicsWriter(std::make_unique<Log>(folder, layout)) {
  log_->start();
}

DynamicsWriter DynamicsWriter::resume(const fs::path& folder, const DynamicsLayout& layout,
                                      std::int64_t rows) {
  DynamicsWriter writer(std::make_unique<Log>(folder, layout));
  writer.log_->go_on(rows);
  return writer;
}

void DynamicsWriter::append(const DynamicsRows& rows) {
  Log& log = *log_;
  log.check(rows);
  if (rows.p_true.empty() && rows.test_correct.empty()) return;
  log.half_written = true;
  auto part = log.parts.begin();
  for (const auto values : {rows.p_true, rows.margin, rows.el2n}) (part++)->append(values);
  (part++)->append_bytes(std::as_bytes(rows.correct));
  if (log.layout.grand) (part++)->append(rows.grand);
  if (log.layout.logits) (part++)->append(rows.logits);
  if (log.layout.n_test > 0) (part++)->append_bytes(std::as_bytes(rows.test_correct));
  log.last_epoch = rows.epoch;
  log.filled += static_cast<std::int64_t>(rows.p_true.size());
  log.filled_test += static_cast<std::int64_t>(rows.test_correct.size());
  if (log.filled == log.layout.n && log.filled_test == log.layout.n_test) {
    part->append_bytes(std::as_bytes(std::span(&rows.epoch, 1)));
    log.filled = 0;
    log.filled_test = 0;
    ++log.rows;
  }
  log.half_written = false;
}

std::int64_t DynamicsWriter::rows() const { return log_->rows; }

void DynamicsWriter::sync() {
  for (auto& part : log_->parts) part.sync();
}

void DynamicsWriter::finish() {
  Log& log = *log_;
  if (log.rows == 0 || !log.between_epochs() || log.half_written) {
    throw InvalidArgument(fmt::format(
        "{}: {} whole epochs logged, {} of {} examples of the next; expected at least one epoch, "
        "all of them whole",
        log.folder.string(), log.rows, log.filled, log.layout.n));
  }
  for (auto& part : log.parts) part.seal(log.rows);
  for (auto& part : log.parts) part.commit();
  log.write_sidecar(true);
  log.parts.clear();
}

}  // namespace winnow::io
