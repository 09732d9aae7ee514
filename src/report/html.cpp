#include "report/html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace winnow::report {

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : to_utf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default: {
        const bool forbidden =
            (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
        forbidden ? out += "\xEF\xBF\xBD" : out += c;
      }
    }
  }
  return out;
}

std::string script_json(const Json& json) {
  const std::string dumped = dump_json(json);
  std::string out;
  out.reserve(dumped.size());
  for (const char c : dumped) {
    switch (c) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t group = byte(i) << 16U | byte(i + 1) << 8U | byte(i + 2);
    out += alphabet[group >> 18U & 63U];
    out += alphabet[group >> 12U & 63U];
    out += i + 1 < bytes.size() ? alphabet[group >> 6U & 63U] : '=';
    out += i + 2 < bytes.size() ? alphabet[group & 63U] : '=';
  }
  return out;
}

std::string shell_word(std::string_view word) {
  static constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:=,+@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

Html& Html::element(std::string_view tag, std::string_view plain, std::string_view css_class) {
  if (css_class.empty()) {
    html_ += fmt::format("<{}>", tag);
  } else {
    html_ += fmt::format("<{} class=\"{}\">", tag, escape(css_class));
  }
  html_ += escape(plain);
  html_ += fmt::format("</{}>", tag);
  return *this;
}

void append_table(Html& html, const Table& table) {
  html.markup(
      fmt::format(R"(<div class="table" tabindex="0" role="region" aria-label="{}"><table>)",
                  escape(table.caption)));
  html.element("caption", table.caption).markup("<thead><tr>");
  for (const auto& column : table.columns) {
    html.markup(column.numeric ? R"(<th scope="col" class="number">)" : R"(<th scope="col">)")
        .text(column.title)
        .markup("</th>");
  }
  html.markup("</tr></thead><tbody>\n");
  for (const auto& row : table.rows) {
    html.markup("<tr>");
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == 0) {
        html.markup(R"(<th scope="row">)").text(row[i]).markup("</th>");
      } else {
        html.element("td", row[i], table.columns[i].numeric ? "number" : "");
      }
    }
    html.markup("</tr>\n");
  }
  html.markup("</tbody></table></div>\n");
}

void append_data(Html& html, const Table& table) {
  html.markup("<details><summary>Data</summary>");
  append_table(html, table);
  html.markup("</details>\n");
}

void append_figure(Html& html, const Figure& figure, bool plots) {
  html.markup(fmt::format("<figure id=\"{}\">\n", escape(figure.id)));
  if (plots) {
    Json spec = figure.spec;
    spec["description"] = figure.alternative;
    html.markup(
        fmt::format("<div class=\"plot\" style=\"min-height:{}px\"></div>\n"
                    "<script type=\"application/json\">{}</script>\n",
                    figure.height, script_json(spec)));
    html.element("figcaption", figure.caption).markup("\n");
    append_data(html, figure.data);
  } else {
    append_table(html, figure.data);
  }
  html.markup("</figure>\n");
}

}  // namespace winnow::report
