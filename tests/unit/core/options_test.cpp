#include "winnow/core/options.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow {

enum class Fruit { apple, banana, blood_orange };

template <>
struct EnumNames<Fruit> {
  static constexpr EnumName<Fruit> values[] = {
      {Fruit::apple, "apple"}, {Fruit::banana, "banana"}, {Fruit::blood_orange, "blood-orange"}};
};

namespace {

using testing::expect_error;

struct Basket {
  std::int64_t count = 1;
  double ripeness = 0.5;
  double weight = 0.0;
  Fruit fruit = Fruit::apple;
  bool washed = false;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.count, FieldInfo{.name = "count", .min = 1, .max = 10});
    visit(self.ripeness, FieldInfo{.name = "ripeness", .min = 0, .max = 1, .min_open = true});
    visit(self.weight, FieldInfo{.name = "weight"});
    visit(self.fruit, FieldInfo{.name = "fruit"});
    visit(self.washed, FieldInfo{.name = "washed", .min = 5});
  }
};

TEST(Options, RangesReadAsInAPaper) {
  EXPECT_EQ(range_text({.min = 1}), "[1, inf)");
  EXPECT_EQ(range_text({.min = 0, .max = 1, .min_open = true}), "(0, 1]");
  EXPECT_EQ(range_text({.min = 0, .max = 1, .max_open = true}), "[0, 1)");
  EXPECT_EQ(range_text({.max = 2.5}), "(-inf, 2.5]");
  EXPECT_EQ(range_text({}), "");
}

TEST(Options, EveryNumberIsCheckedAgainstItsRange) {
  EXPECT_NO_THROW(validate_fields(Basket{}));
  EXPECT_NO_THROW(validate_fields(Basket{.count = 10, .ripeness = 1.0, .weight = -1e300}));
  expect_error<InvalidArgument>([] { validate_fields(Basket{.count = 0}); },
                                {"count = 0", "[1, 10]"});
  expect_error<InvalidArgument>([] { validate_fields(Basket{.count = 11}); }, {"count = 11"});
  expect_error<InvalidArgument>([] { validate_fields(Basket{.ripeness = 0.0}); },
                                {"ripeness = 0", "(0, 1]"});
  expect_error<InvalidArgument>([] { validate_fields(Basket{.ripeness = 1.5}); },
                                {"ripeness = 1.5"});
}

TEST(Options, NotANumberIsInNoRange) {
  expect_error<InvalidArgument>([] { validate_fields(Basket{.ripeness = std::nan("")}); },
                                {"ripeness = nan"});
  expect_error<InvalidArgument>([] { validate_fields(Basket{.weight = std::nan("")}); },
                                {"weight = nan"});
}

TEST(Options, EnumsGoByName) {
  EXPECT_STREQ(enum_name(Fruit::blood_orange), "blood-orange");
  EXPECT_EQ(parse_enum<Fruit>("fruit", "banana"), Fruit::banana);
  EXPECT_EQ(enum_choices<Fruit>(), (std::vector<std::string>{"apple", "banana", "blood-orange"}));
}

TEST(Options, UnknownNamesGetTheNearOne) {
  expect_error<InvalidArgument>(
      [] { parse_enum<Fruit>("fruit", "bananna"); },
      {"fruit = 'bananna'", "did you mean 'banana'?", "apple, banana, blood-orange"});
  expect_error<InvalidArgument>([] { parse_enum<Fruit>("fruit", "blood_oranges"); },
                                {"did you mean 'blood-orange'?"});
  try {
    parse_enum<Fruit>("fruit", "kohlrabi");
    ADD_FAILURE();
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(std::string(error.what()).find("did you mean"), std::string::npos) << error.what();
  }
  EXPECT_THROW(parse_enum<Fruit>("fruit", ""), InvalidArgument);
  EXPECT_THROW(parse_enum<Fruit>("fruit", "Apple"), InvalidArgument);
}

TEST(Options, NearestNameCountsTypingMistakes) {
  const std::vector<std::string> names{"hard", "easy", "random"};
  EXPECT_EQ(nearest_name("hrad", names), "hard");
  EXPECT_EQ(nearest_name("rndom", names), "random");
  EXPECT_EQ(nearest_name("easy", names), "easy");
  EXPECT_EQ(nearest_name("quantum", names), "");
  EXPECT_EQ(nearest_name("hard", {}), "");
}

TEST(Errors, TellTheProgramHowToExit) {
  EXPECT_EQ(InvalidArgument("").exit_code(), 2);
  EXPECT_EQ(BadFile("").exit_code(), 2);
  EXPECT_EQ(NonFiniteInput("").exit_code(), 2);
  EXPECT_EQ(DatasetMismatch("").exit_code(), 2);
  EXPECT_EQ(OutputExists("").exit_code(), 2);
  EXPECT_EQ(NotAvailable("").exit_code(), 2);
  EXPECT_EQ(WorkFailed("").exit_code(), 1);
  EXPECT_EQ(Interrupted().exit_code(), 130);
}

}  // namespace
}  // namespace winnow
