#pragma once

#include <filesystem>
#include <memory>

#include "winnow/io/dataset.hpp"

namespace winnow::selection {

/// A tar of kept files, written through AtomicFile.
class TarWriter {
 public:
  /// @param ascii  Whether all names are; others need a pax header an entry to be stored as bytes,
  ///               whatever the locale.
  TarWriter(const std::filesystem::path& target, bool ascii);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  /// @throws BadFile a second file of that name; WorkFailed.
  void add(const io::ExampleFile& kept);
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace winnow::selection
