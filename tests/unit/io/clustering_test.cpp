#include "winnow/io/clustering.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <functional>
#include <limits>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;
using winnow::testing::matrix_of;
using winnow::testing::values_of;

Clustering three_rows() {
  return {.centroids = matrix_of(2, 2, {1.0F, 0.0F, 0.0F, 1.0F}),
          .assignment = {1, 0, 1},
          .distance = {0.25, 0.0, 2.0},
          .geometry = "spherical",
          .fingerprint = Fingerprint(7),
          .inputs = {{"emb.npy", "xxh3:0000000000000001"}}};
}

/// A written clustering; tests then spoil one of its files.
class ClusteringFolder : public ::testing::Test {
 protected:
  ClusteringFolder() { write_clustering(folder(), three_rows(), {{"objective", {0.75}}}); }

  fs::path folder() const { return temp_ / "clusters"; }
  fs::path file(const std::string& name) const { return folder() / name; }
  void edit(const std::function<void(Json&)>& change) const {
    Json json = read_json(file("clustering.json"));
    change(json);
    write_json(file("clustering.json"), json);
  }
  template <class E>
  void refuse(const std::vector<std::string>& mentions) const {
    expect_error<E>([this] { read_clustering(folder()); }, mentions);
  }

 private:
  TempFolder temp_;
};

TEST_F(ClusteringFolder, ComesBackAsItWas) {
  const Clustering read = read_clustering(folder());
  const Clustering wrote = three_rows();
  EXPECT_EQ(values_of(read.centroids), values_of(wrote.centroids));
  EXPECT_EQ(read.centroids.cols(), 2);
  EXPECT_EQ(read.assignment, wrote.assignment);
  EXPECT_EQ(read.distance, wrote.distance);
  EXPECT_EQ(read.geometry, "spherical");
  EXPECT_EQ(read.fingerprint, Fingerprint(7));
  ASSERT_EQ(read.inputs.size(), 3U);
  EXPECT_EQ(read.inputs[1].path, file("assignment.npy").string());
  EXPECT_TRUE(read.inputs[1].hash.starts_with("xxh3:"));
}

TEST_F(ClusteringFolder, FilesAreOfTheTypesPromised) {
  EXPECT_EQ(NpyFile(file("centroids.npy")).describe(), "[2, 2] float32");
  EXPECT_EQ(NpyFile(file("assignment.npy")).describe(), "[3] int32");
  EXPECT_EQ(NpyFile(file("distance.npy")).describe(), "[3] float64");
  const Json json = read_json(file("clustering.json"));
  EXPECT_EQ(json["kind"], "clustering");
  EXPECT_EQ(json["n"], 3);
  EXPECT_EQ(json["d"], 2);
  EXPECT_EQ(json["clusters"], 2);
  EXPECT_EQ(json["geometry"], "spherical");
  EXPECT_EQ(json["fingerprint"], Fingerprint(7).text());
  EXPECT_EQ(json["objective"][0], 0.75);
  EXPECT_EQ(json["inputs"][0]["path"], "emb.npy");
}

TEST_F(ClusteringFolder, MadeByNumPyWithAnyIntegerAndFloat) {
  write_npy(file("assignment.npy"), std::vector<std::int64_t>{1, 0, 1});
  write_npy(file("centroids.npy"), matrix_of(2, 1, {1.0F, 2.0F}).view());
  put(file("distance.npy"), npy_bytes<float>("<f4", "(3,)", {0.5F, 0.0F, 9.0F}));
  put(file("clustering.json"), R"({"kind": "clustering", "geometry": "euclidean"})");
  const Clustering read = read_clustering(folder());
  EXPECT_EQ(read.assignment, (std::vector<std::int32_t>{1, 0, 1}));
  EXPECT_EQ(read.distance, (std::vector<double>{0.5, 0.0, 9.0}));
  EXPECT_FALSE(read.fingerprint.known());
}

