// Label files: CSV and .npy.
#include <algorithm>

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "winnow/io/arrays.hpp"

namespace {

using namespace winnow;

void read(const std::string& path) {
  const io::Labels labels = io::read_labels(path);
  const auto classes = static_cast<std::int32_t>(labels.class_names.size());
  const auto bad = std::find_if(labels.values.begin(), labels.values.end(),
                                [&](std::int32_t label) { return label < 0 || label >= classes; });
  if (labels.values.empty() || bad != labels.values.end()) fuzz::report("labels", path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  static fuzz::MemoryFolder folder;
  static const std::string csv = folder.link("labels.csv", file);
  static const std::string npy = folder.link("labels.npy", file);
  file.assign({data, size});
  fuzz::expect_refusal_or_success(csv, [&] { read(csv); });
  fuzz::expect_refusal_or_success(npy, [&] { read(npy); });
  return 0;
}
