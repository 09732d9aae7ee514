#include "winnow/selection/export.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/csv.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::selection {
namespace {

namespace fs = std::filesystem;

/// Images without pixels: keys, labels, bytes, and files on disk where the test says so.
class FakeDataset final : public io::Dataset {
 public:
  explicit FakeDataset(std::vector<std::string> keys, std::vector<std::int32_t> labels = {})
      : keys_(std::move(keys)) {
    name_ = "fake";
    labels_ = std::move(labels);
    if (!labels_.empty()) class_names_ = {"zero", "one"};
    seal();
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(keys_.size()); }
  std::string key(std::int64_t id) const override { return keys_[static_cast<std::size_t>(id)]; }
  bool has_images() const override { return images; }
  io::ImageShape image_shape() const override { return {2, 2, 1}; }
  void read_images(std::span<const std::int64_t> /*ids*/,
                   std::span<std::uint8_t> /*out*/) const override {}
  io::EncodedImage encoded_image(std::int64_t id) const override {
    return {mime, "image " + std::to_string(id)};
  }
  std::optional<fs::path> file(std::int64_t id) const override {
    if (files.empty()) return {};
    return files[static_cast<std::size_t>(id)];
  }

  bool images = true;
  std::string mime = "image/png";
  std::vector<fs::path> files;

 private:
  std::vector<std::string> keys_;
};

/// Cancels from the start.
class CancelledProgress final : public Progress {
 public:
  void stage(std::string_view /*name*/, std::int64_t /*total*/,
             std::string_view /*unit*/) override {}
  void advance(std::int64_t /*count*/) noexcept override {}
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view /*message*/) override {}
  bool cancelled() const noexcept override { return true; }
};

