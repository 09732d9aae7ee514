#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "io/manifest.hpp"
#include "io/mat_file.hpp"
#include "io/natural_order.hpp"
#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/csv.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

/// Text of few different characters, among them all that mean something to a reader.
std::string any_text() {
  return *rc::gen::container<std::string>(rc::gen::element('a', ',', '"', '\n', '\r', '0', ' '));
}

/// `bytes` with up to five bytes changed and perhaps the end cut off.
std::string damaged(std::string bytes) {
  const int changes = *rc::gen::inRange(1, 6);
  for (int i = 0; i < changes; ++i) {
    bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  }
  if (*rc::gen::arbitrary<bool>()) bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size()));
  return bytes;
}

RC_GTEST_PROP(NpyProperty, DoublesRoundTrip, (const std::vector<double>& values)) {
  const TempFolder folder;
  write_npy(folder / "x.npy", values);
  const auto read = read_vector_f64(folder / "x.npy");
  RC_ASSERT(std::equal(read.begin(), read.end(), values.begin(), values.end(),
                       [](double a, double b) { return a == b || (a != a && b != b); }));
}

RC_GTEST_PROP(NpyProperty, IntegersRoundTrip, (const std::vector<std::int64_t>& values)) {
  const TempFolder folder;
  write_npy(folder / "x.npy", values);
  RC_ASSERT(read_vector_i64(folder / "x.npy") == values);
}

/// A damaged file is an error or another array, never a crash.
RC_GTEST_PROP(NpyProperty, DamagedFilesNeverCrash, ()) {
  const TempFolder folder;
  const auto path = put(folder / "x.npy", damaged(bytes_of(fixture("npy/int16.npy"))));
  try {
    const NpyFile file(path);
    std::vector<float> values(static_cast<std::size_t>(file.size()));
    file.read<float>(0, values);
  } catch (const BadFile&) {
  }
}

RC_GTEST_PROP(ImageProperty, DamagedImagesNeverCrash, ()) {
  const std::string name = *rc::gen::element<std::string>("rgb.png", "palette.png", "grey-16.png",
                                                          "rgb.jpg", "progressive.jpg");
  const TempFolder folder;
  put(folder / "a/1.png", damaged(bytes_of(fixture("images/" + name))));
  const auto data = open_dataset(DatasetSpec::parse("images:" + folder.text()));
  try {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(data->image_shape().size()));
    const std::int64_t id = 0;
    data->read_images({&id, 1}, pixels);
  } catch (const BadFile&) {
  }
}

RC_GTEST_PROP(ImageProperty, DamagedArchivesNeverCrash, ()) {
  const TempFolder folder;
  const auto path = put(folder / "x.tar", damaged(bytes_of(fixture("tar/splits.tar"))));
  try {
    open_dataset(DatasetSpec::parse("images:" + path.string()))->encoded_image(0);
  } catch (const BadFile&) {
  }
}

RC_GTEST_PROP(CsvProperty, FieldsRoundTrip, ()) {
  const auto width = *rc::gen::inRange<std::size_t>(1, 4);
  const auto height = *rc::gen::inRange<std::size_t>(0, 5);
  std::vector<std::vector<std::string>> rows(height, std::vector<std::string>(width));
  std::string text;
  for (std::size_t j = 0; j < width; ++j) text.append(j > 0 ? "," : "").append(std::to_string(j));
  for (auto& row : rows) {
    for (auto& field : row) field = any_text();
    text += *rc::gen::element<std::string>("\n", "\r\n");
    for (std::size_t j = 0; j < width; ++j) text.append(j > 0 ? "," : "").append(csv_field(row[j]));
  }
  const TempFolder folder;
  RC_ASSERT(read_csv(put(folder / "x.csv", text + "\n")).rows == rows);
}

RC_GTEST_PROP(CsvProperty, AnyTextIsReadOrAnError, ()) {
  const TempFolder folder;
  const auto path = put(folder / "x.csv", any_text());
  try {
    read_csv(path);
  } catch (const BadFile&) {
  }
}

/// A damaged MAT file is an error or other numbers, never a crash; so for each of its variables.
RC_GTEST_PROP(MatProperty, DamagedFilesNeverCrash, ()) {
  const std::string name = *rc::gen::element<std::string>(
      "mat/classes.mat", "mat/classes-packed.mat", "mat/scalars.mat", "mat/halves.mat",
      "mat/struct.mat", "svhn/packed/train_32x32.mat");
  const TempFolder folder;
  const auto path = put(folder / "x.mat", damaged(bytes_of(fixture(name))));
  try {
    const MatFile file(path);
    for (const auto& variable : file.variables()) {
      try {
        file.read(variable).integers(variable.name);
      } catch (const BadFile&) {
      }
    }
  } catch (const BadFile&) {
  }
}

RC_GTEST_PROP(CifarProperty, DamagedFilesNeverCrash, ()) {
  const TempFolder folder;
  for (const char* name : {"train.bin", "fine_label_names.txt"}) {
    put(folder / name, damaged(bytes_of(fixture("cifar/cifar-100-binary") / name)));
  }
  try {
    const auto data = open_dataset(DatasetSpec::parse("cifar100:" + folder.text()));
    RC_ASSERT(data->size() == static_cast<std::int64_t>(data->labels().size()));
    data->encoded_image(data->size() - 1);
  } catch (const BadFile&) {
  }
}

RC_GTEST_PROP(JsonlProperty, AnyTextIsReadOrAnError, ()) {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "{", "}", "\"path\"", ":", ",", "\"a\"", "\"label\"", "1", "-", "[", "]", "\n", " ",
      "{\"path\":\"a\"}", "{\"path\":\"b\",\"label\":1}", "\\", "\xC3", "null"));
  std::string text;
  for (const auto& piece : pieces) text += piece;
  const TempFolder folder;
  try {
    manifest_labels(read_manifest(put(folder / "x.jsonl", text)));
  } catch (const BadFile&) {
  }
}

/// Rows in any order, names cut at their front: each example gets the label of its own row.
RC_GTEST_PROP(LabelJoinProperty, OrderAndFoldersDoNotMatter, ()) {
  const auto n = *rc::gen::inRange(1, 7);
  std::vector<int> order(6);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[*rc::gen::inRange<std::size_t>(0, i)]);
  }
  std::string csv = "label,file\n";
  for (const int i : order) {
    csv += std::to_string((7 * i + n) % 10) + ",";
    csv += *rc::gen::element<std::string>("", "./", "/data/", "a/b/") + "train/" +
           std::to_string(i) + "\n";
  }
  const TempFolder folder;
  const auto path = put(folder / "y.csv", csv).string();
  const auto data = open_dataset(
      DatasetSpec::parse("mnist:" + fixture("idx/plain").string() + ",labels=" + path));
  for (int i = 0; i < 6; ++i) RC_ASSERT(data->labels()[i] == (7 * i + n) % 10);
}

/// A strict total order: of two different texts exactly one comes first, and order is transitive.
RC_GTEST_PROP(NaturalOrderProperty, IsATotalOrder, ()) {
  const auto text = [] {
    return *rc::gen::container<std::string>(rc::gen::element('0', '1', '2', 'a', '-', '\xC3'));
  };
  const std::string a = text();
  const std::string b = text();
  const std::string c = text();
  RC_ASSERT(!natural_less(a, a));
  if (a != b) RC_ASSERT(natural_less(a, b) != natural_less(b, a));
  if (natural_less(a, b) && natural_less(b, c)) RC_ASSERT(natural_less(a, c));
}

}  // namespace
}  // namespace winnow::io
