#include "winnow/io/dynamics.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/dynamics_writer.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

using Array = DynamicsArray;

/// A log of 3 epochs of 4 examples, 2 test examples and 3 classes, as numpy.save writes it.
class Log : public ::testing::Test {
 protected:
  void SetUp() override {
    put_array<float>("p_true", "<f4", "(3, 4)", {0, 0.25, 0.5, 0.75, 1, 0, 1, 0, .5, .5, .5, .5});
    put_array<double>("margin", "<f8", "(3, 4)", {-1, 2, -3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    put_array<std::uint16_t>("el2n", "<f2", "(3, 4)", std::vector<std::uint16_t>(12, 0x3C00));
    put_array<std::uint8_t>("correct", "|b1", "(3, 4)", {0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0});
    std::vector<float> logits(36);
    for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i);
    put_array<float>("logits", "<f4", "(3, 4, 3)", logits);
    put_array<std::uint8_t>("test_correct", "|u1", "(3, 2)", {0, 1, 1, 1, 0, 0});
    put_array<std::int64_t>("labels", "<i8", "(4,)", {0, 1, 2, 0});
  }

  template <class T>
  void put_array(const std::string& name, const std::string& descr, const std::string& shape,
                 const std::vector<T>& values) const {
    put(folder_ / (name + ".npy"), npy_bytes<T>(descr, shape, values));
  }

  /// Opening is refused with a message that has all parts, and is possible again after `mend`.
  template <class E = BadFile>
  void refuse(const std::vector<std::string>& parts) {
    expect_error<E>([&] { Dynamics log(folder_.path()); }, parts);
    fs::remove(folder_ / "epochs.npy");
    fs::remove(folder_ / "dynamics.json");
    fs::remove(folder_ / "in_train.npy");
    fs::remove(folder_ / "grand.npy");
    SetUp();
    Dynamics log(folder_.path());
  }

  TempFolder folder_;
};

std::vector<float> row_of(const Dynamics& log, Array array, std::int64_t row, std::int64_t begin,
                          std::size_t count) {
  std::vector<float> values(count);
  log.read(array, row, begin, values);
  return values;
}

TEST_F(Log, SaysWhatItHolds) {
  const Dynamics log(folder_.path());
  EXPECT_EQ(log.n(), 4);
  EXPECT_EQ(log.n_test(), 2);
  EXPECT_EQ(log.n_classes(), 3);
  EXPECT_EQ(log.rows(), 3);
  EXPECT_EQ(log.epochs(), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_TRUE(log.has(Array::p_true));
  EXPECT_FALSE(log.has(Array::grand));
  EXPECT_FALSE(log.fingerprint().known());
  EXPECT_TRUE(log.sidecar().is_null());
  EXPECT_EQ(log.labels(), (std::vector<std::int32_t>{0, 1, 2, 0}));
  EXPECT_EQ(log.in_train(), (std::vector<std::uint8_t>{1, 1, 1, 1}));
  EXPECT_EQ(log.path(Array::grand), folder_ / "grand.npy");
  log.require(Array::p_true, "aum");
  expect_error<BadFile>(
      [&] { log.require(Array::grand, "grand"); },
      {(folder_ / "grand.npy").string(), "missing", "metric = grand", "gradient"});
}

TEST_F(Log, ReadsPiecesOfRows) {
  const Dynamics log(folder_.path());
  EXPECT_EQ(row_of(log, Array::p_true, 0, 1, 3), (std::vector<float>{0.25F, 0.5F, 0.75F}));
  EXPECT_EQ(row_of(log, Array::margin, 0, 0, 2), (std::vector<float>{-1, 2}));
  EXPECT_EQ(row_of(log, Array::margin, 2, 2, 2), (std::vector<float>{11, 12}));
  EXPECT_EQ(row_of(log, Array::el2n, 1, 3, 1), (std::vector<float>{1}));
  EXPECT_EQ(row_of(log, Array::logits, 1, 2, 6), (std::vector<float>{18, 19, 20, 21, 22, 23}));
  std::vector<std::uint8_t> flags(2);
  log.read_flags(Array::correct, 1, 1, flags);
  EXPECT_EQ(flags, (std::vector<std::uint8_t>{0, 1}));
  log.read_flags(Array::test_correct, 2, 0, flags);
  EXPECT_EQ(flags, (std::vector<std::uint8_t>{0, 0}));
  log.prefetch(Array::logits, 2, 1, 3);
  log.require_unchanged(Array::logits);
}

TEST_F(Log, MayLieInTheDynamicsOfARun) {
  const TempFolder run;
  fs::rename(folder_.path(), run / "dynamics");
  EXPECT_EQ(Dynamics(run.path()).folder(), run / "dynamics");
  expect_error<BadFile>([&] { Dynamics log(run / "other"); }, {"other", "no such folder"});
  const TempFolder empty;
  expect_error<BadFile>([&] { Dynamics log(empty.path()); },
                        {empty.text(), "no training dynamics", "correct.npy"});
}

TEST_F(Log, TestExamplesAloneTakeNFromTheColumns) {
  for (const char* name : {"p_true", "margin", "el2n", "correct", "logits", "labels"}) {
    fs::remove(folder_ / (std::string(name) + ".npy"));
  }
  EXPECT_EQ(Dynamics(folder_.path()).n(), 0);
  put_array<std::uint8_t>("in_train", "|b1", "(5,)", {1, 0, 1, 1, 0});
  const Dynamics log(folder_.path());
  EXPECT_EQ(log.n(), 5);
  EXPECT_EQ(log.in_train(), (std::vector<std::uint8_t>{1, 0, 1, 1, 0}));
  put_array<std::int64_t>("labels", "<i8", "(4,)", {0, 1, 2, 0});
  refuse({"labels.npy is [4] int64", "[5] integers"});
}

TEST_F(Log, EpochsOfItsRows) {
  put_array<std::int32_t>("epochs", "<i4", "(3,)", {0, 5, 40});
  const Dynamics log(folder_.path());
  EXPECT_EQ(log.epochs(), (std::vector<std::int64_t>{0, 5, 40}));
  EXPECT_EQ(log.row_of(5), 1);
  expect_error<BadFile>([&] { static_cast<void>(log.row_of(6)); },
                        {folder_.text(), "epoch 6 was not logged", "0, 5, 40"});
}

TEST_F(Log, WhatOurWriterWrote) {
  const TempFolder folder;
  DynamicsWriter writer(folder.path(), {.n = 2,
                                        .n_test = 1,
                                        .n_classes = 5,
                                        .in_train = {0, 1},
                                        .labels = {4, 0},
                                        .fingerprint = Fingerprint(1),
                                        .test_fingerprint = Fingerprint(2)});
  const std::vector<float> values{0.5F, 0.25F};
  const std::vector<std::uint8_t> flags{0, 1};
  expect_error<BadFile>([&] { Dynamics log(folder.path()); },
                        {"dynamics.json", "was not finished", "resume"});
  writer.append({.epoch = 3,
                 .p_true = values,
                 .margin = values,
                 .el2n = values,
                 .correct = flags,
                 .test_correct = std::span(flags).last(1)});
  writer.finish();
  const Dynamics log(folder.path());
  EXPECT_EQ(log.n_classes(), 5);
  EXPECT_EQ(log.in_train(), (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(log.labels(), (std::vector<std::int32_t>{4, 0}));
  EXPECT_EQ(log.fingerprint(), Fingerprint(1));
  EXPECT_EQ(log.test_fingerprint(), Fingerprint(2));
  EXPECT_EQ(log.epochs(), (std::vector<std::int64_t>{3}));
  EXPECT_EQ(row_of(log, Array::margin, 0, 0, 2), values);
}

TEST_F(Log, RefusesShapesThatDoNotFit) {
  put_array<float>("p_true", "<f4", "(2, 4)", std::vector<float>(8));
  refuse({"margin.npy is [3, 4] float64", "p_true.npy is [2, 4] float32", "one row an epoch"});
  put_array<float>("margin", "<f4", "(3, 5)", std::vector<float>(15));
  refuse({"margin.npy: 5 examples, but p_true.npy has 4"});
  put_array<float>("margin", "<f4", "(12,)", std::vector<float>(12));
  refuse({"margin.npy is [12] float32", "[epochs, n]"});
  put_array<float>("margin", "<f4", "(0, 4)", {});
  refuse({"margin.npy is [0, 4]", "none of them 0"});
  put_array<std::int64_t>("labels", "<i8", "(3,)", {0, 1, 2});
  refuse({"labels.npy is [3] int64", "[4] integers"});
  put_array<float>("in_train", "<f4", "(4,)", {0, 1, 0, 1});
  refuse({"in_train.npy is [4] float32", "integers or bool"});
}

TEST_F(Log, RefusesOtherTypesAndOrders) {
  put_array<std::int64_t>("correct", "<i8", "(3, 4)", std::vector<std::int64_t>(12));
  refuse({"correct.npy is [3, 4] int64", "bool or uint8"});
  put_array<std::uint8_t>("grand", "|u1", "(3, 4)", std::vector<std::uint8_t>(12));
  refuse({"grand.npy is [3, 4] uint8", "float16 or float32"});
  const std::vector<float> values(36);
  put(folder_ / "logits.npy",
      npy_bytes("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4, 3)}",
                std::string_view(std::bit_cast<const char*>(values.data()), 144)));
  refuse({"logits.npy is [3, 4, 3] float32, Fortran order", "ascontiguousarray"});
}

/// What NumPy's p[:, arange(n), labels] gives: the same values, one example after the other.
TEST_F(Log, ReadsFortranOrder) {
  const auto put_fortran = [&](const std::string& name, const std::string& descr,
                               std::string_view data) {
    put(folder_ / (name + ".npy"),
        npy_bytes("{'descr': '" + descr + "', 'fortran_order': True, 'shape': (3, 4)}", data));
  };
  const auto bytes = []<class T>(const std::vector<T>& values) {
    return std::string_view(std::bit_cast<const char*>(values.data()), values.size() * sizeof(T));
  };
  const std::vector<float> p{0, 1, 0.5, 0.25, 0, 0.5, 0.5, 1, 0.5, 0.75, 0, 7};
  const std::vector<double> margin{-1, 5, 9, 2, 6, 10, -3, 7, 11, 4, 8, 12};
  const std::vector<std::uint16_t> el2n{0x3C00, 0, 0, 0x3C00, 0, 0, 0x4000, 0, 0, 0, 0, 0};
  put_fortran("p_true", "<f4", bytes(p));
  put_fortran("margin", "<f8", bytes(margin));
  put_fortran("el2n", "<f2", bytes(el2n));
  put_fortran("correct", "|b1", std::string_view("\0\0\1\1\0\1\1\1\1\1\1\0", 12));
  const Dynamics log(folder_.path());
  EXPECT_EQ(row_of(log, Array::p_true, 0, 1, 3), (std::vector<float>{0.25F, 0.5F, 0.75F}));
  EXPECT_EQ(row_of(log, Array::margin, 2, 2, 2), (std::vector<float>{11, 12}));
  EXPECT_EQ(row_of(log, Array::el2n, 0, 0, 4), (std::vector<float>{1, 1, 2, 0}));
  std::vector<std::uint8_t> flags(2);
  log.read_flags(Array::correct, 2, 2, flags);
  EXPECT_EQ(flags, (std::vector<std::uint8_t>{1, 0}));
  log.prefetch(Array::margin, 0, 0, 4);
  expect_error<BadFile>([&] { static_cast<void>(row_of(log, Array::p_true, 2, 1, 3)); },
                        {"p_true.npy: row 2 (epoch 3) column 3 is 7"});
}

TEST_F(Log, RefusesBadEpochs) {
  put_array<std::int64_t>("epochs", "<i8", "(2,)", {1, 2});
  refuse({"epochs.npy: 2 epochs, but", "p_true.npy is [3, 4]"});
  put_array<std::int64_t>("epochs", "<i8", "(3,)", {1, 3, 3});
  refuse({"epochs.npy: row 2 is 3 after 3", "increase"});
  put_array<std::int64_t>("epochs", "<i8", "(3,)", {-1, 3, 4});
  refuse({"epochs.npy: row 0 is -1"});
}

TEST_F(Log, RefusesABadSidecar) {
  const auto sidecar = [&](const std::string& text) { put(folder_ / "dynamics.json", text); };
  sidecar("[]");
  refuse({"dynamics.json: found array"});
  sidecar(R"({"fingerprint": 5})");
  refuse({"dynamics.json: \"fingerprint\" is 5", "xxh3:"});
  sidecar(R"({"fingerprint": "md5:1"})");
  refuse({R"("fingerprint" is "md5:1")"});
  sidecar(R"({"n_classes": -2})");
  refuse({"\"n_classes\" is -2"});
  sidecar(R"({"n_classes": 4})");
  refuse({"logits.npy: 3 classes", "has 4"});
  sidecar(R"({"n": 5})");
  refuse({"p_true.npy: 4 examples, but dynamics.json has 5"});
  sidecar(R"({"complete": false})");
  refuse({"was not finished"});
}

TEST_F(Log, RefusesAPartOfAnArray) {
  fs::rename(folder_ / "margin.npy", folder_ / "margin.npy.part");
  expect_error<BadFile>([&] { Dynamics log(folder_.path()); },
                        {"margin.npy.part", "was not finished"});
}

TEST_F(Log, RefusesValuesOutOfRange) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refuse_value = [&](const std::string& name, float value, auto error,
                                const std::vector<std::string>& parts) {
    std::vector<float> values(12, 0.5F);
    values[6] = value;
    put_array<float>(name, "<f4", "(3, 4)", values);
    const Dynamics log(folder_.path());
    const auto array = name == "p_true" ? Array::p_true
                       : name == "el2n" ? Array::el2n
                                        : Array::margin;
    static_cast<void>(row_of(log, array, 0, 0, 4));
    expect_error<decltype(error)>([&] { static_cast<void>(row_of(log, array, 1, 1, 3)); }, parts);
  };
  refuse_value("p_true", 1.01F, BadFile(""),
               {"p_true.npy: row 1 (epoch 2) column 2 is 1.0", "[0, 1]", "softmax"});
  refuse_value("p_true", -0.1F, BadFile(""), {"column 2 is -0.1"});
  refuse_value("p_true", nan, NonFiniteInput(""), {"column 2 is nan", "diverged"});
  refuse_value("el2n", -1.0F, BadFile(""), {"el2n.npy: row 1 (epoch 2) column 2 is -1"});
  refuse_value("margin", -std::numeric_limits<float>::infinity(), NonFiniteInput(""),
               {"margin.npy", "-inf"});
  // Every value that is outside is found, of either sign and at the end of a row, and -0 is not
  // one.
  for (const float value : {1.0001F, 2.0F, 3e38F, -1e-45F, -1.0F, -3e38F}) {
    std::vector<float> values(12, 0.5F);
    values[3] = value;
    put_array<float>("p_true", "<f4", "(3, 4)", values);
    const Dynamics log(folder_.path());
    EXPECT_THROW(static_cast<void>(row_of(log, Array::p_true, 0, 0, 4)), BadFile) << value;
  }
  put_array<float>("p_true", "<f4", "(3, 4)", std::vector<float>(12, -0.0F));
  EXPECT_EQ(row_of(Dynamics(folder_.path()), Array::p_true, 0, 0, 1)[0], 0.0F);
  put_array<float>("margin", "<f4", "(3, 4)",
                   std::vector<float>(12, std::numeric_limits<float>::lowest()));
  EXPECT_LT(row_of(Dynamics(folder_.path()), Array::margin, 0, 0, 4)[3], -3e38F);
  // Rounded sums may exceed 1.
  put_array<float>("p_true", "<f4", "(3, 4)", std::vector<float>(12, 1.000002F));
  EXPECT_EQ(row_of(Dynamics(folder_.path()), Array::p_true, 0, 0, 1)[0], 1.000002F);

  std::vector<float> logits(36);
  logits[22] = nan;
  put_array<float>("logits", "<f4", "(3, 4, 3)", logits);
  expect_error<NonFiniteInput>(
      [&] { static_cast<void>(row_of(Dynamics(folder_.path()), Array::logits, 1, 0, 12)); },
      {"logits.npy: row 1 (epoch 2) column 3 is nan"});

  put_array<std::uint8_t>("correct", "|u1", "(3, 4)", {0, 1, 1, 1, 0, 0, 1, 7, 1, 1, 1, 0});
  std::vector<std::uint8_t> flags(3);
  expect_error<BadFile>([&] { Dynamics(folder_.path()).read_flags(Array::correct, 1, 1, flags); },
                        {"correct.npy: row 1 (epoch 2) column 3 is 7", "0 or 1", "argmax"});
}

TEST_F(Log, RefusesBadColumns) {
  put_array<std::int64_t>("labels", "<i8", "(4,)", {0, 1, 3, 0});
  put_array<std::int64_t>("in_train", "<i8", "(4,)", {0, 1, 2, 0});
  const Dynamics log(folder_.path());
  expect_error<BadFile>([&] { static_cast<void>(log.labels()); },
                        {"labels.npy: row 2 is 3", "[0, 3)"});
  expect_error<BadFile>([&] { static_cast<void>(log.in_train()); },
                        {"in_train.npy: row 2 is 2", "0 or 1"});
}

TEST_F(Log, RunsOfOtherExamplesDoNotMix) {
  const TempFolder other;
  const auto log = [&](std::int64_t n, std::int64_t n_test, std::uint64_t fingerprint,
                       const std::string& test, const std::string& labels) {
    put(other / "correct.npy",
        npy_bytes<std::uint8_t>("|u1", "(1, " + std::to_string(n) + ")",
                                std::vector<std::uint8_t>(static_cast<std::size_t>(n))));
    put(other / "test_correct.npy",
        npy_bytes<std::uint8_t>("|u1", "(1, " + std::to_string(n_test) + ")",
                                std::vector<std::uint8_t>(static_cast<std::size_t>(n_test))));
    put(other / "dynamics.json", R"({"fingerprint": ")" + Fingerprint(fingerprint).text() +
                                     R"(", "test_fingerprint": ")" + test + R"("})");
    fs::remove(other / "labels.npy");
    if (!labels.empty()) put(other / "labels.npy", labels);
    return Dynamics(other.path());
  };
  put(folder_ / "dynamics.json", R"({"fingerprint": ")" + Fingerprint(1).text() +
                                     R"(", "test_fingerprint": ")" + Fingerprint(2).text() +
                                     R"("})");
  const Dynamics mine(folder_.path());
  const std::string test = Fingerprint(2).text();
  require_same_examples(mine, log(4, 2, 1, test, ""));
  require_same_tests(mine, log(4, 2, 1, "unknown", ""));
  expect_error<DatasetMismatch>([&] { require_same_examples(mine, log(5, 2, 1, test, "")); },
                                {folder_.text(), "4 examples", other.text(), "has 5"});
  expect_error<DatasetMismatch>([&] { require_same_examples(mine, log(4, 2, 9, test, "")); },
                                {"fingerprint", other.text()});
  expect_error<DatasetMismatch>(
      [&] {
        require_same_examples(
            mine, log(4, 2, 1, test, npy_bytes<std::uint8_t>("|u1", "(4,)", {0, 1, 1, 0})));
      },
      {"labels.npy: row 2 is class 2", "it is 1"});
  expect_error<DatasetMismatch>([&] { require_same_tests(mine, log(4, 3, 1, test, "")); },
                                {"2 test examples", "has 3"});
  expect_error<DatasetMismatch>(
      [&] { require_same_tests(mine, log(4, 2, 1, Fingerprint(3).text(), "")); }, {"test set"});
}

}  // namespace
}  // namespace winnow::io
