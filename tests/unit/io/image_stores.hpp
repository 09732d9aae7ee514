#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

using Names = std::vector<std::string>;
using Values = std::vector<std::int32_t>;

/// Keeps what it is warned of.
class Warnings final : public Progress {
 public:
  void stage(std::string_view /*name*/, std::int64_t /*n*/, std::string_view /*unit*/) override {}
  void advance(std::int64_t /*count*/) noexcept override {}
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view message) override { all.emplace_back(message); }
  std::vector<std::string> all;
};

inline std::unique_ptr<Dataset> open_images(const std::string& location,
                                            Progress& progress = silent()) {
  return open_dataset(DatasetSpec::parse("images:" + location), progress);
}

inline Names keys_of(const Dataset& data) {
  Names keys;
  for (std::int64_t i = 0; i < data.size(); ++i) keys.push_back(data.key(i));
  return keys;
}

inline std::vector<std::uint8_t> expected_pixels(const std::string& name) {
  const NpyFile file(fixture("images/" + name + "-rgb.npy"));
  std::vector<std::uint8_t> values(static_cast<std::size_t>(file.size()));
  file.read<std::uint8_t>(0, values);
  return values;
}

/// Pixels of all images.
inline std::vector<std::uint8_t> all_pixels(const Dataset& data) {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < data.size(); ++i) ids.push_back(i);
  std::vector<std::uint8_t> pixels(
      static_cast<std::size_t>(data.size() * data.image_shape().size()));
  data.read_images(ids, pixels);
  return pixels;
}

/// A folder to put images in.
class ImageFiles : public ::testing::Test {
 protected:
  void add(const std::string& name, const std::string& source) {
    put(folder_ / name, bytes_of(fixture("images/" + source)));
  }
  void add_all(const Names& names) {
    for (const auto& name : names) add(name, "rgb.png");
  }
  void fails(const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { open_images(folder_.text()); }, found);
  }

  TempFolder folder_;
};

}  // namespace winnow::io
