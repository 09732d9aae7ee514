// IDX, plain and gzip, as images and as labels.
#include "fuzz.hpp"
#include "io/idx.hpp"
#include "memory_file.hpp"
#include "repair.hpp"

using namespace winnow;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  file.assign({data, size});
  for (const int n_dims : {1, 3}) {
    fuzz::expect_refusal_or_success(file.path(), [&] {
      const io::IdxFile idx(file.path(), n_dims);
      fuzz::touch(idx.values());
    });
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return seed % 4 == 0 ? LLVMFuzzerMutate(data, size, max_size)
                       : fuzz::mutate_gzip(data, size, max_size);
}
