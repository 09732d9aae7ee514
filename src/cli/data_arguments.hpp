#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "winnow/io/dataset.hpp"

namespace winnow::cli {

/// `--data` and `--test-data`, with how their images are read.
struct DataArguments {
  std::string data;
  std::string test_data;
  io::ReadingOptions reading;

  /// Writes the reading options into both specs, so that whatever opens them again, as the report
  /// does, reads the same. `default_image_size`: where neither option nor spec gives one.
  /// @throws InvalidArgument for bad options or specs.
  void resolve(std::int64_t default_image_size = 0);
};

/// What `--data` takes, for help.
inline constexpr const char* data_help =
    "Dataset: fashion-mnist, mnist:DIR, cifar10:DIR, cifar100:DIR, svhn:DIR, images:PATH (folder, "
    ".tar, 'shards-*.tar', manifest .csv or .jsonl) or npy:FILE; then ,labels=FILE and other "
    "options, then #train or #test.";

/// Declares `--data` and, unless its help is "", `--test-data`.
void bind_data(CLI::App& command, DataArguments& arguments, const std::string& help,
               const std::string& test_help);
/// Declares --image-size, --skip-unreadable, ... in a group of their own.
void bind_reading(CLI::App& command, DataArguments& arguments);

}  // namespace winnow::cli
