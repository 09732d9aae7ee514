#include "selection/tar_writer.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <exception>
#include <unordered_set>
#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::selection {

namespace fs = std::filesystem;

/// libarchive calls back from C, so that errors wait in `failure` until its call has returned.
struct TarWriter::State {
  explicit State(const fs::path& path) : target(path), file(path) {}

  static la_ssize_t on_write(struct archive* /*handle*/, void* self, const void* bytes,
                             std::size_t size) {
    auto* state = static_cast<State*>(self);
    try {
      state->file.write(bytes, size);
      return static_cast<la_ssize_t>(size);
    } catch (...) {
      state->failure = std::current_exception();
      return -1;
    }
  }
  void check(int status) {
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
    if (status == ARCHIVE_OK) return;
    const char* reason = archive_error_string(archive.get());
    throw WorkFailed(fmt::format("{}: cannot write: {}", target.string(),
                                 reason == nullptr ? "unknown reason" : reason));
  }

  fs::path target;
  std::unordered_set<std::string> names;
  std::exception_ptr failure;
  AtomicFile file;
  // Destroyed first: freeing an archive that was not closed still calls on_write().
  std::unique_ptr<struct archive, decltype(&archive_write_free)> archive{archive_write_new(),
                                                                         &archive_write_free};
};

TarWriter::TarWriter(const fs::path& target, bool ascii) : state_(std::make_unique<State>(target)) {
  State& s = *state_;
  s.check(archive_write_set_format_pax_restricted(s.archive.get()));
  if (!ascii) s.check(archive_write_set_options(s.archive.get(), "hdrcharset=BINARY"));
  s.check(archive_write_open(s.archive.get(), &s, nullptr, &State::on_write, nullptr));
}

TarWriter::~TarWriter() = default;

void TarWriter::add(const io::ExampleFile& kept) {
  State& s = *state_;
  if (!s.names.insert(kept.name).second) {
    throw BadFile(fmt::format("{}: two kept examples would be called '{}'; rename one of them",
                              s.target.string(), kept.name));
  }
  std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                      &archive_entry_free);
  archive_entry_set_pathname(entry.get(), kept.name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(kept.bytes.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_uid(entry.get(), 0);
  archive_entry_set_gid(entry.get(), 0);
  s.check(archive_write_header(s.archive.get(), entry.get()));
  const la_ssize_t written =
      archive_write_data(s.archive.get(), kept.bytes.data(), kept.bytes.size());
  s.check(written == static_cast<la_ssize_t>(kept.bytes.size()) ? ARCHIVE_OK : ARCHIVE_FATAL);
}

void TarWriter::commit() {
  state_->check(archive_write_close(state_->archive.get()));
  state_->file.commit();
}

}  // namespace winnow::selection
