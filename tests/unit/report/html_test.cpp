#include "report/html.hpp"

#include <gtest/gtest.h>

#include <string>

namespace winnow::report {
namespace {

TEST(Escape, LeavesNothingThatMarkupIsMadeOf) {
  EXPECT_EQ(escape("<script>alert('1') & \"2\"</script>"),
            "&lt;script&gt;alert(&#39;1&#39;) &amp; &quot;2&quot;&lt;/script&gt;");
  EXPECT_EQ(escape("Größe 50 %\n\tx"), "Größe 50 %\n\tx");
}

TEST(Escape, ReplacesControlCharacters) {
  EXPECT_EQ(escape(std::string_view("a\0b\x1b\x7f", 5)), "a\uFFFDb\uFFFD\uFFFD");
}

TEST(ScriptJson, CannotEndItsScriptElement) {
  const Json json = {{"name", "</script><!-- & -->"}};
  const std::string text = script_json(json);
  EXPECT_EQ(text.find_first_of("<>&"), std::string::npos) << text;
  EXPECT_EQ(Json::parse(text), json);
}

TEST(ScriptJson, ReplacesInvalidUtf8) {
  const Json json = {{"name", "a\xff"}};
  EXPECT_EQ(Json::parse(script_json(json))["name"], "a\uFFFD");
}

// RFC 4648, section 10, and all 64 digits.
TEST(Base64, MatchesTheTestVectorsOfItsStandard) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xef\xbe\xfb"),
            "/+++"
            "+w==");
}

TEST(ShellWord, QuotesOnlyWhatTheShellWouldChange) {
  EXPECT_EQ(shell_word("fashion-mnist:/data#1"), "'fashion-mnist:/data#1'");
  EXPECT_EQ(shell_word("runs/demo"), "runs/demo");
  EXPECT_EQ(shell_word("it's $HOME"), "'it'\\''s $HOME'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(AppendTable, EscapesCellsAndMarksRowHeaders) {
  Html html;
  append_table(html,
               {.caption = "A & B", .columns = {{"name", false}, {"n"}}, .rows = {{"<i>", "3"}}});
  EXPECT_NE(html.str().find("<caption>A &amp; B</caption>"), std::string::npos);
  EXPECT_NE(html.str().find("<th scope=\"row\">&lt;i&gt;</th>"), std::string::npos);
  EXPECT_NE(html.str().find("<td class=\"number\">3</td>"), std::string::npos);
}

TEST(AppendFigure, ShowsTheTableWhereThereAreNoPlots) {
  const Figure figure{
      .id = "f",
      .spec = {{"mark", "bar"}},
      .height = 100,
      .alternative = "bars",
      .caption = "caption",
      .data = {.caption = "numbers", .columns = {{"name", false}}, .rows = {{"a"}}}};
  Html with;
  append_figure(with, figure, true);
  EXPECT_NE(with.str().find("class=\"plot\""), std::string::npos);
  EXPECT_NE(with.str().find("\"description\":\"bars\""), std::string::npos);
  EXPECT_NE(with.str().find("<details>"), std::string::npos);
  Html without;
  append_figure(without, figure, false);
  EXPECT_EQ(without.str().find("class=\"plot\""), std::string::npos);
  EXPECT_EQ(without.str().find("<details>"), std::string::npos);
  EXPECT_EQ(without.str().find("<figcaption>"), std::string::npos);
  EXPECT_NE(without.str().find("<caption>numbers</caption>"), std::string::npos);
}

}  // namespace
}  // namespace winnow::report
