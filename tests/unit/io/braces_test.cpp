#include "io/braces.hpp"

#include "unit/io/image_stores.hpp"

namespace winnow::io {
namespace {

TEST(ExpandBraces, ReadsThemAsAShellDoes) {
  EXPECT_EQ(expand_braces("a.tar"), Names{"a.tar"});
  EXPECT_EQ(expand_braces("a,b"), (Names{"a", "b"}));
  EXPECT_EQ(expand_braces("x-{08..11}.tar"),
            (Names{"x-08.tar", "x-09.tar", "x-10.tar", "x-11.tar"}));
  EXPECT_EQ(expand_braces("{8..11}"), (Names{"8", "9", "10", "11"}));
  EXPECT_EQ(expand_braces("{2..0}"), (Names{"2", "1", "0"}));
  EXPECT_EQ(expand_braces("{a,b}{0..1}"), (Names{"a0", "a1", "b0", "b1"}));
  EXPECT_EQ(expand_braces("{x,}y,z"), (Names{"xy", "y", "z"}));
  for (const char* name : {"{}", "{a}", "{a..b}", "{1..}", "{", "}", "a}b{c", "{1..-1}"}) {
    EXPECT_EQ(expand_braces(name), Names{name});
  }
  expect_error<InvalidArgument>([] { expand_braces("{0..1000000}"); }, {"more than 1000000"});
  expect_error<InvalidArgument>([] { expand_braces("{1..9999}{1..9999}"); }, {"more than"});
}

}  // namespace
}  // namespace winnow::io
