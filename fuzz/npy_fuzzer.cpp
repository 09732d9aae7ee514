// .npy: header and values through every reader of plain arrays.
#include <vector>

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/io/npy.hpp"

namespace {

using namespace winnow;

template <class T>
void read_values(const io::NpyFile& file) {
  std::vector<T> values(static_cast<std::size_t>(file.size()));
  fuzz::expect_refusal_or_success(file.path().string(),
                                  [&] { file.read<T>(0, std::span<T>(values)); });
}

void read_array(const std::string& path) {
  const io::NpyFile file(path);
  if (file.describe().empty()) fuzz::report("no description", path);
  read_values<float>(file);
  read_values<double>(file);
  read_values<std::int32_t>(file);
  read_values<std::int64_t>(file);
  read_values<std::uint8_t>(file);
}

void read_dataset(const std::string& path) {
  const auto dataset = io::open_dataset(io::DatasetSpec::parse("npy:" + path));
  const std::int64_t last = dataset->size() - 1;
  if (dataset->has_images()) {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(dataset->image_shape().size()));
    dataset->read_images({&last, 1}, pixels);
  } else {
    std::vector<float> row(static_cast<std::size_t>(dataset->vector_width()));
    dataset->read_vectors({&last, 1}, row);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  file.assign({data, size});
  const std::string path = file.path();
  if (!fuzz::expect_refusal_or_success(path, [&] { read_array(path); })) return 0;
  fuzz::expect_refusal_or_success(path, [&] { read_dataset(path); });
  fuzz::expect_refusal_or_success(path, [&] { io::read_embeddings(path); });
  fuzz::expect_refusal_or_success(path, [&] { io::read_scores(path); });
  fuzz::expect_refusal_or_success(path, [&] { io::read_subset(path); });
  return 0;
}
