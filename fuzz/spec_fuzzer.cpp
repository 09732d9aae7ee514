// Dataset specs: what parses can be written and parsed again.
#include "fuzz.hpp"
#include "winnow/io/dataset.hpp"

namespace {

using namespace winnow;

void require_same(const io::DatasetSpec& a, const io::DatasetSpec& b) {
  if (a.kind != b.kind || a.location != b.location || a.labels != b.labels ||
      a.label_column != b.label_column || a.split != b.split || !(a.reading == b.reading)) {
    fuzz::report("parsed again, the spec is another one", a.text + " and " + b.text);
  }
}

void parse(const std::string& text) {
  const io::DatasetSpec spec = io::DatasetSpec::parse(text);
  require_same(spec, io::DatasetSpec::parse(spec.text));
  if (spec.kind == "npy") return;
  const io::DatasetSpec test = spec.with_split("test");
  if (test.split != "test") fuzz::report("split", test.text);
  require_same(test, io::DatasetSpec::parse(test.text));
  require_same(spec, test.with_split(spec.split));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find('\0') != std::string::npos) return 0;  // no command line has one
  fuzz::expect_refusal_or_success(text, [&] { parse(text); });
  return 0;
}
