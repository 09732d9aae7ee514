#include "core/mapping.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/parallel.hpp"

// Files that shrink while they are mapped.

namespace winnow {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TempFolder;
using testing::Threads;

const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

/// A file of `pages` pages full of 'x'.
fs::path put_pages(const fs::path& path, std::size_t pages) {
  std::ofstream(path) << std::string(pages * page, 'x');
  return path;
}

std::size_t count_x(std::span<const std::byte> bytes) {
  return static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), std::byte{'x'}));
}

TEST(Mapping, ACutFileIsAnErrorAndNoSignal) {
  const TempFolder folder;
  const MappedFile file(put_pages(folder / "a.npy", 16));
  EXPECT_EQ(count_x(file.bytes()), 16 * page);
  EXPECT_NO_THROW(file.require_intact());
  fs::resize_file(folder / "a.npy", 3 * page);
  EXPECT_EQ(count_x(file.bytes().first(3 * page)), 3 * page);
  EXPECT_NO_THROW(file.require_intact()) << "nothing that is lost was read";
  EXPECT_EQ(count_x(file.bytes()), 3 * page) << "zeros in place of what is lost";
  expect_error<BadFile>(
      [&] { file.require_intact(); },
      {(folder / "a.npy").string(), "shrank or vanished", std::to_string(16 * page) + " bytes"});
}

TEST(Mapping, EveryThreadMayBeTheOneThatMeetsIt) {
  const TempFolder folder;
  const MappedFile file(put_pages(folder / "a", 64));
  fs::resize_file(folder / "a", page);
  std::vector<std::size_t> counts(8);
  std::vector<std::thread> threads;
  for (auto& count : counts) threads.emplace_back([&] { count = count_x(file.bytes()); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counts, std::vector<std::size_t>(8, page));
  EXPECT_THROW(file.require_intact(), BadFile);
}

TEST(Mapping, TheErrorComesOutOfParallelBlocks) {
  const TempFolder folder;
  const MappedFile file(put_pages(folder / "a", 64));
  fs::resize_file(folder / "a", 10 * page);
  const Threads threads(4);
  expect_error<BadFile>(
      [&] {
        std::vector<std::size_t> counts(64);
        parallel_blocks(64, silent(), [&](std::int64_t block) {
          counts[block] =
              file.intact([&] { return count_x(file.bytes().subspan(block * page, page)); });
        });
        ADD_FAILURE() << std::accumulate(counts.begin(), counts.end(), std::size_t{0}) / page
                      << " pages were there";
      },
      {"shrank"});
}

TEST(Mapping, OnlyTheCutFileOfManyIsDamaged) {
  const TempFolder folder;
  std::vector<MappedFile> files;
  for (int i = 0; i < 300; ++i) {  // more than a chunk of the registry holds; the vector moves them
    files.emplace_back(put_pages(folder / std::to_string(i), 2));
  }
  fs::resize_file(folder / "257", 0);
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(count_x(files[i].bytes()), i == 257 ? 0 : 2 * page) << i;
    if (i == 257) {
      EXPECT_THROW(files[i].require_intact(), BadFile);
    } else {
      EXPECT_NO_THROW(files[i].require_intact()) << i;
    }
  }
}

TEST(Mapping, DamageMovesWithTheMap) {
  const TempFolder folder;
  MappedFile cut(put_pages(folder / "cut", 2));
  MappedFile whole(put_pages(folder / "whole", 2));
  fs::resize_file(folder / "cut", 0);
  EXPECT_EQ(count_x(cut.bytes()), 0U);
  std::swap(cut, whole);
  EXPECT_NO_THROW(cut.require_intact());
  EXPECT_THROW(whole.require_intact(), BadFile);
  const MappedFile moved(std::move(whole));
  EXPECT_THROW(moved.require_intact(), BadFile);
}

TEST(Mapping, AddressesAreUsedAgainWithoutTheirPast) {
  const TempFolder folder;
  put_pages(folder / "whole", 4);
  for (int i = 0; i < 20; ++i) {
    {
      const MappedFile cut(put_pages(folder / "cut", 4));
      fs::resize_file(folder / "cut", page);
      EXPECT_EQ(count_x(cut.bytes()), page);
    }
    const MappedFile whole(folder / "whole");
    EXPECT_EQ(count_x(whole.bytes()), 4 * page);
    EXPECT_NO_THROW(whole.require_intact());
  }
}

TEST(Mapping, ALengthThatIsNoMultipleOfThePageIsCovered) {
  const TempFolder folder;
  write_file(folder / "a", std::string(page + 1, 'x'));
  const MappedFile file(folder / "a");
  fs::resize_file(folder / "a", 0);
  EXPECT_EQ(count_x(file.bytes().last(1)), 0U);
  EXPECT_THROW(file.require_intact(), BadFile);
}

TEST(Mapping, IntactPrefersTheDamageToWhatItCaused) {
  const TempFolder folder;
  const MappedFile file(put_pages(folder / "a", 2));
  const auto parse = [&] {
    if (count_x(file.bytes()) != 2 * page) throw InvalidArgument("not what it should be");
    return 7;
  };
  EXPECT_EQ(file.intact(parse), 7);
  expect_error<InvalidArgument>([&] { file.intact([] { throw InvalidArgument("own"); }); },
                                {"own"});
  fs::resize_file(folder / "a", 0);
  expect_error<BadFile>([&] { file.intact(parse); }, {"shrank"});
}

