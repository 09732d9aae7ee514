#include "winnow/io/dynamics_writer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

/// One epoch of the layout below, made from its number.
struct Epoch {
  std::vector<float> p_true, margin, el2n, grand, logits;
  std::vector<std::uint8_t> correct, test_correct;
  std::int64_t number;

  explicit Epoch(std::int64_t epoch) : number(epoch) {
    const auto base = static_cast<float>(epoch);
    for (int i = 0; i < 5; ++i) {
      p_true.push_back(0.125F * static_cast<float>(i) + base / 64);
      margin.push_back(static_cast<float>(i) - base);
      el2n.push_back(0.25F * static_cast<float>(i));
      grand.push_back(base + static_cast<float>(i));
      correct.push_back((i + epoch) % 2 == 0);
      for (int c = 0; c < 3; ++c) logits.push_back(base * 100 + static_cast<float>(3 * i + c));
    }
    for (int j = 0; j < 2; ++j) test_correct.push_back((j + epoch) % 2 == 1);
  }

  DynamicsRows rows() const { return piece(0, 5, 0, 2); }
  DynamicsRows piece(std::size_t from, std::size_t count, std::size_t from_test,
                     std::size_t count_test) const {
    return {.epoch = number,
            .p_true = std::span(p_true).subspan(from, count),
            .margin = std::span(margin).subspan(from, count),
            .el2n = std::span(el2n).subspan(from, count),
            .correct = std::span(correct).subspan(from, count),
            .grand = std::span(grand).subspan(from, count),
            .logits = std::span(logits).subspan(3 * from, 3 * count),
            .test_correct = std::span(test_correct).subspan(from_test, count_test)};
  }
};

DynamicsLayout full_layout(DType storage = DType::float16) {
  return {.n = 5,
          .n_test = 2,
          .n_classes = 3,
          .grand = true,
          .logits = true,
          .storage = storage,
          .in_train = {1, 0, 1, 1, 0},
          .labels = {0, 1, 2, 0, 1},
          .fingerprint = Fingerprint(7),
          .test_fingerprint = {},
          .details = {{"model", "resnet8"}}};
}

std::vector<float> values_in(const fs::path& path, const std::string& description) {
  const NpyFile file(path);
  EXPECT_EQ(file.describe(), description);
  std::vector<float> values(static_cast<std::size_t>(file.size()));
  file.read<float>(0, values);
  return values;
}

/// Every file of a folder by name, with its bytes.
std::map<std::string, std::string> content_of(const fs::path& folder) {
  std::map<std::string, std::string> content;
  for (const auto& entry : fs::directory_iterator(folder)) {
    content[entry.path().filename().string()] = bytes_of(entry.path());
  }
  return content;
}

/// A finished log of these epochs.
std::map<std::string, std::string> logged(const fs::path& folder,
                                          const std::vector<std::int64_t>& epochs) {
  DynamicsWriter writer(folder, full_layout());
  for (const auto epoch : epochs) writer.append(Epoch(epoch).rows());
  writer.finish();
  return content_of(folder);
}

