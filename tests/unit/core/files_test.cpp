#include "winnow/core/files.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TempFolder;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

using Names = std::vector<std::string>;

TEST(AtomicFile, AppearsOnlyOnceCommitted) {
  const TempFolder folder;
  {
    AtomicFile file(folder / "a.txt");
    file.write("half");
    EXPECT_FALSE(fs::exists(folder / "a.txt"));
    file.write(" and half");
    file.commit();
    EXPECT_EQ(read_file(folder / "a.txt"), "half and half");
  }
  EXPECT_EQ(names_in(folder.path()), Names{"a.txt"});
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TempFolder folder;
  { AtomicFile(folder / "new.txt").write("never seen"); }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  write_file(folder / "old.txt", "old");
  { AtomicFile(folder / "old.txt").write("never seen"); }
  EXPECT_EQ(read_file(folder / "old.txt"), "old");
  EXPECT_EQ(names_in(folder.path()), Names{"old.txt"});
}

TEST(AtomicFile, ReplacesWhatWasThere) {
  const TempFolder folder;
  write_file(folder / "a.txt", "a long old text");
  write_file(folder / "a.txt", "new");
  EXPECT_EQ(read_file(folder / "a.txt"), "new");
  EXPECT_EQ(names_in(folder.path()), Names{"a.txt"});
}

TEST(AtomicFile, MakesMissingFolders) {
  const TempFolder folder;
  write_file(folder / "x/y/z.txt", "");
  EXPECT_EQ(fs::file_size(folder / "x/y/z.txt"), 0U);
}

TEST(AtomicFile, HasTheRightsOfAnOrdinaryFile) {
  const TempFolder folder;
  const mode_t before = ::umask(022);
  write_file(folder / "a.txt", "a");
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat((folder / "a.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0644U);
}

TEST(AtomicFile, NamesWhatCannotBeWritten) {
  const TempFolder folder;
  write_file(folder / "file", "in the way");
  expect_error<WorkFailed>([&] { write_file(folder / "file/a.txt", "a"); },
                           {(folder / "file").string(), "Not a directory"});
  fs::create_directories(folder / "taken/inner");
  expect_error<WorkFailed>([&] { write_file(folder / "taken", "a"); },
                           {(folder / "taken").string(), "rename", "directory"});
  EXPECT_EQ(names_in(folder.path()), (Names{"file", "taken"}));
}

/// No file of this process grows beyond `bytes`, as on a disk without space.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(AtomicFile, AFullDiskLeavesTheOldFile) {
  const TempFolder folder;
  write_file(folder / "a.txt", "old");
  {
    const FileSizeLimit limit(1000);
    expect_error<WorkFailed>([&] { write_file(folder / "a.txt", std::string(5000, 'x')); },
                             {(folder / "a.txt").string(), "cannot write", "File too large"});
  }
  EXPECT_EQ(read_file(folder / "a.txt"), "old");
  EXPECT_EQ(names_in(folder.path()), Names{"a.txt"});
}

TEST(AtomicFile, AFailingRenameLeavesNoTemporary) {
  const TempFolder folder;
  AtomicFile file(folder / "a");
  fs::create_directories(folder / "a/inner");
  expect_error<WorkFailed>([&] { file.commit(); }, {(folder / "a").string(), "rename"});
}

TEST(RequireWritable, NamesTheFolderThatRefuses) {
  const TempFolder folder;
  EXPECT_NO_THROW(require_writable(folder / "new"));
  EXPECT_NO_THROW(require_writable(folder / "a/b/c.npy")) << "folders on the way can be made";
  EXPECT_NO_THROW(require_writable(folder.path()));
  if (::access(".", W_OK) == 0) {
    EXPECT_NO_THROW(require_writable("new-file-here"));
  }
  write_file(folder / "file", "");
  EXPECT_NO_THROW(require_writable(folder / "file")) << "it can be replaced";
  expect_error<WorkFailed>([&] { require_writable(folder / "file/a/b"); },
                           {(folder / "file/a/b").string(), "Not a directory"});
  EXPECT_TRUE(fs::is_empty(folder / "file"));
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  expect_error<WorkFailed>([&] { require_writable(folder / "x/y"); },
                           {(folder / "x/y").string(), "Permission denied"});
  fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST(MakeFolder, NamesWhatIsInTheWay) {
  const TempFolder folder;
  make_folder(folder / "a/b");
  make_folder(folder / "a/b");
  EXPECT_TRUE(fs::is_directory(folder / "a/b"));
  write_file(folder / "file", "");
  expect_error<WorkFailed>([&] { make_folder(folder / "file"); }, {(folder / "file").string()});
  expect_error<WorkFailed>([&] { make_folder(folder / std::string(300, 'n')); },
                           {"nnn", "File name too long"});
}

TEST(MappedFile, ShowsTheWholeFile) {
  const TempFolder folder;
  write_file(folder / "a.bin", std::string("ab\0d", 4));
  const MappedFile file(folder / "a.bin");
  ASSERT_EQ(file.bytes().size(), 4U);
  EXPECT_EQ(file.bytes()[1], std::byte{'b'});
  EXPECT_EQ(file.bytes()[2], std::byte{0});
  EXPECT_EQ(file.path(), folder / "a.bin");
}

TEST(MappedFile, AnEmptyFileIsAnEmptySpan) {
  const TempFolder folder;
  write_file(folder / "empty", "");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
  EXPECT_EQ(read_file(folder / "empty"), "");
}

TEST(MappedFile, MovesItsMap) {
  const TempFolder folder;
  write_file(folder / "a", "aaa");
  write_file(folder / "b", "b");
  MappedFile file(folder / "a");
  MappedFile other(std::move(file));
  EXPECT_EQ(other.bytes().size(), 3U);
  other = MappedFile(folder / "b");
  EXPECT_EQ(other.bytes().size(), 1U);
  EXPECT_EQ(other.path(), folder / "b");
}

TEST(MappedFile, NamesWhatCannotBeRead) {
  const TempFolder folder;
  expect_error<BadFile>([&] { MappedFile(folder / "none"); },
                        {(folder / "none").string(), "No such file"});
  expect_error<BadFile>([&] { MappedFile{folder.path()}; },
                        {folder.path().string(), "not a regular file"});
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_error<BadFile>([&] { MappedFile(folder / "pipe"); }, {"pipe", "not a regular file"});
}

TEST(ReadFile, RefusesWhatIsTooLarge) {
  const TempFolder folder;
  write_file(folder / "a", "12345");
  EXPECT_EQ(read_file(folder / "a", 5), "12345");
  expect_error<BadFile>([&] { read_file(folder / "a", 4); },
                        {(folder / "a").string(), "5 bytes", "at most 4"});
}

TEST(RequireNewOutput, KeepsWhatIsThere) {
  const TempFolder folder;
  EXPECT_NO_THROW(require_new_output(folder / "new", false));
  EXPECT_NO_THROW(require_new_output(folder.path(), false)) << "an empty folder is as good as none";
  write_file(folder / "a", "");
  EXPECT_NO_THROW(require_new_output(folder / "a", true));
  expect_error<OutputExists>([&] { require_new_output(folder / "a", false); },
                             {(folder / "a").string(), "--force"});
  expect_error<OutputExists>([&] { require_new_output(folder.path(), false, true); },
                             {"--force", "--resume"});
}

}  // namespace
}  // namespace winnow