/// Six examples of two classes, of which balance moves one: ids 0, 1 and 5 are kept.
class ExportTest : public testing::Test {
 public:
  ExportTest() {
    folder_ = fs::path(testing::TempDir()) /
              ("winnow-export-" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    out_ = folder_ / "out";
  }
  ~ExportTest() override { fs::remove_all(folder_); }

 protected:
  Source source(const io::Dataset* dataset = nullptr) const {
    return {.scores = scores_, .labels = labels_, .dataset = dataset};
  }
  std::vector<std::string> write(const Source& from, const ExportOptions& options = {}) const {
    return write_selection(out_, selection_, from, options);
  }
  /// Names in the output folder, sorted: also temporary ones that were left behind.
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    if (!fs::exists(out_)) return found;
    for (const auto& entry : fs::directory_iterator(out_)) {
      found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  std::string text(const std::string& name) const { return read_file(out_ / name); }

  std::vector<double> scores_ = {6.5, 5.0, 4.0, 1.0, 2.0, 0.1 + 0.2};
  std::vector<std::int32_t> labels_ = {0, 0, 0, 0, 1, 1};
  Selection selection_ = select(scores_, labels_, 2, {.keep = 0.5, .class_balance = 1.0});
  std::vector<std::string> keys_ = {"zero/a.png", "zero/b,1.png", "zero/c.png",
                                    "zero/d.png", "one/e.png",    "one/\xC3\xA9 \"f\".png"};
  fs::path folder_;
  fs::path out_;
};

TEST_F(ExportTest, SelectionUsedHereIsAsDescribed) {
  // Floors 2 and 1; the hardest of class 1 is id 4.
  EXPECT_EQ(selection_.ids, (std::vector<std::int64_t>{0, 1, 4}));
  EXPECT_EQ(selection_.outcomes[2], Outcome::dropped_for_balance);
}

TEST_F(ExportTest, KeepReadsBackAsSubset) {
  const FakeDataset dataset(keys_, labels_);
  Source from = source(&dataset);
  from.inputs = {{"scores.npy", "xxh3:0123456789abcdef"}};
  from.details = {{"metric", "el2n"}};
  EXPECT_EQ(write(from), (std::vector<std::string>{"keep.npy", "keep.json"}));
  EXPECT_EQ(names(), (std::vector<std::string>{"keep.json", "keep.npy"}));
  const io::Subset subset = io::read_subset(out_ / "keep.npy");
  EXPECT_EQ(subset.ids, selection_.ids);
  EXPECT_EQ(subset.dataset_size, 6);
  EXPECT_EQ(subset.fingerprint, dataset.fingerprint());

  const Json json = read_json(out_ / "keep.json");
  EXPECT_EQ(json["kind"], "selection");
  EXPECT_EQ(json["policy"], "hard");
  EXPECT_EQ(json["keep"], 0.5);
  EXPECT_TRUE(json["keep_count"].is_null());
  EXPECT_EQ(json["n"], 6);
  EXPECT_EQ(json["kept"], 3);
  EXPECT_EQ(json["class_balance"], 1.0);
  EXPECT_EQ(json["balance_by"], "fraction");
  EXPECT_EQ(json["seed"], 0);
  EXPECT_TRUE(json["cut"].is_null());  // the floors fill every place
  EXPECT_EQ(json["audit"]["moved_by_balance"], 1);
  EXPECT_EQ(json["inputs"][0]["hash"], "xxh3:0123456789abcdef");
  EXPECT_EQ(json["metric"], "el2n");
  EXPECT_EQ(json["files"], (std::vector<std::string>{"keep.npy", "keep.json"}));
  EXPECT_FALSE(json.contains("note"));
}

TEST_F(ExportTest, WithoutLabelsSaysThatThereIsNoBalance) {
  selection_ = select(scores_, {}, 0, {.keep_count = 2});
  write({.scores = scores_});
  const Json json = read_json(out_ / "keep.json");
  EXPECT_TRUE(json["class_balance"].is_null());
  EXPECT_TRUE(json["balance_by"].is_null());
  EXPECT_EQ(json["note"], "no class balance: no labels were given");
  EXPECT_TRUE(json["keep"].is_null());
  EXPECT_EQ(json["keep_count"], 2);
  EXPECT_EQ(json["cut"], 5.0);
  EXPECT_EQ(json["fingerprint"], "unknown");
}

TEST_F(ExportTest, EveryFormatReadsBack) {
  const FakeDataset dataset(keys_, labels_);
  const std::vector<Format> formats = parse_formats("dropped,keys,csv,mask,jsonl,csv");
  EXPECT_EQ(write(source(&dataset), {.formats = formats}),
            (std::vector<std::string>{"keep.npy", "keep.json", "keep.txt", "keep.csv", "mask.npy",
                                      "keep.jsonl", "dropped.csv"}));
  EXPECT_EQ(text("keep.txt"), "zero/a.png\nzero/b,1.png\none/e.png\n");

  const io::CsvTable kept = io::read_csv(out_ / "keep.csv");
  EXPECT_EQ(kept.header, (std::vector<std::string>{"id", "key", "label", "score"}));
  EXPECT_EQ(kept.rows, (std::vector<std::vector<std::string>>{{"0", "zero/a.png", "0", "6.5"},
                                                              {"1", "zero/b,1.png", "0", "5"},
                                                              {"4", "one/e.png", "1", "2"}}));
  const io::CsvTable dropped = io::read_csv(out_ / "dropped.csv");
  EXPECT_EQ(dropped.header, (std::vector<std::string>{"id", "key", "label", "score", "reason"}));
  // Scores are written so that they read back as the same double.
  EXPECT_EQ(dropped.rows, (std::vector<std::vector<std::string>>{
                              {"2", "zero/c.png", "0", "4", "class-balance"},
                              {"3", "zero/d.png", "0", "1", "rank"},
                              {"5", keys_[5], "1", "0.30000000000000004", "rank"}}));

  const io::NpyFile mask(out_ / "mask.npy");
  EXPECT_EQ(mask.dtype(), io::DType::boolean);
  std::vector<std::uint8_t> values(6);
  mask.read<std::uint8_t>(0, values);
  EXPECT_EQ(values, (std::vector<std::uint8_t>{1, 1, 0, 0, 1, 0}));

  const std::string lines = text("keep.jsonl");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3);
  EXPECT_EQ(Json::parse(lines.substr(0, lines.find('\n'))),
            (Json{{"id", 0}, {"key", "zero/a.png"}, {"label", 0}, {"score", 6.5}}));
}

TEST_F(ExportTest, WithoutDatasetOrLabelsColumnsAreEmpty) {
  write({.scores = scores_}, {.formats = {Format::csv, Format::jsonl}});
  EXPECT_EQ(text("keep.csv"), "id,key,label,score\n0,,,6.5\n1,,,5\n4,,,2\n");
  const std::string lines = text("keep.jsonl");
  EXPECT_EQ(lines.substr(0, lines.find('\n')), R"({"id":0,"key":null,"label":null,"score":6.5})");
}

TEST_F(ExportTest, JsonReplacesBytesThatAreNotUtf8) {
  keys_[0] = "bad\xFF.png";
  const FakeDataset dataset(keys_);
  write(source(&dataset), {.formats = {Format::jsonl}});
  const std::string lines = text("keep.jsonl");
  EXPECT_EQ(Json::parse(lines.substr(0, lines.find('\n')))["key"], "bad\xEF\xBF\xBD.png");
}

TEST_F(ExportTest, CopiesOwnFilesUnderTheirKeys) {
  FakeDataset dataset(keys_, labels_);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    dataset.files.push_back(folder_ / "source" / keys_[i]);
    write_file(dataset.files.back(), "own file " + std::to_string(i));
  }
  EXPECT_EQ(write(source(&dataset), {.files = FileMode::copy}).back(), "files");
  EXPECT_EQ(text("files/zero/b,1.png"), "own file 1");
  EXPECT_EQ(text("files/one/e.png"), "own file 4");
  EXPECT_FALSE(fs::exists(out_ / "files/zero/c.png"));
  EXPECT_EQ(names(), (std::vector<std::string>{"files", "keep.json", "keep.npy"}));
}

