#include "report/format.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace winnow::report {
namespace {

TEST(Format, CountsHaveThousandsSeparators) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1281167), "1,281,167");
  EXPECT_EQ(format_count(-60000), "−60,000");
}

TEST(Format, NumbersHaveThreeSignificantDigits) {
  EXPECT_EQ(format_number(0.0), "0");
  EXPECT_EQ(format_number(0.41249), "0.412");
  EXPECT_EQ(format_number(12.345), "12.3");
  EXPECT_EQ(format_number(-0.5), "−0.500");
  EXPECT_EQ(format_number(9.996), "10.0");  // the rounding carries
  EXPECT_EQ(format_number(999.4), "999");
  EXPECT_EQ(format_number(999.6), "1,000");
  EXPECT_EQ(format_number(12345.6), "12,346");
  EXPECT_EQ(format_number(0.000012345), "1.23e-05");
  EXPECT_EQ(format_number(std::nan("")), "not finite");
  EXPECT_EQ(format_number(std::numeric_limits<double>::infinity()), "not finite");
}

TEST(Format, SharesBecomePercent) {
  EXPECT_EQ(format_percent(0.909), "90.9\u00A0%");
  EXPECT_EQ(format_percent(1.0), "100\u00A0%");
  EXPECT_EQ(format_percent(0.0), "0\u00A0%");
  EXPECT_EQ(format_percent(0.00912), "0.912\u00A0%");
  EXPECT_EQ(format_share(0.5), "50\u00A0%");
  EXPECT_EQ(format_share(0.125), "12.5\u00A0%");
}

TEST(Format, ErrorsShowTheirUncertaintyWhenThereIsOne) {
  EXPECT_EQ(format_error_rate(0.0912, 0.0003), "9.12\u00A0±\u00A00.03\u00A0%");
  EXPECT_EQ(format_error_rate(0.0912, std::nan("")), "9.12\u00A0%");
  EXPECT_EQ(format_points(-0.0018), "0.18\u00A0points");
}

TEST(Format, TimesAndSizesPickTheirUnit) {
  EXPECT_EQ(format_seconds(0.0204), "0.0204\u00A0s");
  EXPECT_EQ(format_seconds(41.2), "41.2\u00A0s");
  EXPECT_EQ(format_seconds(59.96), "1\u00A0min 00\u00A0s");
  EXPECT_EQ(format_seconds(98.2), "1\u00A0min 38\u00A0s");
  EXPECT_EQ(format_seconds(7860.0), "2\u00A0h 11\u00A0min");
  EXPECT_EQ(format_bytes(512), "512\u00A0bytes");
  EXPECT_EQ(format_bytes(1228154), "1.23\u00A0MB");
  EXPECT_EQ(plural(1, "image"), "1\u00A0image");
  EXPECT_EQ(plural(3, "class", "classes"), "3\u00A0classes");
}

}  // namespace
}  // namespace winnow::report
