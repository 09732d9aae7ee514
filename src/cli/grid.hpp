#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace winnow::cli {

/// Values to look at: one, a list, or LOW:HIGH:COUNT evenly on a logarithmic scale (evenly on a
/// linear one when LOW is 0). A TextField (core/options.hpp).
struct Grid {
  std::vector<double> values;

  static constexpr const char* forms = "A|A,B,...|LOW:HIGH:COUNT";
  /// @throws InvalidArgument naming `field`, the text and the forms.
  static Grid parse(std::string_view field, std::string_view text);
  std::string text() const;
};

}  // namespace winnow::cli
