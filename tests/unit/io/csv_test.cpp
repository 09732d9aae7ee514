#include "winnow/io/csv.hpp"

#include <gtest/gtest.h>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {
namespace {

TEST(Csv, ReadsQuotesCommasAndLineBreaks) {
  const CsvTable table = read_csv(fixture("csv/quoted.csv"));
  EXPECT_EQ(table.header, (std::vector<std::string>{"name", "label"}));
  const std::vector<std::vector<std::string>> expected = {{"plain", "cat"},
                                                          {"with, comma", "dog"},
                                                          {"a \"quote\"", "cat"},
                                                          {"two\nlines", "an, owl"},
                                                          {"", "dog"}};
  EXPECT_EQ(table.rows, expected);
  EXPECT_EQ(table.column("label"), 1U);
  expect_error<BadFile>([&] { table.column("labels"); },
                        {"quoted.csv", "no column 'labels'", "name, label"});
}

TEST(Csv, SkipsAByteOrderMark) {
  EXPECT_EQ(read_csv(fixture("csv/bom.csv")).header, std::vector<std::string>{"label"});
}

TEST(Csv, TheLastLineMayLackItsBreak) {
  const TempFolder folder;
  EXPECT_EQ(read_csv(put(folder / "a.csv", "x,y\n1,")).rows,
            (std::vector<std::vector<std::string>>{{"1", ""}}));
  EXPECT_EQ(read_csv(put(folder / "a.csv", "x,y\n1,2\n")).rows.size(), 1U);
}

TEST(Csv, LinesCountThoseInsideQuotes) {
  const TempFolder folder;
  CsvReader reader(put(folder / "a.csv", "\"a\nb\"\nc\r\nd"));
  std::vector<std::string> fields;
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(reader.line(), 1);
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(reader.line(), 3);
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(fields, std::vector<std::string>{"d"});
  EXPECT_EQ(reader.where(), (folder / "a.csv").string() + ": line 4");
  EXPECT_FALSE(reader.next(fields));
}

TEST(Csv, ErrorsNameTheLine) {
  const TempFolder folder;
  const auto fails = [&](std::string_view text, const std::vector<std::string>& found) {
    const auto path = put(folder / "bad.csv", text);
    expect_error<BadFile>([&] { read_csv(path); }, found);
  };
  fails("x,y\n1,2\n3\n", {"bad.csv: line 3 (row 1)", "1 fields; expected 2"});
  fails("x,y\n1,2,3\n", {"line 2 (row 0)", "3 fields"});
  fails("x\n\"a\nb", {"bad.csv: line 2", "never closed"});
  fails("x\n\"a\"b\n", {"line 2", "after a closing quote"});
  fails("x\na\"b\n", {"line 2", "inside an unquoted field"});
  fails("x\ry\r", {"line 1", "carriage return"});
  fails("x,x\n", {"line 1", "two columns are called 'x'"});
  fails("", {"bad.csv", "empty"});
  fails(std::string_view("x\n\0\n", 4), {"bad.csv", "NUL", "byte 2"});
  fails("\xFF\xFEx", {"bad.csv", "UTF-16"});
}

TEST(Csv, FieldsAreQuotedWhereTheyMustBe) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field(""), "");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("a \"b\""), "\"a \"\"b\"\"\"");
  EXPECT_EQ(csv_field("a\nb"), "\"a\nb\"");
}

}  // namespace
}  // namespace winnow::io