TEST_F(ExportTest, LinksAreAbsolute) {
  FakeDataset dataset(keys_, labels_);
  for (const std::string& key : keys_) dataset.files.push_back(fs::path("relative") / key);
  write(source(&dataset), {.files = FileMode::link});
  EXPECT_EQ(fs::read_symlink(out_ / "files/one/e.png"), fs::absolute("relative/one/e.png"));
}

TEST_F(ExportTest, ExamplesWithoutFilesGetTheExtensionOfTheirBytes) {
  selection_ = select(scores_, {}, 0, {.keep = 1.0});
  FakeDataset dataset(
      {"train/0", "train/1.png", "train/2.PNG", "train/3.jpg", "4", "train/5.webp"});
  write({.scores = scores_, .dataset = &dataset}, {.files = FileMode::copy});
  for (const char* name : {"train/0.png", "train/1.png", "train/2.PNG", "train/3.jpg.png", "4.png",
                           "train/5.webp.png"}) {
    EXPECT_TRUE(fs::exists(out_ / "files" / name)) << name;
  }
  EXPECT_EQ(text("files/4.png"), "image 4");
  dataset.mime = "image/jpeg";
  write({.scores = scores_, .dataset = &dataset}, {.files = FileMode::copy});
  EXPECT_TRUE(fs::exists(out_ / "files/train/3.jpg"));
  EXPECT_TRUE(fs::exists(out_ / "files/4.jpg"));
  EXPECT_FALSE(fs::exists(out_ / "files/4.png"));  // the earlier folder is gone as a whole
}

/// Members of a plain ustar archive, by its 512-byte headers.
std::map<std::string, std::string> ustar_members(const std::string& tar) {
  std::map<std::string, std::string> members;
  for (std::size_t at = 0; at + 512 <= tar.size() && tar[at] != '\0';) {
    const std::size_t size = std::stoul(tar.substr(at + 124, 11), nullptr, 8);
    EXPECT_EQ(tar.substr(at + 257, 5), "ustar");
    EXPECT_EQ(std::stoul(tar.substr(at + 136, 11), nullptr, 8), 0U) << "modification time";
    EXPECT_EQ(std::stoul(tar.substr(at + 108, 6), nullptr, 8), 0U) << "owner";
    members[std::string(tar.c_str() + at)] = tar.substr(at + 512, size);
    at += 512 + (size + 511) / 512 * 512;
  }
  return members;
}

TEST_F(ExportTest, TarHoldsTheKeptFiles) {
  const FakeDataset dataset(keys_, labels_);
  EXPECT_EQ(write(source(&dataset), {.files = FileMode::tar}).back(), "kept.tar");
  EXPECT_EQ(ustar_members(text("kept.tar")),
            (std::map<std::string, std::string>{
                {"zero/a.png", "image 0"}, {"zero/b,1.png", "image 1"}, {"one/e.png", "image 4"}}));
  const std::string first = text("kept.tar");
  write(source(&dataset), {.files = FileMode::tar});
  EXPECT_EQ(text("kept.tar"), first);
}