TEST(DynamicsWriter, WritesEveryArray) {
  for (const auto storage : {DType::float16, DType::float32}) {
    const TempFolder folder;
    DynamicsWriter writer(folder / "log", full_layout(storage));
    std::vector<float> p_true;
    std::vector<float> logits;
    std::vector<float> tests;
    for (const std::int64_t epoch : {1, 2, 5}) {
      const Epoch row(epoch);
      writer.append(row.rows());
      p_true.insert(p_true.end(), row.p_true.begin(), row.p_true.end());
      logits.insert(logits.end(), row.logits.begin(), row.logits.end());
      tests.insert(tests.end(), row.test_correct.begin(), row.test_correct.end());
    }
    EXPECT_EQ(writer.rows(), 3);
    writer.sync();
    writer.finish();
    const std::string type = dtype_name(storage);
    const fs::path log = folder / "log";
    EXPECT_EQ(values_in(log / "p_true.npy", "[3, 5] " + type), p_true);
    EXPECT_EQ(values_in(log / "logits.npy", "[3, 5, 3] " + type), logits);
    EXPECT_EQ(values_in(log / "test_correct.npy", "[3, 2] bool"), tests);
    EXPECT_EQ(values_in(log / "correct.npy", "[3, 5] bool")[0], 0.0F);
    EXPECT_EQ(values_in(log / "margin.npy", "[3, 5] " + type)[10], -5.0F);
    EXPECT_EQ(values_in(log / "el2n.npy", "[3, 5] " + type)[1], 0.25F);
    EXPECT_EQ(values_in(log / "grand.npy", "[3, 5] " + type)[14], 9.0F);
    EXPECT_EQ(read_vector_i64(log / "epochs.npy"), (std::vector<std::int64_t>{1, 2, 5}));
    EXPECT_EQ(read_vector_i64(log / "in_train.npy"), (std::vector<std::int64_t>{1, 0, 1, 1, 0}));
    EXPECT_EQ(read_vector_i64(log / "labels.npy"), (std::vector<std::int64_t>{0, 1, 2, 0, 1}));
    const Json json = read_json(log / "dynamics.json");
    EXPECT_EQ(json["complete"], true);
    EXPECT_EQ(json["epochs"], 3);
    EXPECT_EQ(json["fingerprint"], Fingerprint(7).text());
    EXPECT_EQ(json["details"]["model"], "resnet8");
    EXPECT_EQ(content_of(log).size(), 11U);  // no .part
  }
}

TEST(DynamicsWriter, LeavesOutWhatTheLayoutLacks) {
  const TempFolder folder;
  logged(folder.path(), {1});  // an earlier log with more
  DynamicsWriter writer(folder.path(), {.n = 2});
  const std::vector<float> values{0.5F, 1.0F};
  const std::vector<std::uint8_t> flags{0, 1};
  writer.append({.epoch = 0, .p_true = values, .margin = values, .el2n = values, .correct = flags});
  writer.finish();
  const auto content = content_of(folder.path());
  EXPECT_EQ(content.size(), 6U);
  EXPECT_TRUE(content.contains("epochs.npy"));
  EXPECT_FALSE(content.contains("grand.npy"));
  EXPECT_FALSE(content.contains("labels.npy"));
}

TEST(DynamicsWriter, PiecesOfAnEpochMakeTheSameFiles) {
  const TempFolder folder;
  const auto expected = logged(folder / "whole", {1, 2});
  DynamicsWriter writer(folder / "pieces", full_layout());
  for (const std::int64_t number : {1, 2}) {
    const Epoch epoch(number);
    writer.append(epoch.piece(0, 2, 0, 0));
    writer.append(epoch.piece(2, 0, 0, 2));
    writer.append(epoch.piece(2, 0, 2, 0));  // nothing
    EXPECT_EQ(writer.rows(), number - 1);
    writer.append(epoch.piece(2, 3, 2, 0));
    EXPECT_EQ(writer.rows(), number);
  }
  writer.finish();
  EXPECT_EQ(content_of(folder / "pieces"), expected);
}

TEST(DynamicsWriter, IsIncompleteUntilFinished) {
  const TempFolder folder;
  {
    DynamicsWriter writer(folder.path(), full_layout());
    writer.append(Epoch(1).rows());
  }
  EXPECT_EQ(read_json(folder / "dynamics.json")["complete"], false);
  EXPECT_FALSE(fs::exists(folder / "p_true.npy"));
  EXPECT_TRUE(fs::exists(folder / "p_true.npy.part"));
}

/// Goes on at every row, from a log that was cut anywhere, finished or not.
TEST(DynamicsWriter, ResumedMakesTheSameFiles) {
  const TempFolder folder;
  const auto expected = logged(folder / "whole", {1, 2, 4});
  for (int had = 0; had <= 3; ++had) {
    for (int rows = 0; rows <= had; ++rows) {
      for (const bool finished : {false, true}) {
        if (finished && had == 0) continue;
        const fs::path path = folder / "resumed";
        fs::remove_all(path);
        const std::int64_t numbers[] = {1, 2, 4};
        {
          DynamicsWriter writer(path, full_layout());
          for (int i = 0; i < had; ++i) writer.append(Epoch(numbers[i]).rows());
          if (finished) {
            writer.finish();
          } else {
            writer.append(Epoch(9).piece(0, 3, 0, 0));  // killed within an epoch
          }
        }
        auto writer = DynamicsWriter::resume(path, full_layout(), rows);
        EXPECT_EQ(writer.rows(), rows);
        for (int i = rows; i < 3; ++i) writer.append(Epoch(numbers[i]).rows());
        writer.finish();
        EXPECT_EQ(content_of(path), expected) << had << " " << rows << " " << finished;
      }
    }
  }
}

