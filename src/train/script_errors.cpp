#include "train/script_errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <string_view>

namespace winnow::train {

namespace fs = std::filesystem;

namespace {

constexpr const char* how_to_export =
    "export the encoder with torch.jit.script(model.eval()).save(FILE), or torch.jit.trace "
    "(docs/encoders.md)";
constexpr const char* way_out =
    "export it with a PyTorch as old as that, or write embeddings as .npy with your own PyTorch "
    "(docs/encoders.md)";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string trimmed(std::string_view text) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

/// The line at or after `begin`, without blanks around it.
std::string line_at(std::string_view text, std::size_t begin) {
  while (begin < text.size() && text[begin] == '\n') ++begin;
  return trimmed(text.substr(begin, text.find('\n', begin) - begin));
}

/// The word after `label`: letters, digits, `_`, `:` and dots inside.
std::string word_after(std::string_view text, std::string_view label) {
  const std::size_t at = text.find(label);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = text.substr(at + label.size());
  std::size_t end = 0;
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':' || c == '.';
  };
  while (end < rest.size() && fits(rest[end])) ++end;
  while (end > 0 && (rest[end - 1] == '.' || rest[end - 1] == ':')) --end;
  return std::string(rest.substr(0, end));
}

/// The operator or type that LibTorch did not find, with what is the matter; "" for other troubles.
std::string unknown_piece(const std::string& message) {
  if (const auto name = word_after(message, "Unknown builtin op: "); !name.empty()) {
    return fmt::format("needs the operator {}, which {{}} does not know", name);
  }
  if (contains(message, "Arguments for call are not valid")) {
    // The variants that exist come first: "aten::relu(Tensor self) -> Tensor:".
    const std::size_t listed = message.find("following variants are available:");
    const std::size_t name = message.find("::", std::min(listed, message.size()));
    if (name != std::string::npos) {
      const std::size_t begin = message.find_last_of(" \n", name) + 1;
      const std::string op = message.substr(begin, message.find_first_of(".(", name) - begin);
      return fmt::format("calls the operator {} with arguments that {{}} does not know", op);
    }
  }
  if (const auto name = word_after(message, "Unknown type name '"); !name.empty()) {
    return fmt::format("needs the type {}, which {{}} does not know", name);
  }
  return "";
}

std::string first_bytes(const fs::path& file) {
  std::string bytes(4, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

}  // namespace

std::string useful_line(const std::string& message) {
  // The interpreter appends its own cause as the last line that begins with the exception's name.
  for (const std::string_view label : {"RuntimeError: ", "builtins.RuntimeError: "}) {
    const std::size_t at = message.rfind(label);
    if (at != std::string::npos) return line_at(message, at + label.size());
  }
  const std::string line = line_at(message, 0);
  // "Expected ... Exception raised from ...": the rest is LibTorch's own stack.
  return trimmed(std::string_view(line).substr(0, line.find("Exception raised from")));
}

std::string explain_load(const fs::path& file, const ScriptArchive& archive,
                         const std::string& message) {
  const std::string name = file.string();
  const std::string found_version = archive.version ? fmt::format("{}", *archive.version)
                                                    : word_after(message, "file with version ");
  const std::string versions =
      fmt::format("it is written in format version {}, and {} reads up to {}", found_version,
                  archive.backend, archive.newest_version);
  if (!archive.version && !found_version.empty()) {
    return fmt::format("{}: too new: {}; {}", name, versions, way_out);
  }
  if (archive.has_code) {
    const std::string piece = unknown_piece(message);
    if (piece.empty()) {
      return fmt::format("{}: a damaged or foreign TorchScript archive: {} ({}); {}", name,
                         useful_line(message), versions, how_to_export);
    }
    return fmt::format("{}: {}; {}; {}", name, fmt::format(fmt::runtime(piece), archive.backend),
                       versions, way_out);
  }
  if (archive.version) {
    return fmt::format("{}: weights or a model pickled by torch.save, which hold no code; {}", name,
                       how_to_export);
  }
  const std::string bytes = first_bytes(file);
  if (bytes.starts_with("PK")) {
    return fmt::format("{}: a damaged archive: {}; copy or export it again", name,
                       useful_line(message));
  }
  if (bytes.starts_with('\x80')) {
    return fmt::format("{}: a pickle, as the old torch.save wrote, which holds no code; {}", name,
                       how_to_export);
  }
  return fmt::format("{}: no TorchScript archive; {}", name, how_to_export);
}

std::string explain_run(const fs::path& file, std::int64_t count, const io::ImageShape& shape,
                        const std::string& message) {
  const std::string cause = useful_line(message);
  const bool grey = contains(cause, "to have 1 channel");
  const char* advice =
      grey ? "it takes grey images; export it inside a module that takes three channels and gives "
             "it their mean (docs/encoders.md)"
           : "give the size it was made for, --image-size N, or export it inside a module that "
             "takes what winnow gives (docs/encoders.md)";
  return fmt::format("{}: the encoder failed on images given as [{}, 3, {}, {}]: {}; {}",
                     file.string(), count, shape.height, shape.width, cause, advice);
}

}  // namespace winnow::train