TEST_F(ExportTest, ImageFolderGoesRoundThroughTarAndCopy) {
  const std::string png = read_file(fs::path(WINNOW_FIXTURES) / "pixel.png");
  const std::string jpeg = read_file(fs::path(WINNOW_FIXTURES) / "pixel.jpg");
  const std::string long_name(150, 'x');  // longer than ustar's field for names
  write_file(folder_ / "photos/cat/\xC3\xA9.png", png);
  write_file(folder_ / ("photos/cat/" + long_name + ".jpg"), jpeg);
  write_file(folder_ / "photos/dog/1.png", png);
  const auto open = [](const fs::path& path) {
    return io::open_dataset(io::DatasetSpec::parse("images:" + path.string()));
  };
  const auto photos = open(folder_ / "photos");
  ASSERT_EQ(photos->size(), 3);
  scores_ = {3, 2, 1};
  selection_ = select(scores_, {}, 0, {.keep = 1.0});
  const Source from{.scores = scores_, .labels = photos->labels(), .dataset = photos.get()};
  write(from, {.files = FileMode::tar});
  const auto tar = open(out_ / "kept.tar");
  EXPECT_EQ(tar->fingerprint(), photos->fingerprint());  // same keys, same labels
  EXPECT_EQ(tar->encoded_image(0).bytes, photos->encoded_image(0).bytes);
  write(from, {.files = FileMode::copy});
  EXPECT_EQ(open(out_ / "files")->fingerprint(), photos->fingerprint());
  EXPECT_FALSE(fs::exists(out_ / "kept.tar"));  // belonged to the selection before
  write(from, {.files = FileMode::link});
  EXPECT_EQ(fs::read_symlink(out_ / "files/dog/1.png"), folder_ / "photos/dog/1.png");
}

/// All files of an example go together, so that labels and captions do.
TEST_F(ExportTest, WebDatasetStaysOne) {
  const fs::path shards = fs::path(WINNOW_FIXTURES) / "../../io/fixtures/web/part-*.tar";
  const auto open = [](const fs::path& path) {
    return io::open_dataset(io::DatasetSpec::parse("images:" + path.string()));
  };
  const auto web = open(shards);
  ASSERT_EQ(web->size(), 5);
  scores_ = {5, 1, 4, 2, 3};
  selection_ = select(scores_, {}, 0, {.keep = 0.6});
  const Source from{.scores = scores_, .labels = web->labels(), .dataset = web.get()};
  write(from, {.files = FileMode::tar});
  const auto kept = open(out_ / "kept.tar");
  ASSERT_EQ(kept->size(), 3);
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::int64_t id = selection_.ids[static_cast<std::size_t>(i)];
    EXPECT_EQ(kept->key(i), web->key(id));
    EXPECT_EQ(kept->labels()[static_cast<std::size_t>(i)],
              web->labels()[static_cast<std::size_t>(id)]);
    EXPECT_EQ(kept->encoded_image(i).bytes, web->encoded_image(id).bytes);
  }
  write(from, {.files = FileMode::copy});
  EXPECT_EQ(read_file(out_ / "files/000.txt"), "a caption");
  EXPECT_TRUE(fs::exists(out_ / "files/sub/a.PNG"));
  EXPECT_THROW(write(from, {.files = FileMode::link}), InvalidArgument);
}

TEST_F(ExportTest, ManifestsAreExportedByTheirPaths) {
  const std::string png = read_file(fs::path(WINNOW_FIXTURES) / "pixel.png");
  write_file(folder_ / "photos/a.png", png);
  write_file(folder_ / "photos/deep/b.png", png);
  write_file(folder_ / "photos/list.csv", "path,label\ndeep/b.png,x\na.png,y\n");
  write_file(folder_ / "other/list.csv", "path\n../photos/a.png\n");
  const auto open = [](const fs::path& path) {
    return io::open_dataset(io::DatasetSpec::parse("images:" + path.string()));
  };
  const auto list = open(folder_ / "photos/list.csv");
  scores_ = {1, 2};
  selection_ = select(scores_, {}, 0, {.keep = 1.0});
  write({.scores = scores_, .dataset = list.get()}, {.files = FileMode::link});
  EXPECT_EQ(fs::read_symlink(out_ / "files/deep/b.png"), folder_ / "photos/deep/b.png");
  write({.scores = scores_, .dataset = list.get()}, {.files = FileMode::copy});
  EXPECT_EQ(read_file(out_ / "files/a.png"), png);
  // A path that leaves the folder cannot be written below another.
  const auto outside = open(folder_ / "other/list.csv");
  scores_ = {1};
  selection_ = select(scores_, {}, 0, {.keep = 1.0});
  const Source from{.scores = scores_, .dataset = outside.get()};
  EXPECT_THROW(write(from, {.files = FileMode::copy}), BadFile);
  EXPECT_NO_THROW(write(from, {.formats = {Format::csv}}));
}

