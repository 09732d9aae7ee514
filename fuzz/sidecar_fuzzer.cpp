// JSON that winnow reads back: sidecars and run.json.
#include "fuzz.hpp"
#include "io/sidecar.hpp"
#include "memory_file.hpp"
#include "winnow/core/run.hpp"

using namespace winnow;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  static fuzz::MemoryFolder folder;
  static const std::string sidecar = folder.link("scores.json", file);
  static const std::string run = folder.link("run.json", file);
  file.assign({data, size});
  fuzz::expect_refusal_or_success(sidecar, [] {
    const io::Sidecar found = io::load_sidecar(folder.path() + "/scores.npy");
    if (found.n < 0) fuzz::report("a negative number of rows", sidecar);
    io::require_sidecar_rows(found, folder.path() + "/scores.npy", 3);
  });
  fuzz::expect_refusal_or_success(run, [] { read_run(folder.path()); });
  return 0;
}
