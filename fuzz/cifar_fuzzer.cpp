// CIFAR-10 and CIFAR-100: records of the binary version, and the file of class names.
#include <array>
#include <vector>

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "winnow/io/dataset.hpp"

namespace {

using namespace winnow;

void read(const std::string& spec) {
  const auto dataset = io::open_dataset(io::DatasetSpec::parse(spec));
  const std::int64_t last = dataset->size() - 1;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(dataset->image_shape().size()));
  dataset->read_images({&last, 1}, pixels);
  if (dataset->labels().size() != static_cast<std::size_t>(dataset->size())) {
    fuzz::report("labels of another length", spec);
  }
}

/// Folders in which the input stands for every file of records, or for the class names.
struct Folders {
  fuzz::MemoryFile input;
  fuzz::MemoryFile one_record;
  fuzz::MemoryFolder records;
  fuzz::MemoryFolder names;

  Folders() {
    one_record.assign(std::array<std::uint8_t, 3073>{});
    for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                             "data_batch_4.bin", "data_batch_5.bin", "train.bin"}) {
      records.link(name, input);
    }
    names.link("test_batch.bin", one_record);
    names.link("batches.meta.txt", input);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Folders folders;
  folders.input.assign({data, size});
  const std::string records = folders.records.path();
  const std::string names = folders.names.path();
  fuzz::expect_refusal_or_success(records, [&] { read("cifar10:" + records); });
  fuzz::expect_refusal_or_success(records, [&] { read("cifar100:" + records + ",image-size=8"); });
  fuzz::expect_refusal_or_success(names, [&] { read("cifar10:" + names + "#test"); });
  return 0;
}