TEST(DynamicsWriter, ResumesWhatWasKilledWhileFinishing) {
  const TempFolder folder;
  const auto expected = logged(folder / "whole", {1, 2});
  logged(folder / "log", {1});
  fs::rename(folder / "log/margin.npy", folder / "log/margin.npy.part");
  auto writer = DynamicsWriter::resume(folder / "log", full_layout(), 1);
  testing::expect_error<InvalidArgument>([&] { writer.append(Epoch(1).rows()); },
                                         {"epoch = 1 after 1"});
  writer.append(Epoch(2).rows());
  writer.finish();
  EXPECT_EQ(content_of(folder / "log"), expected);
}

TEST(DynamicsWriter, RefusesToResumeWhatDoesNotFit) {
  const TempFolder folder;
  const fs::path log = folder / "log";
  const auto before = logged(log, {1, 2});
  const auto refuse = [&](const auto& change, std::int64_t rows, auto error,
                          const std::string& part) {
    auto layout = full_layout();
    change(layout);
    expect_error<decltype(error)>([&] { DynamicsWriter::resume(log, layout, rows); },
                                  {log.string(), part});
  };
  const DatasetMismatch mismatch("");
  refuse([](auto& layout) { layout.n_classes = 4; }, 1, mismatch, "\"n_classes\" is 3");
  refuse([](auto& layout) { layout.storage = DType::float32; }, 1, mismatch, "float32");
  refuse([](auto& layout) { layout.grand = false; }, 1, mismatch, "arrays");
  refuse([](auto& layout) { layout.fingerprint = Fingerprint(8); }, 1, mismatch, "fingerprint");
  refuse([](auto& layout) { layout.details = {{"model", "vit"}}; }, 1, mismatch, "resnet8");
  refuse([](auto& layout) { layout.labels[2] = 1; }, 1, mismatch, "labels.npy");
  refuse([](auto& layout) { layout.in_train.clear(); }, 1, mismatch, "in_train.npy");
  EXPECT_EQ(content_of(log), before);
  refuse([](auto&) {}, 3, BadFile(""), "2 rows; expected at least the 3");
  expect_error<InvalidArgument>([&] { DynamicsWriter::resume(log, full_layout(), -1); },
                                {"rows = -1"});
}

TEST(DynamicsWriter, RefusesToResumeDamagedArrays) {
  const TempFolder folder;
  const fs::path log = folder / "log";
  const auto resume = [&] { DynamicsWriter::resume(log, full_layout(), 1); };
  expect_error<BadFile>(resume, {"dynamics.json"});
  logged(log, {1});
  fs::remove(log / "el2n.npy");
  expect_error<BadFile>(resume, {"el2n.npy", "cannot go on", "--force"});
  logged(log, {1});
  put(log / "el2n.npy", npy_bytes<float>("<f4", "(1, 5)", {1, 2, 3, 4, 5}));
  expect_error<BadFile>(resume, {"el2n.npy", "not the begun array", "[5]"});
}

class Refusal : public ::testing::Test {
 protected:
  TempFolder folder_;
  DynamicsWriter writer_{folder_.path(), full_layout()};

  /// The first epoch, changed, is refused; then it goes in as it should be.
  template <class Change>
  void refuse(const Change& change, const std::vector<std::string>& parts) {
    Epoch epoch(writer_.rows() + 1);
    change(epoch);
    expect_error<InvalidArgument>([&] { writer_.append(epoch.rows()); }, parts);
    writer_.append(Epoch(writer_.rows() + 1).rows());
  }
};

