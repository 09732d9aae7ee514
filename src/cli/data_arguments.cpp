#include "cli/data_arguments.hpp"

#include "cli/command.hpp"

namespace winnow::cli {

void DataArguments::resolve() {
  reading.validate();
  for (std::string* spec : {&data, &test_data}) {
    if (!spec->empty()) *spec = io::DatasetSpec::parse(*spec).with_reading(reading).text;
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
