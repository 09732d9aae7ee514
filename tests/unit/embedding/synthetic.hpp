#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::embedding {

/// A dataset in memory: what encoders ask of one, and no more.
class SyntheticDataset : public io::Dataset {
 public:
  std::string key(std::int64_t id) const override { return std::to_string(id); }
  io::EncodedImage encoded_image(std::int64_t /*id*/) const override {
    throw std::logic_error("not asked of encoders");
  }
};

/// n images: stripes of a random direction and phase under noise; the class tells the direction.
class Stripes final : public SyntheticDataset {
 public:
  Stripes(std::int64_t n, io::ImageShape shape, std::uint64_t seed) : n_(n), shape_(shape) {
    name_ = "stripes";
    class_names_ = {"upright", "level"};
    RandomStream random(Seed{seed}, "stripes");
    for (std::int64_t i = 0; i < n; ++i) {
      labels_.push_back(static_cast<std::int32_t>(random.below(2)));
      const double phase = 6.28 * random.uniform();
      for (int y = 0; y < shape.height; ++y) {
        for (int x = 0; x < shape.width; ++x) {
          for (int c = 0; c < shape.channels; ++c) {
            const double wave = std::sin(phase + 1.3 * (labels_.back() == 0 ? x : y) + c);
            const double value = 128 + 60 * wave + 15 * random.normal();
            pixels_.push_back(static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0)));
          }
        }
      }
    }
    seal();
  }

  std::int64_t size() const override { return n_; }
  bool has_images() const override { return true; }
  io::ImageShape image_shape() const override { return shape_; }
  void read_images(std::span<const std::int64_t> ids, std::span<std::uint8_t> out) const override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      std::ranges::copy(image(ids[i]),
                        out.begin() + static_cast<std::ptrdiff_t>(i) * shape_.size());
    }
  }
  std::span<const std::uint8_t> image(std::int64_t id) const {
    return {pixels_.data() + id * shape_.size(), static_cast<std::size_t>(shape_.size())};
  }

 private:
  std::int64_t n_;
  io::ImageShape shape_;
  std::vector<std::uint8_t> pixels_;
};

/// Plain vectors.
class Vectors final : public SyntheticDataset {
 public:
  explicit Vectors(Matrix<float> rows) : rows_(std::move(rows)) {
    name_ = "vectors";
    seal();
  }
  std::int64_t size() const override { return rows_.rows(); }
  bool has_images() const override { return false; }
  io::ImageShape image_shape() const override { throw std::logic_error("no images"); }
  void read_images(std::span<const std::int64_t> /*ids*/,
                   std::span<std::uint8_t> /*out*/) const override {
    throw std::logic_error("no images");
  }
  std::int64_t vector_width() const override { return rows_.cols(); }
  void read_vectors(std::span<const std::int64_t> ids, std::span<float> out) const override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      std::ranges::copy(rows_.row(ids[i]),
                        out.begin() + static_cast<std::ptrdiff_t>(i) * rows_.cols());
    }
  }

 private:
  Matrix<float> rows_;
};

}  // namespace winnow::embedding
