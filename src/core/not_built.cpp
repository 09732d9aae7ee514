#include "winnow/core/not_built.hpp"

#include <fmt/format.h>

#include "winnow/core/error.hpp"

namespace winnow {

void throw_not_built(const std::string& what, const std::string& libraries,
                     const std::string& option) {
  throw NotAvailable(fmt::format(
      "{} need {}, which this build of winnow does without; install it, configure with -D{}=ON and "
      "rebuild",
      what, libraries, option));
}

}  // namespace winnow
