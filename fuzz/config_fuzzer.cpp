// TOML files of --config.
#include "cli/config.hpp"
#include "fuzz.hpp"
#include "memory_file.hpp"

using namespace winnow;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  file.assign({data, size});
  fuzz::expect_refusal_or_success(file.path(), [] {
    const std::vector<std::string> typed = {"train", "--config", file.path(), "--keep=0.5"};
    const auto expanded =
        cli::expand_config(typed, 1, {"data", "keep", "seed", "threads", "force"});
    if (expanded.front() != typed.front() || expanded.back() != typed.back()) {
      fuzz::report("typed options are not last", expanded.back());
    }
  });
  return 0;
}