TEST_F(ClusteringFolder, WhatIsNoClustering) {
  expect_error<BadFile>([this] { read_clustering(file("none")); }, {"none", "no such folder"});
  fs::remove(file("clustering.json"));
  EXPECT_FALSE(is_clustering(folder()));
  refuse<BadFile>({"clusters", "no clustering.json", "winnow cluster"});
  put(file("clustering.json"), R"({"kind": "scores"})");
  refuse<BadFile>({"clustering.json", "\"scores\"", "expected \"clustering\""});
  put(file("clustering.json"), R"({"geometry": "spherical"})");
  refuse<BadFile>({"\"kind\" is nothing"});
  put(file("clustering.json"), R"({"kind": "clustering", "geometry": "flat"})");
  refuse<BadFile>({"clustering.json", "\"flat\"", "euclidean"});
}

TEST_F(ClusteringFolder, AMissingArrayIsNamed) {
  fs::remove(file("distance.npy"));
  refuse<BadFile>({"distance.npy"});
}

TEST_F(ClusteringFolder, CountsThatTheJsonDoesNotTell) {
  for (const char* key : {"n", "d", "clusters"}) {
    const Json before = read_json(file("clustering.json"))[key];
    edit([&](Json& json) { json[key] = 4; });
    refuse<BadFile>({"clustering.json", key, "is 4", "not written together"});
    edit([&](Json& json) { json[key] = before; });
  }
  EXPECT_NO_THROW(read_clustering(folder()));
}

TEST_F(ClusteringFolder, ShapesThatDisagree) {
  write_npy(file("distance.npy"), std::vector<double>{0.0, 1.0});
  refuse<BadFile>({"assignment.npy has 3 rows", "distance.npy has 2"});
  write_npy(file("distance.npy"), matrix_of(3, 1, {0.0F, 0.0F, 0.0F}).view());
  refuse<BadFile>({"distance.npy", "[3, 1] float32", "[n]"});
}

TEST_F(ClusteringFolder, AssignmentsOutOfRange) {
  write_npy(file("assignment.npy"), std::vector<std::int32_t>{1, 2, 0});
  refuse<BadFile>({"assignment.npy", "row 1 is 2", "[0, 2)"});
  write_npy(file("assignment.npy"), std::vector<std::int32_t>{1, 0, -1});
  refuse<BadFile>({"assignment.npy", "row 2 is -1"});
  write_npy(file("assignment.npy"), std::vector<double>{1, 0, 1});
  refuse<BadFile>({"assignment.npy", "float64", "integers"});
}

TEST_F(ClusteringFolder, NumbersThatCannotBe) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  write_npy(file("distance.npy"), std::vector<double>{0.0, nan, 1.0});
  refuse<NonFiniteInput>({"distance.npy", "row 1 is NaN"});
  write_npy(file("distance.npy"), std::vector<double>{0.0, 1.0, 2.5});
  refuse<BadFile>({"distance.npy", "row 2 is 2.5", "[0, 2]"});
  edit([](Json& json) { json["geometry"] = "euclidean"; });
  EXPECT_NO_THROW(read_clustering(folder()));
  write_npy(file("distance.npy"), std::vector<double>{-0.5, 1.0, 2.5});
  refuse<BadFile>({"distance.npy", "row 0 is -0.5"});
  const float inf = std::numeric_limits<float>::infinity();
  write_npy(file("centroids.npy"), matrix_of(2, 2, {1.0F, 0.0F, 0.0F, inf}).view());
  refuse<NonFiniteInput>({"centroids.npy", "row 1 column 1 is Inf"});
}

TEST_F(ClusteringFolder, CentroidsOfAnotherForm) {
  write_npy(file("centroids.npy"), std::vector<double>{1.0, 2.0});
  refuse<BadFile>({"centroids.npy", "[2] float64", "[k, d]"});
  put(file("centroids.npy"),
      npy_bytes("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}", std::string(16, '\0')));
  refuse<BadFile>({"centroids.npy", "Fortran", "ascontiguousarray"});
}

