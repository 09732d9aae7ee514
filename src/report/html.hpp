#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "winnow/core/run.hpp"

namespace winnow::report {

/// Text as it may stand between tags and inside quoted attributes. Control characters that HTML
/// forbids become U+FFFD.
std::string escape(std::string_view text);

/// JSON that may stand inside a <script> element: no '<', '>' or '&' is left in it.
std::string script_json(const Json& json);

std::string base64(std::string_view bytes);

/// A word as a POSIX shell takes it, quoted where it has to be.
std::string shell_word(std::string_view word);

/// HTML under construction. markup() takes trusted HTML; everything else escapes.
class Html {
 public:
  Html& markup(std::string_view html) {
    html_ += html;
    return *this;
  }
  Html& text(std::string_view plain) {
    html_ += escape(plain);
    return *this;
  }
  /// <tag class="css_class">plain</tag>
  Html& element(std::string_view tag, std::string_view plain, std::string_view css_class = "");
  const std::string& str() const { return html_; }

 private:
  std::string html_;
};

/// A table whose first column names the row. Cells are plain text.
struct Table {
  struct Column {
    std::string title;
    bool numeric = true;
  };
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
};

/// The table in a box that scrolls sideways when the screen is narrow.
void append_table(Html& html, const Table& table);

/// The table behind a "Data" disclosure.
void append_data(Html& html, const Table& table);

/// A Vega-Lite figure, with its data as a table.
struct Figure {
  std::string id;  ///< Unique in the page, an HTML identifier.
  Json spec;
  int height = 0;           ///< Reserved on the page in pixels, so that nothing jumps.
  std::string alternative;  ///< What a screen reader says.
  std::string caption;      ///< How to read the plot.
  Table data;
};

/// The figure; without `plots` its table takes the place of the plot.
void append_figure(Html& html, const Figure& figure, bool plots);

}  // namespace winnow::report
