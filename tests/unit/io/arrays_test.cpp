#include "winnow/io/arrays.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "io/natural_order.hpp"
#include "io/sidecar.hpp"
#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_of(const std::vector<fs::path>& paths) {
  std::vector<std::string> names;
  for (const auto& path : paths) names.push_back(path.filename().string());
  return names;
}

std::vector<float> values_of(const Matrix<float>& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

std::vector<float> ramp(std::int64_t n) {
  std::vector<float> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

/// XXH3 of the whole file at once.
std::string hash_of(const fs::path& path) {
  Hasher hasher;
  hasher.add(bytes_of(path));
  return hash_text(hasher.digest());
}

class Threads {
 public:
  explicit Threads(int count) { set_thread_count(count); }
  ~Threads() { set_thread_count(omp_get_num_procs()); }
};

const std::vector<std::string> shard_names = {"part-1.npy", "part-2.npy", "part-10.npy"};

TEST(NaturalOrder, ComparesNumbersAsNumbers) {
  EXPECT_TRUE(natural_less("part-2", "part-10"));
  EXPECT_FALSE(natural_less("part-10", "part-2"));
  EXPECT_TRUE(natural_less("part-2", "part-02a"));
  EXPECT_TRUE(natural_less("a1b2", "a1b10"));
  EXPECT_TRUE(natural_less("a", "a0"));
  EXPECT_TRUE(natural_less("9", "a"));
  EXPECT_TRUE(natural_less("x99999999999999999999", "x100000000000000000000"));
  EXPECT_FALSE(natural_less("same7", "same7"));
  EXPECT_NE(natural_less("a01", "a1"), natural_less("a1", "a01"));
}

TEST(Shards, FoldersAndGlobsComeInNaturalOrder) {
  const std::string folder = fixture("npy/shards").string();
  EXPECT_EQ(names_of(expand_shards(folder)), shard_names);
  EXPECT_EQ(names_of(expand_shards(folder + "/part-*.npy")), shard_names);
  EXPECT_EQ(names_of(expand_shards(folder + "/part-?.npy")),
            (std::vector<std::string>{"part-1.npy", "part-2.npy"}));
}

TEST(Shards, CommaListsKeepTheirOrder) {
  const std::string folder = fixture("npy/shards").string();
  EXPECT_EQ(names_of(expand_shards(folder + "/part-10.npy," + folder + "/part-1.npy")),
            (std::vector<std::string>{"part-10.npy", "part-1.npy"}));
}

TEST(Shards, AFileMayHaveACommaOrAStarInItsName) {
  const TempFolder folder;
  for (const char* name : {"a,b.npy", "a*.npy"}) {
    put(folder / name, "");
    EXPECT_EQ(names_of(expand_shards((folder / name).string())), std::vector<std::string>{name});
  }
}

TEST(Shards, NothingThereIsAnError) {
  const TempFolder folder;
  expect_error<BadFile>([&] { expand_shards(folder.text()); }, {folder.text(), "no .npy file"});
  expect_error<BadFile>([&] { expand_shards(folder.text() + "/*.npy"); }, {"no file matches"});
  expect_error<BadFile>([&] { expand_shards(folder.text() + "/x.npy"); },
                        {"x.npy", "no such file"});
  expect_error<BadFile>([&] { expand_shards(""); }, {"no such file"});
}

TEST(Embeddings, ReadsEveryRealDtypeAndOrder) {
  for (const char* name : {"float16", "float32", "float64", "int8", "uint8", "int64", "version-3",
                           "fortran-float16", "fortran-float64"}) {
    const fs::path path = fixture("npy/" + std::string(name) + ".npy");
    const Embeddings read = read_embeddings(path.string());
    EXPECT_EQ(read.rows.rows(), 4) << name;
    EXPECT_EQ(read.rows.cols(), 3) << name;
    EXPECT_EQ(values_of(read.rows), ramp(12)) << name;
    ASSERT_EQ(read.inputs.size(), 1U);
    EXPECT_EQ(read.inputs[0].path, path.string());
    EXPECT_EQ(read.inputs[0].hash, hash_of(path)) << name;
    EXPECT_FALSE(read.fingerprint.known());
  }
}

TEST(Embeddings, JoinsShards) {
  const Embeddings read = read_embeddings(fixture("npy/shards").string());
  EXPECT_EQ(read.rows.rows(), 6);
  EXPECT_EQ(values_of(read.rows), ramp(12));
  ASSERT_EQ(read.inputs.size(), 3U);
  EXPECT_EQ(read.inputs[2].hash, hash_of(fixture("npy/shards/part-10.npy")));
}

/// Larger than what one task hashes in Fortran order (64 MiB), so that every seam is crossed.
TEST(Embeddings, SameBitsForAnyNumberOfThreads) {
  const TempFolder folder;
  constexpr std::int64_t n = 70000;
  constexpr std::int64_t d = 257;
  std::vector<float> values(n * d);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 16777213);
  const std::string_view data(reinterpret_cast<const char*>(values.data()), 4 * values.size());
  put(folder / "c.npy",
      npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (70000, 257)}", data));
  put(folder / "f.npy",
      npy_bytes("{'descr': '<f4', 'fortran_order': True, 'shape': (257, 70000)}", data));
  for (const int count : {1, 3}) {
    const Threads threads(count);
    const Embeddings c = read_embeddings((folder / "c.npy").string());
    EXPECT_EQ(values_of(c.rows), values);
    EXPECT_EQ(c.inputs[0].hash, hash_of(folder / "c.npy"));
    const Embeddings f = read_embeddings((folder / "f.npy").string());
    EXPECT_EQ(f.inputs[0].hash, hash_of(folder / "f.npy"));
    for (std::int64_t i = 0; i < n; i += 97) {
      for (std::int64_t j = 0; j < d; ++j) ASSERT_EQ(f.rows(j, i), values[i * d + j]);
    }
  }
}

/// img_emb_2 comes before img_emb_10; make_shard_fixtures.py tells the values.
TEST(Embeddings, ReadsTheShardsOfClipRetrieval) {
  for (const int count : {1, 3}) {
    const Threads threads(count);
    for (const char* name : {"img_emb", "img_emb/", "img_emb/img_emb_*.npy"}) {
      const Embeddings read = read_embeddings(fixture(name).string());
      ASSERT_EQ(read.rows.rows(), 31) << name;
      ASSERT_EQ(read.rows.cols(), 5) << name;
      for (std::int64_t i = 0; i < read.rows.size(); ++i) {
        ASSERT_EQ(read.rows.data()[i], static_cast<float>(i) / 8) << name;
      }
      ASSERT_EQ(read.inputs.size(), 16U);
      for (int shard = 0; shard < 16; ++shard) {
        const fs::path path = fixture(fmt::format("img_emb/img_emb_{}.npy", shard));
        EXPECT_EQ(fs::path(read.inputs[shard].path).filename(), path.filename()) << name;
        EXPECT_EQ(read.inputs[shard].hash, hash_of(path));
      }
    }
  }
}

TEST(Embeddings, ShardsThatDoNotFitAreNamedBesideTheFirst) {
  const std::string folder = fixture("img_emb").string();
  expect_error<BadFile>(
      [&] { read_embeddings(folder + "," + fixture("img_emb_float32.npy").string()); },
      {"img_emb_float32.npy: [2, 5] float32", "img_emb_0.npy is [1, 5] float16", "dtype"});
  expect_error<BadFile>(
      [&] { read_embeddings(folder + "," + fixture("img_emb_wide.npy").string()); },
      {"img_emb_wide.npy: [2, 6] float16", "img_emb_0.npy is [1, 5] float16", "width"});
}

TEST(Embeddings, NonFiniteValuesAreNamed) {
  const TempFolder folder;
  const auto fails = [&](const std::string& bytes, const std::string& found) {
    const auto path = put(folder / "emb.npy", bytes);
    expect_error<NonFiniteInput>([&] { read_embeddings(path.string()); }, {"emb.npy: " + found});
  };
  const float inf = std::numeric_limits<float>::infinity();
  fails(npy_bytes<float>("<f4", "(2, 3)", {0, 1, 2, 3, NAN, inf}),
        "row 1 column 1 is NaN; expected finite values");
  fails(npy_bytes<float>("<f4", "(2, 3)", {0, 1, -inf, 3, NAN, 5}), "row 0 column 2 is -Inf");
  fails(npy_bytes<std::uint16_t>("<f2", "(1, 2)", {0x3C00, 0x7C00}), "row 0 column 1 is Inf");
  fails(npy_bytes<double>("<f8", "(2, 1)", {1, 1e39}), "row 1 column 0 is 1e+39, which overflows");
  const std::vector<float> columns = {0,   1, NAN,
                                      inf, 4, 5};  // [3, 2]: NaN at (2, 0), Inf at (0, 1)
  fails(npy_bytes("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2)}",
                  {reinterpret_cast<const char*>(columns.data()), 24}),
        "row 0 column 1 is Inf");
}

TEST(Embeddings, NonFiniteRowsAreCountedWithinTheShard) {
  const TempFolder folder;
  put(folder / "1.npy", npy_bytes<float>("<f4", "(2, 1)", {0, 1}));
  put(folder / "2.npy", npy_bytes<float>("<f4", "(2, 1)", {0, NAN}));
  expect_error<NonFiniteInput>([&] { read_embeddings(folder.text()); },
                               {"2.npy: row 1 column 0 is NaN"});
}

TEST(Embeddings, WrongShapesAreErrors) {
  const auto fails = [](const char* name, const char* found) {
    expect_error<BadFile>([&] { read_embeddings(fixture(name).string()); }, {name, found});
  };
  fails("npy/vector.npy", "[5] int32; expected a two-dimensional array");
  fails("npy/cube.npy", "[2, 3, 4] uint8; expected a two-dimensional array");
  fails("npy/no-rows.npy", "at least one row");
  const TempFolder folder;
  const auto wide = put(folder / "wide.npy", npy_bytes<float>("<f4", "(1, 2)", {0, 1}));
  const auto narrow = put(folder / "narrow.npy", npy_bytes<float>("<f4", "(2, 1)", {0, 1}));
  const auto half = put(folder / "half.npy", npy_bytes<std::uint16_t>("<f2", "(1, 2)", {0, 1}));
  expect_error<BadFile>([&] { read_embeddings(wide.string() + "," + narrow.string()); },
                        {"narrow.npy: [2, 1]", "wide.npy is [1, 2]", "equal width"});
  expect_error<BadFile>([&] { read_embeddings(wide.string() + "," + half.string()); },
                        {"half.npy: [1, 2] float16", "wide.npy is [1, 2] float32"});
}

TEST(Embeddings, RoundTripWithFingerprint) {
  const TempFolder folder;
  Matrix<float> rows(3, 2);
  std::iota(rows.data(), rows.data() + 6, 0.0F);
  write_embeddings(folder / "emb.npy", rows, {{"encoder", "pixels"}}, Fingerprint(7));
  const Embeddings read = read_embeddings((folder / "emb.npy").string());
  EXPECT_EQ(values_of(read.rows), ramp(6));
  EXPECT_EQ(read.fingerprint, Fingerprint(7));
  const Json sidecar = read_sidecar(folder / "emb.npy");
  EXPECT_EQ(sidecar["encoder"], "pixels");
  EXPECT_EQ(sidecar["n"], 3);
  EXPECT_EQ(sidecar["d"], 2);
}

TEST(Embeddings, ASidecarOfAnotherArrayIsAnError) {
  const TempFolder folder;
  write_embeddings(folder / "emb.npy", Matrix<float>(3, 2), {}, Fingerprint(7));
  write_npy(folder / "emb.npy", Matrix<float>(4, 2));
  expect_error<BadFile>([&] { read_embeddings((folder / "emb.npy").string()); },
                        {"emb.npy: 4 rows", "emb.json", "n = 3"});
  put(folder / "emb.json", R"({"fingerprint": "md5:1"})");
  expect_error<BadFile>([&] { read_embeddings((folder / "emb.npy").string()); },
                        {"emb.json", "md5:1"});
  put(folder / "emb.json", R"({"n": "four"})");
  expect_error<BadFile>([&] { read_embeddings((folder / "emb.npy").string()); },
                        {"emb.json", "\"four\""});
}

TEST(Scores, RoundTrip) {
  const TempFolder folder;
  const Scores scores{{0.5, -1.0, 0.25}, Fingerprint(9), "el2n", {{"emb.npy", "xxh3:1"}}};
  write_scores(folder / "s.npy", scores, {{"seed", 3}});
  const Scores read = read_scores(folder / "s.npy");
  EXPECT_EQ(read.values, scores.values);
  EXPECT_EQ(read.fingerprint, Fingerprint(9));
  EXPECT_EQ(read.metric, "el2n");
  EXPECT_EQ(read.inputs[0].hash, hash_of(folder / "s.npy"));
  const Json sidecar = read_sidecar(folder / "s.npy");
  EXPECT_EQ(sidecar["direction"], "larger is harder");
  EXPECT_EQ(sidecar["n"], 3);
  EXPECT_EQ(sidecar["seed"], 3);
  EXPECT_EQ(sidecar["inputs"][0]["path"], "emb.npy");
}

TEST(Scores, APlainArrayHasNoFingerprint) {
  const Scores read = read_scores(fixture("npy/vector.npy"));
  EXPECT_EQ(read.values, (std::vector<double>{0, 1, 2, 3, 4}));
  EXPECT_FALSE(read.fingerprint.known());
  EXPECT_EQ(read.metric, "");
}

TEST(Scores, BadOnesAreErrors) {
  const TempFolder folder;
  const auto path = put(folder / "s.npy", npy_bytes<double>("<f8", "(3,)", {0, 1, NAN}));
  expect_error<NonFiniteInput>([&] { read_scores(path); }, {"s.npy: row 2 is NaN"});
  put(path, npy_bytes<double>("<f8", "(0,)", {}));
  expect_error<BadFile>([&] { read_scores(path); }, {"s.npy", "no scores"});
  expect_error<BadFile>([] { read_scores(fixture("npy/float64.npy")); },
                        {"float64.npy", "one-dimensional"});
  put(path, npy_bytes<double>("<f8", "(1,)", {1}));
  put(folder / "s.json", R"({"direction": "smaller is harder"})");
  expect_error<BadFile>([&] { read_scores(path); }, {"s.json", "smaller is harder"});
  put(folder / "s.json", "{");
  expect_error<BadFile>([&] { read_scores(path); }, {"s.json", "not JSON"});
}

TEST(Subset, RoundTrip) {
  const TempFolder folder;
  write_subset(folder / "keep.npy", {{0, 3, 9}, 10, Fingerprint(5), {}}, {{"policy", "hard"}});
  const Subset read = read_subset(folder / "keep.npy");
  EXPECT_EQ(read.ids, (std::vector<std::int64_t>{0, 3, 9}));
  EXPECT_EQ(read.dataset_size, 10);
  EXPECT_EQ(read.fingerprint, Fingerprint(5));
  const Json sidecar = read_sidecar(folder / "keep.npy");
  EXPECT_EQ(sidecar["kept"], 3);
  EXPECT_EQ(sidecar["policy"], "hard");
}

TEST(Subset, BadOnesAreErrors) {
  const TempFolder folder;
  const auto path = folder / "keep.npy";
  const auto fails = [&](const std::vector<std::int64_t>& ids, const std::string& found) {
    write_npy(path, ids);
    expect_error<BadFile>([&] { read_subset(path); }, {"keep.npy", found});
  };
  fails({0, 2, 1}, "row 2 is 1 after 2");
  fails({0, 2, 2}, "row 2 is 2 after 2");
  fails({-1, 2}, "row 0 is -1");
  fails({}, "no sample ids");
  put(folder / "keep.json", R"({"n": 5})");
  fails({0, 5}, "row 1 is 5, but");
  write_npy_bool(path, std::vector<std::uint8_t>{0, 1});
  expect_error<BadFile>([&] { read_subset(path); }, {"keep.npy", "a mask"});
  write_npy(path, std::vector<double>{0, 1});
  expect_error<BadFile>([&] { read_subset(path); }, {"keep.npy", "float64; expected integers"});
}

TEST(Artifacts, AFailedWriteLeavesTheSidecarAsItWas) {
  const TempFolder folder;
  write_subset(folder / "keep.npy", {{0}, 10, Fingerprint(5), {}}, {});
  const std::string before = bytes_of(folder / "keep.json");
  fs::remove(folder / "keep.npy");
  fs::create_directories(folder / "keep.npy" / "in the way");
  EXPECT_THROW(write_subset(folder / "keep.npy", {{1}, 10, Fingerprint(6), {}}, {}), WorkFailed);
  EXPECT_EQ(bytes_of(folder / "keep.json"), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2) << "a temporary stayed";
}

TEST(Artifacts, AnArrayNeverStandsBesideTheSidecarOfAnother) {
  const TempFolder folder;
  write_subset(folder / "keep.npy", {{0}, 10, Fingerprint(5), {}}, {});
  write_with_sidecar(folder / "keep.npy", {{"n", 20}}, [&] {
    EXPECT_FALSE(fs::exists(folder / "keep.json")) << "a kill at this point would leave it";
    write_npy(folder / "keep.npy", std::vector<std::int64_t>{1});
  });
  EXPECT_EQ(read_sidecar(folder / "keep.npy")["n"], 20);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2);
}

TEST(Length, MismatchNamesBoth) {
  EXPECT_NO_THROW(require_same_length(3, "a", 3, "b"));
  expect_error<DatasetMismatch>([] { require_same_length(10, "a.npy", 20, "y.csv"); },
                                {"a.npy has 10 rows, but y.csv has 20"});
}

}  // namespace
}  // namespace winnow::io
