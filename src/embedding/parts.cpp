#include "winnow/embedding/parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::embedding {

namespace fs = std::filesystem;

namespace {

constexpr const char* manifest_name = "parts.json";
constexpr float largest_float16 = 65504.0F;

/// Whole groups of the encoder, as many as fit into 1024 rows and 32 MiB; at least one.
std::int64_t rows_of_a_part(const Encoder& encoder) {
  constexpr std::int64_t most_rows = 1024;
  constexpr std::int64_t most_bytes = std::int64_t{32} << 20U;
  const std::int64_t row_bytes = encoder.dimensions() * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t fitting = std::min(most_rows, most_bytes / row_bytes);
  return std::max<std::int64_t>(1, fitting / encoder.group_size()) * encoder.group_size();
}

/// The manifest, null when there is none that can be read.
Json read_manifest(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return nullptr;
  try {
    return read_json(path);
  } catch (const BadFile&) {
    return Json::object();
  }
}

}  // namespace

Parts::Parts(fs::path folder, const Encoder& encoder, const io::Dataset& dataset,
             EmbeddingType type, const Json& identity, Progress& progress)
    : folder_(std::move(folder)),
      encoder_(encoder),
      dataset_(dataset),
      type_(type == EmbeddingType::float16 ? io::DType::float16 : io::DType::float32),
      part_rows_(rows_of_a_part(encoder)) {
  const Json manifest = {{"kind", "embedding parts"}, {"identity", identity},
                         {"n", dataset.size()},       {"d", encoder.dimensions()},
                         {"dtype", enum_name(type)},  {"part_rows", part_rows_}};
  const Json found = read_manifest(folder_ / manifest_name);
  if (found == manifest) {
    remove_temporaries(folder_);
    for (std::int64_t part = 0; part < part_count(); ++part) {
      if (finished(part)) rows_taken_over_ += rows_in(part);
    }
    return;
  }
  if (!found.is_null()) {
    progress.warn(fmt::format("{}: parts of another dataset, encoder or option; starting over",
                              folder_.string()));
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  write_json(folder_ / manifest_name, manifest);
}

std::int64_t Parts::part_count() const { return (rows() + part_rows_ - 1) / part_rows_; }

std::int64_t Parts::rows_in(std::int64_t part) const {
  return std::min(part_rows_, rows() - part * part_rows_);
}

fs::path Parts::path_of(std::int64_t part) const {
  return folder_ / fmt::format("part-{:06}.npy", part);
}

bool Parts::finished(std::int64_t part) const {
  std::error_code ignored;
  if (!fs::exists(path_of(part), ignored)) return false;
  try {
    const io::NpyFile file(path_of(part));
    return file.dtype() == type_ && !file.fortran_order() &&
           file.shape() == std::vector<std::int64_t>{rows_in(part), dimensions()};
  } catch (const BadFile&) {
    return false;
  }
}

void Parts::encode(Progress& progress) {
  progress.stage("encode", rows(), "examples");
  for (std::int64_t part = 0; part < part_count(); ++part) {
    progress.throw_if_cancelled();
    if (finished(part)) {
      progress.advance(rows_in(part));
    } else {
      encode_part(part, progress);
    }
  }
  progress.done(rows_taken_over_ > 0
                    ? fmt::format("{} rows taken over from an interrupted run", rows_taken_over_)
                    : "");
}

void Parts::encode_part(std::int64_t part, Progress& progress) const {
  const std::int64_t begin = part * part_rows_;
  Matrix<float> values(rows_in(part), dimensions());
  encoder_.encode(dataset_, begin, values, progress);
  if (type_ == io::DType::float16) require_float16(begin, values);
  io::NpyWriter writer(path_of(part), {values.rows(), values.cols()}, type_);
  writer.append({values.data(), static_cast<std::size_t>(values.size())});
  writer.commit();
}

void Parts::require_float16(std::int64_t begin, MatrixView<const float> values) const {
  for (std::int64_t i = 0; i < values.rows(); ++i) {
    for (const float value : values.row(i)) {
      if (std::abs(value) <= largest_float16) continue;
      throw InvalidArgument(fmt::format(
          "dtype = float16: the embedding of {} row {} ({}) has {}; float16 ends at {}; give "
          "--dtype float32",
          dataset_.name(), begin + i, dataset_.key(begin + i), value, largest_float16));
    }
  }
}

void Parts::read(std::int64_t begin, MatrixView<float> out) const {
  for (std::int64_t row = 0; row < out.rows();) {
    const std::int64_t part = (begin + row) / part_rows_;
    const std::int64_t first = (begin + row) % part_rows_;
    const std::int64_t count = std::min(out.rows() - row, rows_in(part) - first);
    io::NpyFile(path_of(part))
        .read<float>(first * dimensions(),
                     {out.row(row).data(), static_cast<std::size_t>(count * dimensions())});
    row += count;
  }
}

Matrix<float> Parts::read(std::span<const std::int64_t> ids) const {
  Matrix<float> values(static_cast<std::int64_t>(ids.size()), dimensions());
  std::optional<io::NpyFile> file;
  std::int64_t open = -1;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::int64_t part = ids[i] / part_rows_;
    if (part != open) file.emplace(path_of(part));
    open = part;
    file->read<float>(ids[i] % part_rows_ * dimensions(), values.row(static_cast<std::int64_t>(i)));
  }
  return values;
}

void Parts::write(const fs::path& path, std::int64_t begin, std::int64_t count) const {
  io::NpyWriter writer(path, {count, dimensions()}, type_);
  Matrix<float> values(std::min(part_rows_, count), dimensions());
  for (std::int64_t row = 0; row < count; row += values.rows()) {
    const auto block = values.view().block(0, std::min(values.rows(), count - row));
    read(begin + row, block);
    writer.append({block.data(), static_cast<std::size_t>(block.size())});
  }
  writer.commit();
}

}  // namespace winnow::embedding
