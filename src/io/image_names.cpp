#include "io/image_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_but_case(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return lower(a) == b; });
}

}  // namespace

FileRole file_role(std::string_view path) {
  using enum FileRole;
  constexpr std::array<std::pair<std::string_view, FileRole>, 17> roles = {{{"jpg", image},
                                                                            {"jpeg", image},
                                                                            {"png", image},
                                                                            {"webp", image},
                                                                            {"cls", label},
                                                                            {"json", json},
                                                                            {"gif", other_image},
                                                                            {"bmp", other_image},
                                                                            {"tif", other_image},
                                                                            {"tiff", other_image},
                                                                            {"avif", other_image},
                                                                            {"heic", other_image},
                                                                            {"jfif", other_image},
                                                                            {"jp2", other_image},
                                                                            {"jxl", other_image},
                                                                            {"ppm", other_image},
                                                                            {"pgm", other_image}}};
  const std::size_t dot = path.find_last_of("./");
  // A name that begins with its only dot has no extension.
  if (dot == std::string_view::npos || path[dot] == '/') return other;
  if (dot == 0 || path[dot - 1] == '/') return other;
  const std::string_view extension = path.substr(dot + 1);
  for (const auto& [known, role] : roles) {
    if (equal_but_case(extension, known)) return role;
  }
  return other;
}

void throw_other_image(const std::string& name) {
  throw BadFile(fmt::format("{}: an image in a format that is not read; expected {}; convert it",
                            name, image_formats));
}

void PassedOver::add(std::string_view path) {
  if (count++ == 0 || path < first) first = path;
}

void PassedOver::add(const PassedOver& other) {
  if (other.count > 0 && (count == 0 || other.first < first)) first = other.first;
  count += other.count;
}

void PassedOver::tell(const std::string& dataset, Progress& progress) const {
  if (count == 0) return;
  progress.warn(fmt::format("{}: passed over {} files that are not images, the first {}", dataset,
                            count, first));
}

}  // namespace winnow::io
