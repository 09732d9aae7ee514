// MAT files of version 5: the structure, every variable through matio, and SVHN made of them.
#include <vector>

#include "fuzz.hpp"
#include "io/mat_file.hpp"
#include "memory_file.hpp"
#include "repair.hpp"
#include "winnow/io/dataset.hpp"

namespace {

using namespace winnow;

void read_variables(const std::string& path) {
  const io::MatFile file(path);
  for (const auto& variable : file.variables()) {
    fuzz::expect_refusal_or_success(path, [&] {
      const io::MatArray array = file.read(variable);
      fuzz::touch(array.bytes());
      array.integers(path);
    });
  }
}

void read_dataset(const std::string& folder) {
  const auto dataset = io::open_dataset(io::DatasetSpec::parse("svhn:" + folder));
  const std::int64_t last = dataset->size() - 1;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(dataset->image_shape().size()));
  dataset->read_images({&last, 1}, pixels);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  static fuzz::MemoryFolder folder;
  static const std::string path = folder.link("train_32x32.mat", file);
  file.assign({data, size});
  if (!fuzz::expect_refusal_or_success(path, [] { read_variables(path); })) return 0;
  fuzz::expect_refusal_or_success(path, [] { read_dataset(folder.path()); });
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return seed % 2 == 0 ? LLVMFuzzerMutate(data, size, max_size)
                       : fuzz::mutate_mat(data, size, max_size, seed / 2);
}
