// Manifests: lists of files and labels as CSV and JSONL.
#include "fuzz.hpp"
#include "io/manifest.hpp"
#include "memory_file.hpp"

namespace {

using namespace winnow;

void read(const std::string& path, const std::string& label_column) {
  const io::Manifest manifest = io::read_manifest(path, label_column);
  const std::size_t n = manifest.paths.size();
  if (n == 0 || manifest.lines.size() != n ||
      (!manifest.labels.empty() && manifest.labels.size() != n)) {
    fuzz::report("columns of different lengths", path);
  }
  if (!label_column.empty() && manifest.labels.empty()) fuzz::report("no label column", path);
  io::manifest_labels(manifest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  static fuzz::MemoryFolder folder;
  static const std::string csv = folder.link("manifest.csv", file);
  static const std::string jsonl = folder.link("manifest.jsonl", file);
  file.assign({data, size});
  const std::string& path = size > 0 && data[0] == '{' ? jsonl : csv;
  fuzz::expect_refusal_or_success(path, [&] { read(path, ""); });
  fuzz::expect_refusal_or_success(path, [&] { read(path, "class"); });
  return 0;
}
