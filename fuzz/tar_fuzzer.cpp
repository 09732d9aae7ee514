// Tar archives: the index, the bytes of every member, and the datasets made of them.
#include <algorithm>

#include "fuzz.hpp"
#include "io/image_store.hpp"
#include "memory_file.hpp"
#include "repair.hpp"
#include "winnow/io/dataset.hpp"

namespace {

using namespace winnow;

void read_store(const std::string& path) {
  const auto store = io::open_tar_store(path);
  for (const auto& file : store->files("")) {
    if (file.path.starts_with('/') || ("/" + file.path + "/").find("/../") != std::string::npos) {
      fuzz::report("a path that leaves the archive", file.path);
    }
    fuzz::touch(store->bytes(file).bytes);
  }
  store->loose_files("");
  for (const auto& folder : store->folders("")) store->files(folder);
}

void read_dataset(const std::string& path) {
  const auto dataset = io::open_dataset(io::DatasetSpec::parse("images:" + path));
  for (std::int64_t id = 0; id < dataset->size(); ++id) {
    if (dataset->key(id).empty()) fuzz::report("an example without a key", path);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  file.assign({data, size});
  fuzz::expect_refusal_or_success(file.path(), [] { read_store(file.path()); });
  fuzz::expect_refusal_or_success(file.path(), [] { read_dataset(file.path()); });
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  constexpr std::size_t block = 512;
  std::size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 == 0) return mutated;
  fuzz::repair_tar({data, mutated});
  // Every archive ends in a block of zeros.
  const std::size_t whole = mutated / block * block;
  if (whole >= block && seed % 8 > 1) {
    mutated = std::min(whole + block, max_size / block * block);
    std::fill_n(data + mutated - block, block, std::uint8_t{0});
  }
  return mutated;
}
