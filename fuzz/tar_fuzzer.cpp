// Tar archives: the index, the bytes of every member, and the datasets made of them.
#include <algorithm>
#include <span>

#include "fuzz.hpp"
#include "io/tar_index.hpp"
#include "memory_file.hpp"
#include "repair.hpp"
#include "winnow/io/dataset.hpp"

namespace {

using namespace winnow;

void read_index(const std::string& path) {
  const MappedFile file(path);
  const io::TarIndex index = io::index_tar(file, silent());
  for (std::int64_t i = 0; i < index.paths.size(); ++i) {
    const std::string name(index.paths[i]);
    if (name.starts_with('/') || ("/" + name + "/").find("/../") != std::string::npos) {
      fuzz::report("a path that leaves the archive", name);
    }
    const io::TarMember& member = index.members[static_cast<std::size_t>(i)];
    fuzz::touch(file.bytes().subspan(member.offset, member.size));
  }
}

void read_dataset(const std::string& path) {
  const auto dataset = io::open_dataset(io::DatasetSpec::parse("images:" + path));
  for (std::int64_t id = 0; id < dataset->size(); ++id) {
    if (dataset->key(id).empty()) fuzz::report("an example without a key", path);
    for (const auto& part : dataset->files(id)) fuzz::touch(std::as_bytes(std::span(part.bytes)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  file.assign({data, size});
  fuzz::expect_refusal_or_success(file.path(), [] { read_index(file.path()); });
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
