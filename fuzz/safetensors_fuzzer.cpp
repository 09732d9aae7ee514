// .safetensors: header, and values read as float. What can be read is written and read again.
#include <algorithm>

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "winnow/io/safetensors.hpp"

namespace {

using namespace winnow;

void read_values(const io::SafetensorsFile& file) {
  for (const auto& tensor : file.tensors()) {
    if (file.find(tensor.name) != &tensor) fuzz::report("a tensor without its name", tensor.name);
    fuzz::touch(tensor.bytes);
    fuzz::expect_refusal_or_success(file.path().string(), [&] { file.read(tensor); });
  }
}

/// Writer and reader agree about every file that the reader takes.
void write_again(const io::SafetensorsFile& file) {
  static const testing::TempFolder folder;
  const auto path = folder / "again.safetensors";
  io::write_safetensors(path, file.tensors(), file.metadata());
  const io::SafetensorsFile again(path);
  if (again.metadata() != file.metadata() || again.tensors().size() != file.tensors().size()) {
    fuzz::report("another header after writing", path.string());
  }
  for (const auto& tensor : file.tensors()) {
    const io::TensorView& other = again.at(tensor.name);
    if (other.describe() != tensor.describe() || !std::ranges::equal(other.bytes, tensor.bytes)) {
      fuzz::report("another tensor after writing", tensor.name);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  file.assign({data, size});
  fuzz::expect_refusal_or_success(file.path(), [&] {
    const io::SafetensorsFile read(file.path());
    read_values(read);
    write_again(read);
  });
  return 0;
}