TEST_F(ClusteringFolder, WritingRefusesWhatReadingWould) {
  Clustering wrong = three_rows();
  wrong.geometry = "flat";
  expect_error<InvalidArgument>([&] { write_clustering(folder(), wrong, {}); }, {"'flat'"});
  wrong = three_rows();
  wrong.distance.pop_back();
  expect_error<InvalidArgument>([&] { write_clustering(folder(), wrong, {}); },
                                {"3 assignments and 2 distances"});
  EXPECT_EQ(read_clustering(folder()).distance, three_rows().distance);
}

/// Three rows in two clusters, these two in one.
std::vector<Clustering> two_levels() {
  Clustering top{.centroids = matrix_of(1, 2, {0.0F, 1.0F}),
                 .assignment = {0, 0},
                 .distance = {1.0, 0.0},
                 .geometry = "spherical",
                 .fingerprint = {},
                 .inputs = {}};
  return {three_rows(), std::move(top)};
}

TEST_F(ClusteringFolder, LevelsComeBackAsTheyWere) {
  EXPECT_EQ(read_hierarchy(folder()).size(), 1U);
  write_hierarchy(folder(), two_levels(), std::vector<Json>{{{"seed", 5}}, {{"seed", 6}}});
  const auto levels = read_hierarchy(folder());
  ASSERT_EQ(levels.size(), 2U);
  EXPECT_EQ(levels[0].assignment, three_rows().assignment);
  EXPECT_EQ(levels[1].distance, two_levels()[1].distance);
  EXPECT_EQ(read_json(file("clustering.json"))["levels"], Json({2, 1}));
  EXPECT_EQ(read_json(file("levels/1/clustering.json"))["seed"], 6);
  EXPECT_EQ(read_clustering(folder()).assignment, three_rows().assignment);
  write_clustering(folder(), three_rows(), {});
  EXPECT_FALSE(fs::exists(file("levels")));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder()), {}), 4);
}

TEST_F(ClusteringFolder, LevelsThatDoNotFit) {
  const std::vector<Json> details(2);
  auto levels = two_levels();
  levels[1].assignment.push_back(0);
  levels[1].distance.push_back(0.0);
  write_hierarchy(folder(), levels, details);
  expect_error<BadFile>([this] { read_hierarchy(folder()); },
                        {"levels/1", "3 rows of 2 numbers", "2 centroids of 2 numbers"});
  levels = two_levels();
  levels[1].geometry = "euclidean";
  write_hierarchy(folder(), levels, details);
  expect_error<BadFile>([this] { read_hierarchy(folder()); }, {"levels/1", "euclidean"});
  fs::remove_all(file("levels"));
  expect_error<BadFile>([this] { read_hierarchy(folder()); }, {"levels/1", "no such folder"});
}

/// No file may grow beyond a limit while alive.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, handler_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST_F(ClusteringFolder, FailingLeavesWhatWasThere) {
  Clustering larger = three_rows();
  larger.assignment.assign(100, 1);
  larger.distance.assign(100, 0.5);
  const FileLimit limit(600);  // enough for centroids and assignment, not for 100 distances
  expect_error<WorkFailed>([&] { write_clustering(folder(), larger, {}); }, {"distance.npy"});
  EXPECT_EQ(read_clustering(folder()).assignment, three_rows().assignment);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder()), {}), 4);
}

TEST_F(ClusteringFolder, FailingLeavesTheLevelsThatWereThere) {
  const std::vector<Json> details(2);
  write_hierarchy(folder(), two_levels(), details);
  auto larger = two_levels();
  larger[0].assignment.assign(100, 1);
  larger[0].distance.assign(100, 0.5);
  const FileLimit limit(600);
  expect_error<WorkFailed>([&] { write_hierarchy(folder(), larger, details); }, {"distance.npy"});
  EXPECT_EQ(read_hierarchy(folder()).size(), 2U);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder()), {}), 5);
}

}  // namespace
}  // namespace winnow::io
