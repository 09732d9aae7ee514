#include "cli/data_arguments.hpp"

#include "cli/command.hpp"

namespace winnow::cli {

void DataArguments::resolve(std::int64_t default_image_size) {
  reading.validate();
  for (std::string* text : {&data, &test_data}) {
    if (text->empty()) continue;
    const auto spec = io::DatasetSpec::parse(*text);
    io::ReadingOptions wanted = reading;
    if (wanted.image_size == 0 && spec.reading.image_size == 0) {
      wanted.image_size = default_image_size;
    }
    *text = spec.with_reading(wanted).text;
  }
}

void bind_data(CLI::App& command, DataArguments& arguments, const std::string& help,
               const std::string& test_help) {
  command.add_option("--data", arguments.data, help)->type_name("SPEC");
  if (test_help.empty()) return;
  command.add_option("--test-data", arguments.test_data, test_help)->type_name("SPEC");
}

void bind_reading(CLI::App& command, DataArguments& arguments) {
  io::ReadingOptions::fields(
      arguments.reading, [&command]<class T>(T& value, const FieldInfo& info) {
        bind_option(command, value, info)->group("Reading images (also in a SPEC: ,NAME=VALUE)");
      });
}

}  // namespace winnow::cli