/// Within its last page a cut file gives zeros without a signal: only its length tells.
TEST(Mapping, ChangesWithoutASignalAreFoundAtTheEnd) {
  const TempFolder folder;
  write_file(folder / "a", std::string(100, 'x'));
  const MappedFile file(folder / "a");
  EXPECT_NO_THROW(file.require_unchanged());
  fs::resize_file(folder / "a", 60);
  EXPECT_EQ(count_x(file.bytes()), 60U);
  EXPECT_NO_THROW(file.require_intact());
  expect_error<BadFile>([&] { file.require_unchanged(); }, {"shrank", "100 bytes"});
}

TEST(Mapping, AFileThatIsWrittenAgainInPlaceIsFoundByItsTime) {
  const TempFolder folder;
  write_file(folder / "a", "before");
  const timespec times[2] = {{0, UTIME_OMIT}, {1'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder / "a").c_str(), times, 0), 0);
  const MappedFile file(folder / "a");
  const int descriptor = ::open((folder / "a").c_str(), O_WRONLY);
  ASSERT_EQ(::write(descriptor, "after!", 6), 6);
  ::close(descriptor);
  expect_error<BadFile>([&] { file.require_unchanged(); }, {"was written to"});
}

TEST(Mapping, AFileThatIsReplacedOrRemovedStaysAsItWas) {
  const TempFolder folder;
  write_file(folder / "a", "before");
  const MappedFile file(folder / "a");
  write_file(folder / "a", "new");  // by rename
  EXPECT_NO_THROW(file.require_unchanged());
  fs::remove(folder / "a");
  EXPECT_NO_THROW(file.require_unchanged());
  EXPECT_EQ(static_cast<char>(file.bytes()[0]), 'b');
}

TEST(Mapping, ReadFileNamesAFileThatEndsEarly) {
  const fs::path short_file = "/sys/kernel/mm/transparent_hugepage/enabled";  // claims a page
  std::error_code ignored;
  if (fs::file_size(short_file, ignored) != page) GTEST_SKIP() << "no such file here";
  expect_error<BadFile>([&] { read_file(short_file); }, {short_file.string(), "shrank"});
}

/// Reads a page beyond the end of a file that MappedFile knows nothing of.
void read_foreign_memory(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  void* address = ::mmap(nullptr, 2 * page, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED || ::truncate(path.c_str(), 0) != 0) ::_exit(3);
  [[maybe_unused]] const char byte = *static_cast<volatile char*>(address);
}

void exit_with_42(int /*signal*/) { ::_exit(42); }

class MappingDeathTest : public ::testing::Test {
 protected:
  // A new process for each, in which no file was mapped yet.
  MappingDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(MappingDeathTest, SignalsOfOtherMemoryStillKill) {
  const TempFolder folder;
  put_pages(folder / "a", 2);
  EXPECT_EXIT(
      {
        std::signal(SIGBUS, SIG_DFL);  // a sanitizer has its own
        const MappedFile ours(folder / "a");
        read_foreign_memory(put_pages(folder / "b", 2));
      },
      ::testing::KilledBySignal(SIGBUS), "");
}

TEST_F(MappingDeathTest, SignalsThatAreSentStillKill) {
  const TempFolder folder;
  put_pages(folder / "a", 2);
  EXPECT_EXIT(
      {
        std::signal(SIGBUS, SIG_DFL);
        const MappedFile ours(folder / "a");
        ::raise(SIGBUS);
      },
      ::testing::KilledBySignal(SIGBUS), "");
}

TEST_F(MappingDeathTest, AnEarlierHandlerGetsThem) {
  const TempFolder folder;
  put_pages(folder / "a", 2);
  EXPECT_EXIT(
      {
        std::signal(SIGBUS, exit_with_42);
        const MappedFile ours(folder / "a");
        read_foreign_memory(put_pages(folder / "b", 2));
      },
      ::testing::ExitedWithCode(42), "");
}

/// A mapping that is gone is nobody's: its addresses may hold something else by now.
TEST_F(MappingDeathTest, AddressesOfAMapThatIsGoneAreForeign) {
  const TempFolder folder;
  EXPECT_EXIT(
      {
        std::signal(SIGBUS, exit_with_42);
        const void* before = nullptr;
        {
          const MappedFile gone(put_pages(folder / "a", 2));
          before = gone.bytes().data();
        }
        const int descriptor = ::open(put_pages(folder / "b", 2).c_str(), O_RDONLY);
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the address is all that counts
        void* address = ::mmap(const_cast<void*>(before), 2 * page, PROT_READ,
                               MAP_PRIVATE | MAP_FIXED_NOREPLACE, descriptor, 0);
        if (address == MAP_FAILED || ::truncate((folder / "b").c_str(), 0) != 0) ::_exit(3);
        [[maybe_unused]] const char byte = *static_cast<volatile char*>(address);
      },
      ::testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace winnow
