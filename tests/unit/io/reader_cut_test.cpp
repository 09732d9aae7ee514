#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <numeric>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/io/npy.hpp"

// Readers of files that shrink, or are written again, after they were opened.

namespace winnow::io {
namespace {

namespace fs = std::filesystem;
using winnow::testing::Threads;

const auto page = static_cast<std::uintmax_t>(::sysconf(_SC_PAGESIZE));

/// Does something to the files once they are open and reading begins.
class Meanwhile final : public Progress {
 public:
  explicit Meanwhile(std::function<void()> action) : action_(std::move(action)) {}
  void stage(std::string_view /*name*/, std::int64_t /*total*/,
             std::string_view /*unit*/) override {
    action_();
  }
  void advance(std::int64_t /*count*/) noexcept override {}
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view /*message*/) override {}

 private:
  std::function<void()> action_;
};

template <class T>
fs::path put_matrix(const fs::path& path, const char* descr, std::int64_t rows, std::int64_t cols) {
  const std::vector<T> values(static_cast<std::size_t>(rows * cols), T{1});
  return put(path, npy_bytes(descr, fmt::format("({}, {})", rows, cols), values));
}

TEST(CutWhileReading, AnArrayNamesItself) {
  const TempFolder folder;
  const fs::path path = put_matrix<float>(folder / "emb.npy", "<f4", 1000, 64);
  const NpyFile file(path);
  fs::resize_file(path, page);
  std::vector<float> values(64'000);
  expect_error<BadFile>([&] { file.read<float>(0, values); },
                        {path.string(), "shrank or vanished"});
  expect_error<BadFile>([&] { file.read<float>(0, std::span(values).first(1)); }, {"shrank"});
}

TEST(CutWhileReading, IntegersThatDoNotFitAreNotTheMessage) {
  const TempFolder folder;
  const fs::path path = put_matrix<float>(folder / "labels.npy", "<f4", 100'000, 1);
  const NpyFile file(path);
  fs::resize_file(path, 0);
  std::vector<std::int32_t> values(100'000);
  expect_error<BadFile>([&] { file.read<std::int32_t>(0, values); }, {"shrank"});
}

TEST(CutWhileReading, EmbeddingsNameTheShard) {
  const TempFolder folder;
  for (const int threads : {1, 4}) {
    const Threads used(threads);
    for (const char* descr : {"<f4", "<f2"}) {
      for (int i = 0; i < 3; ++i) {
        const fs::path path = folder / fmt::format("part-{}.npy", i);
        descr[2] == '4' ? put_matrix<float>(path, descr, 10'000, 64)
                        : put_matrix<std::uint16_t>(path, descr, 10'000, 64);
      }
      Meanwhile cut([&] { fs::resize_file(folder / "part-1.npy", 300'000); });
      expect_error<BadFile>([&] { read_embeddings(folder.text(), cut); },
                            {(folder / "part-1.npy").string(), "shrank"});
    }
  }
}

TEST(CutWhileReading, EmbeddingsInFortranOrder) {
  const TempFolder folder;
  const std::vector<float> values(5000 * 64, 1.0F);
  const fs::path path = put(
      folder / "emb.npy", npy_bytes("{'descr': '<f4', 'fortran_order': True, 'shape': (5000, 64)}",
                                    std::string_view(reinterpret_cast<const char*>(values.data()),
                                                     values.size() * sizeof(float))));
  Meanwhile cut([&] { fs::resize_file(path, 300'000); });
  expect_error<BadFile>([&] { read_embeddings(path.string(), cut); }, {"emb.npy", "shrank"});
}

/// Too little for a signal: the last page reads as zeros, and only the length tells.
TEST(CutWhileReading, AFewBytesAreEnough) {
  const TempFolder folder;
  const fs::path path = put_matrix<float>(folder / "emb.npy", "<f4", 10, 3);
  Meanwhile cut([&] { fs::resize_file(path, fs::file_size(path) - 4); });
  expect_error<BadFile>([&] { read_embeddings(path.string(), cut); }, {"emb.npy", "shrank"});
}

TEST(CutWhileReading, AnEncoderThatWritesAgainIsNoticed) {
  const TempFolder folder;
  const fs::path path = put_matrix<float>(folder / "emb.npy", "<f4", 10, 3);
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
  Meanwhile written([&] { put_matrix<float>(path, "<f4", 10, 3); });
  expect_error<BadFile>([&] { read_embeddings(path.string(), written); },
                        {"emb.npy", "was written to"});
}

TEST(CutWhileReading, RemovedOrReplacedShardsAreReadToTheEnd) {
  const TempFolder folder;
  const fs::path path = put_matrix<float>(folder / "emb.npy", "<f4", 10'000, 64);
  Meanwhile removed([&] { fs::remove(path); });
  const auto read = read_embeddings(path.string(), removed);
  EXPECT_EQ(read.rows(9'999, 63), 1.0F);
}

TEST(CutWhileReading, DatasetsOfArraysAndIdx) {
  const TempFolder folder;
  const std::int64_t last = 4999;
  std::vector<std::uint8_t> pixels(20 * 20);
  const std::vector<std::uint8_t> images(5000 * 20 * 20);
  const fs::path array =
      put(folder / "x.npy", npy_bytes<std::uint8_t>("|u1", "(5000, 20, 20)", images));
  const auto arrays = open_dataset(DatasetSpec::parse("npy:" + array.string()));
  fs::resize_file(array, 1000);
  expect_error<BadFile>([&] { arrays->read_images({&last, 1}, pixels); }, {"x.npy", "shrank"});

  std::string idx("\0\0\x08\x03\0\0\x13\x88\0\0\0\x14\0\0\0\x14", 16);
  idx.append(images.size(), '\x07');
  put(folder / "train-images-idx3-ubyte", idx);
  std::string labels("\0\0\x08\x01\0\0\x13\x88", 8);
  put(folder / "train-labels-idx1-ubyte", labels.append(5000, '\x01'));
  const auto mnist = open_dataset(DatasetSpec::parse("mnist:" + folder.text()));
  mnist->read_images({&last, 1}, pixels);
  EXPECT_EQ(pixels[399], 7);
  fs::resize_file(folder / "train-images-idx3-ubyte", 1000);
  expect_error<BadFile>(
      [&] {
        mnist->read_images({&last, 1}, pixels);
      },
      {"train-images-idx3-ubyte", "shrank"});
  expect_error<BadFile>([&] { mnist->encoded_image(last); }, {"shrank"});
}

}  // namespace
}  // namespace winnow::io