TEST_F(ExportTest, EarlierFilesGoButOthersStay) {
  const FakeDataset dataset(keys_, labels_);
  write(source(&dataset), {.formats = {Format::keys, Format::mask}, .files = FileMode::copy});
  write_file(out_ / "notes.txt", "mine");
  write_file(out_ / "dropped.csv", "not written by the selection before");
  write(source(&dataset), {.formats = {Format::mask}});
  EXPECT_EQ(names(), (std::vector<std::string>{"dropped.csv", "keep.json", "keep.npy", "mask.npy",
                                               "notes.txt"}));
}

TEST_F(ExportTest, UnsafeKeysAreRefusedBeforeAnythingIsWritten) {
  for (const char* key : {"/etc/passwd", "../up.png", "a/../../b.png", "a/./b.png", "", "a/"}) {
    keys_[1] = key;
    const FakeDataset dataset(keys_);
    for (const FileMode mode : {FileMode::copy, FileMode::tar}) {
      EXPECT_THROW(write(source(&dataset), {.files = mode}), BadFile) << key;
    }
    EXPECT_TRUE(names().empty()) << key;
  }
}

TEST_F(ExportTest, SharedKeysAreRefused) {
  keys_[4] = keys_[0];
  const FakeDataset dataset(keys_);
  EXPECT_THROW(write(source(&dataset), {.files = FileMode::tar}), BadFile);
  // Different keys that become one name.
  const FakeDataset merged({"a", "a.png", "c", "d", "e", "f"});
  EXPECT_THROW(write(source(&merged), {.files = FileMode::tar}), BadFile);
  EXPECT_THROW(write(source(&merged), {.files = FileMode::copy}), Error);
  EXPECT_TRUE(names().empty());
}

TEST_F(ExportTest, BadRequests) {
  const FakeDataset dataset(keys_, labels_);
  FakeDataset no_images(keys_);
  no_images.images = false;
  EXPECT_THROW(write(source(), {.formats = {Format::keys}}), InvalidArgument);
  EXPECT_THROW(write(source(), {.files = FileMode::copy}), InvalidArgument);
  EXPECT_THROW(write(source(&no_images), {.files = FileMode::copy}), InvalidArgument);
  EXPECT_THROW(write(source(&dataset), {.files = FileMode::link}), InvalidArgument);
  keys_[0] = "two\nlines";
  const FakeDataset broken_line(keys_);
  EXPECT_THROW(write(source(&broken_line), {.formats = {Format::keys}}), BadFile);
  EXPECT_THROW(parse_formats("csv,tsv"), InvalidArgument);
  EXPECT_THROW(parse_formats("csv,,mask"), InvalidArgument);
  EXPECT_TRUE(parse_formats("").empty());
  EXPECT_TRUE(names().empty());
}

TEST_F(ExportTest, OtherDatasetsAreRefused) {
  const FakeDataset shorter({"a", "b"});
  EXPECT_THROW(write(source(&shorter)), DatasetMismatch);
  const FakeDataset dataset(keys_, labels_);
  Source other = source(&dataset);
  other.fingerprint = Fingerprint(dataset.fingerprint() == Fingerprint(1) ? 2 : 1);
  EXPECT_THROW(write(other), DatasetMismatch);
  EXPECT_TRUE(names().empty());
}

TEST_F(ExportTest, InterruptedLeavesWhatWasThere) {
  const FakeDataset dataset(keys_, labels_);
  CancelledProgress progress;
  EXPECT_THROW(
      write_selection(out_, selection_, source(&dataset), {.formats = {Format::csv}}, progress),
      Interrupted);
  EXPECT_FALSE(fs::exists(out_));
  write(source(&dataset), {.formats = {Format::keys}, .files = FileMode::copy});
  const auto before = names();
  const std::string keep = text("keep.json");
  for (const FileMode mode : {FileMode::copy, FileMode::tar}) {
    EXPECT_THROW(write_selection(out_, selection_, source(&dataset), {.files = mode}, progress),
                 Interrupted);
    EXPECT_EQ(names(), before);
    EXPECT_EQ(text("keep.json"), keep);
    EXPECT_TRUE(fs::exists(out_ / "files/one/e.png"));
  }
}

TEST_F(ExportTest, MissingSourceFileIsNamed) {
  FakeDataset dataset(keys_, labels_);
  for (const std::string& key : keys_) dataset.files.push_back(folder_ / "gone" / key);
  try {
    write(source(&dataset), {.files = FileMode::copy});
    FAIL() << "expected BadFile";
  } catch (const BadFile& error) {
    EXPECT_NE(std::string(error.what()).find("gone/zero/a.png"), std::string::npos);
  }
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace winnow::selection