TEST_F(Refusal, OfValues) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float inf = std::numeric_limits<float>::infinity();
  refuse([](Epoch& e) { e.p_true[3] = 1.5F; }, {"p_true: example 3 at epoch 1 is 1.5", "[0, 1]"});
  refuse([=](Epoch& e) { e.p_true[0] = nan; }, {"p_true: example 0 at epoch 2 is nan"});
  refuse([=](Epoch& e) { e.margin[4] = -inf; }, {"margin: example 4", "-inf", "diverged"});
  refuse([](Epoch& e) { e.margin[4] = -65520.0F; }, {"margin", "65520", "float32"});
  refuse([](Epoch& e) { e.el2n[1] = -0.5F; }, {"el2n: example 1", "0 or more"});
  refuse([=](Epoch& e) { e.grand[1] = inf; }, {"grand: example 1", "diverged"});
  refuse([=](Epoch& e) { e.logits[7] = nan; }, {"logits: example 2", "diverged"});
  refuse([](Epoch& e) { e.correct[2] = 2; }, {"correct: value 2 is 2", "0 or 1"});
  refuse([](Epoch& e) { e.test_correct[1] = 9; }, {"test_correct: value 1 is 9"});
  writer_.finish();
  EXPECT_EQ(values_in(folder_ / "margin.npy", "[9, 5] float16").size(), 45U);
}

TEST_F(Refusal, OfLengths) {
  const Epoch epoch(1);
  DynamicsRows rows = epoch.rows();
  rows.margin = rows.margin.first(4);
  expect_error<InvalidArgument>([&] { writer_.append(rows); },
                                {"margin: 4 values at epoch 1", "expected 5"});
  rows = epoch.rows();
  rows.logits = rows.logits.first(14);
  expect_error<InvalidArgument>([&] { writer_.append(rows); }, {"logits: 14 values", "15"});
  rows = epoch.rows();
  rows.grand = {};
  expect_error<InvalidArgument>([&] { writer_.append(rows); }, {"grand: 0 values", "expected 5"});
}

TEST_F(Refusal, OfTooMuchAndTooLittle) {
  const Epoch epoch(1);
  writer_.append(epoch.piece(0, 3, 0, 0));
  expect_error<InvalidArgument>([&] { writer_.append(epoch.rows()); },
                                {"epoch 1: 5 examples and 2 test examples after 3 and 0"});
  expect_error<InvalidArgument>([&] { writer_.append(Epoch(2).piece(3, 2, 0, 2)); },
                                {"epoch = 2 while epoch 1 has 3 of 5 examples"});
  expect_error<InvalidArgument>([&] { writer_.finish(); }, {"0 whole epochs", "3 of 5"});
  writer_.append(epoch.piece(3, 2, 0, 2));
  writer_.finish();
}

TEST_F(Refusal, OfAnEmptyLog) {
  expect_error<InvalidArgument>([&] { writer_.finish(); }, {folder_.text(), "at least one"});
}

TEST(DynamicsLayout, IsChecked) {
  const auto refuse = [](const auto& change, const std::string& part) {
    auto layout = full_layout();
    change(layout);
    expect_error<InvalidArgument>([&] { layout.validate(); }, {part});
  };
  refuse([](auto& layout) { layout.n = 0; }, "n = 0");
  refuse([](auto& layout) { layout.n_test = -1; }, "n_test = -1");
  refuse([](auto& layout) { layout.n_classes = 1; }, "n_classes = 1");
  refuse([](auto& layout) { layout.storage = DType::int8; }, "storage = int8");
  refuse([](auto& layout) { layout.labels.pop_back(); }, "labels: 4 values");
  refuse([](auto& layout) { layout.labels[1] = 3; }, "labels: value 1 is 3");
  refuse([](auto& layout) { layout.labels[1] = -1; }, "labels: value 1 is -1");
  refuse([](auto& layout) { layout.in_train[0] = 2; }, "in_train: value 0 is 2");
  refuse([](auto& layout) { layout.in_train.resize(7); }, "in_train: 7 values");
}

}  // namespace
}  // namespace winnow::io
