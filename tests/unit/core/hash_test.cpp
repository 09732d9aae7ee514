#include "winnow/core/hash.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/fingerprint.hpp"

namespace winnow {
namespace {

using testing::expect_error;

/// The bytes on which xxHash publishes its check values.
std::string sanity_bytes(std::size_t size) {
  std::string bytes;
  std::uint64_t generator = 2654435761U;
  for (std::size_t i = 0; i < size; ++i) {
    bytes += static_cast<char>(generator >> 56U);
    generator *= 11400714785074694797U;
  }
  return bytes;
}

const std::vector<std::pair<std::size_t, std::uint64_t>> published{
    {0, 0x2D06800538D394C2U},   {1, 0xC44BDFF4074EECDBU},   {6, 0x27B56A84CD2D7325U},
    {12, 0xA713DAF0DFBB77E7U},  {24, 0xA3FE70BF9D3510EBU},  {48, 0x397DA259ECBA1F11U},
    {80, 0xBCDEFBBB2C47C90AU},  {195, 0xCD94217EE362EC3AU}, {403, 0xCDEB804D65C6DEA4U},
    {512, 0x617E49599013CB6BU}, {2048, 0xDD59E2C3A5F038E0U}};

TEST(Hash, IsXxh3) {
  for (const auto& [size, digest] : published) {
    Hasher hasher;
    hasher.add(sanity_bytes(size));
    EXPECT_EQ(hasher.digest(), digest) << size << " bytes";
  }
}

TEST(Hash, DoesNotDependOnHowTheBytesArePieced) {
  const std::string bytes = sanity_bytes(2048);
  for (const std::size_t piece : {1U, 7U, 64U, 255U, 256U, 257U, 2000U}) {
    Hasher hasher;
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece) {
      hasher.add(std::string_view(bytes).substr(begin, piece));
      hasher.add(nullptr, 0);
    }
    EXPECT_EQ(hasher.digest(), 0xDD59E2C3A5F038E0U) << "pieces of " << piece;
  }
}

TEST(Hash, DigestMayBeTakenOnTheWayAndMoved) {
  Hasher hasher;
  EXPECT_EQ(hasher.digest(), 0x2D06800538D394C2U);
  hasher.add(sanity_bytes(12).substr(0, 5));
  hasher.digest();
  Hasher moved = std::move(hasher);
  moved.add(sanity_bytes(12).substr(5));
  EXPECT_EQ(moved.digest(), 0xA713DAF0DFBB77E7U);
}

TEST(Hash, TextHasSixteenDigits) {
  EXPECT_EQ(hash_text(0xABCU), "xxh3:0000000000000abc");
  EXPECT_EQ(hash_text(~0ULL), "xxh3:ffffffffffffffff");
}

TEST(Fingerprint, ReadsItsOwnText) {
  for (const std::uint64_t value : {0ULL, 1ULL, 0x0123456789abcdefULL, ~0ULL}) {
    const Fingerprint fingerprint(value);
    EXPECT_EQ(Fingerprint::parse(fingerprint.text()), fingerprint);
  }
  EXPECT_FALSE(Fingerprint::parse("").known());
  EXPECT_FALSE(Fingerprint::parse("unknown").known());
  EXPECT_EQ(Fingerprint().text(), "unknown");
}

TEST(Fingerprint, RejectsAnyOtherText) {
  for (const char* text :
       {"xxh3:", "xxh3:12", "0123456789abcdef", "xxh3:0123456789abcdeg", "xxh3:0123456789abcdef0",
        "xxh3:-123456789abcdef", "XXH3:0123456789abcdef", "xxh3:0123456789abcde ", "Unknown"}) {
    expect_error<BadFile>([&] { Fingerprint::parse(text); }, {text, "16 hex digits"});
  }
}

TEST(Fingerprint, TheUnknownMatchesAny) {
  const Fingerprint one(1);
  const Fingerprint two(2);
  const Fingerprint unknown;
  EXPECT_TRUE(one.matches(one));
  EXPECT_FALSE(one.matches(two));
  EXPECT_TRUE(one.matches(unknown));
  EXPECT_TRUE(unknown.matches(two));
  EXPECT_TRUE(unknown.matches(unknown));
  EXPECT_EQ(known_of(unknown, two), two);
  EXPECT_EQ(known_of(one, two), one);
}

TEST(Fingerprint, ArtifactsOfTwoDatasetsDoNotMix) {
  EXPECT_NO_THROW(require_same_dataset(Fingerprint(1), "a.npy", Fingerprint(1), "b.npy"));
  EXPECT_NO_THROW(require_same_dataset(Fingerprint(1), "a.npy", Fingerprint(), "b.npy"));
  expect_error<DatasetMismatch>(
      [] { require_same_dataset(Fingerprint(1), "a.npy", Fingerprint(2), "b.npy"); },
      {"a.npy", "xxh3:0000000000000001", "b.npy", "xxh3:0000000000000002", "different datasets"});
}

}  // namespace
}  // namespace winnow
