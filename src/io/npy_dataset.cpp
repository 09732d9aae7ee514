#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/datasets.hpp"
#include "io/finite.hpp"
#include "io/image_decode.hpp"
#include "io/raw_images.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

namespace {

/// What both kinds have in common, over the base class that each needs: keys are positions; no
/// labels of its own.
template <class Base>
class NpyDataset : public Base {
 public:
  std::int64_t size() const final { return array_.shape()[0]; }
  std::string key(std::int64_t id) const final { return std::to_string(id); }

 protected:
  NpyDataset(NpyFile array, const DatasetSpec& spec) : array_(std::move(array)) {
    this->name_ = spec.text;
    this->inputs_.push_back({array_.path().string(), ""});
    this->seal();
  }

  const NpyFile& array() const { return array_; }

 private:
  NpyFile array_;
};

class NpyImages final : public NpyDataset<RawImages> {
 public:
  NpyImages(NpyFile opened, const DatasetSpec& spec) : NpyDataset(std::move(opened), spec) {
    const auto& shape = array().shape();
    const int channels = shape.size() == 4 ? static_cast<int>(shape[3]) : 1;
    set_shape(checked_image_shape(shape[1], shape[2], channels, array().path().string(),
                                  spec.reading.max_pixels),
              spec.reading);
  }

 protected:
  void copy_pixels(std::int64_t id, std::span<std::uint8_t> out) const override {
    array().read<std::uint8_t>(id * static_cast<std::int64_t>(out.size()), out);
  }
};

class NpyVectors final : public NpyDataset<Dataset> {
 public:
  NpyVectors(NpyFile opened, const DatasetSpec& spec) : NpyDataset(std::move(opened), spec) {}

  bool has_images() const override { return false; }
  ImageShape image_shape() const override { throw_no_images(); }
  void read_images(std::span<const std::int64_t> /*ids*/,
                   std::span<std::uint8_t> /*out*/) const override {
    throw_no_images();
  }
  EncodedImage encoded_image(std::int64_t /*id*/) const override { throw_no_images(); }

  std::int64_t vector_width() const override { return array().shape()[1]; }

  void read_vectors(std::span<const std::int64_t> ids, std::span<float> out) const override {
    check_request(*this, ids, out.size(), vector_width());
    const auto width = static_cast<std::size_t>(vector_width());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto row = out.subspan(i * width, width);
      read_row(ids[i], row);
      if (!all_finite(row)) throw_not_finite(ids[i], row);
    }
  }

 private:
  [[noreturn]] void throw_no_images() const {
    throw InvalidArgument(
        fmt::format("{}: {} holds vectors, not images; expected uint8 [n, h, w] "
                    "or [n, h, w, 1 or 3]",
                    name(), array().describe()));
  }

  std::int64_t position(std::int64_t id, std::int64_t column) const {
    return array().fortran_order() ? column * size() + id : id * vector_width() + column;
  }

  void read_row(std::int64_t id, std::span<float> row) const {
    if (!array().fortran_order()) return array().read<float>(position(id, 0), row);
    for (std::size_t j = 0; j < row.size(); ++j) {
      array().read<float>(position(id, static_cast<std::int64_t>(j)), row.subspan(j, 1));
    }
  }

  [[noreturn]] void throw_not_finite(std::int64_t id, std::span<const float> row) const {
    const auto bad =
        std::find_if(row.begin(), row.end(), [](float x) { return !std::isfinite(x); });
    const std::int64_t column = bad - row.begin();
    double value = 0.0;
    array().read<double>(position(id, column), {&value, 1});
    throw NonFiniteInput(fmt::format("{}: row {} column {} is {}", array().path().string(), id,
                                     column, non_finite_text(value)));
  }
};

}  // namespace

std::unique_ptr<Dataset> open_npy_dataset(const DatasetSpec& spec) {
  NpyFile file(spec.location);
  const auto& shape = file.shape();
  if (shape.size() == 2 && file.size() > 0) {
    return std::make_unique<NpyVectors>(std::move(file), spec);
  }
  const bool channels_fit =
      shape.size() == 3 || (shape.size() == 4 && (shape[3] == 1 || shape[3] == 3));
  if (!channels_fit || file.dtype() != DType::uint8 || file.fortran_order() || file.size() == 0) {
    throw BadFile(
        fmt::format("{}: {}; expected images, uint8 [n, h, w] or [n, h, w, 1 or 3] in C "
                    "order, or vectors [n, d]; none of the lengths 0",
                    spec.location, file.describe()));
  }
  return std::make_unique<NpyImages>(std::move(file), spec);
}

}  // namespace winnow::io
