#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace winnow::io {

/// Many texts in one piece of memory: 8 bytes each beside their characters. Views stay valid until
/// the next add() or append().
class PathTable {
 public:
  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }
  std::string_view operator[](std::int64_t index) const {
    const auto i = static_cast<std::size_t>(index);
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(characters_).substr(begin, ends_[i] - begin);
  }

  void add(std::string_view text) {
    characters_ += text;
    ends_.push_back(characters_.size());
  }
  void append(const PathTable& other) {
    const std::size_t begin = characters_.size();
    characters_ += other.characters_;
    for (const std::size_t end : other.ends_) ends_.push_back(begin + end);
  }
  void reserve(std::int64_t count, std::size_t characters) {
    ends_.reserve(static_cast<std::size_t>(count));
    characters_.reserve(characters);
  }
  std::size_t characters() const { return characters_.size(); }
  /// Gives back what adding one by one has reserved too much.
  void shrink() {
    characters_.shrink_to_fit();
    ends_.shrink_to_fit();
  }

 private:
  std::string characters_;
  std::vector<std::size_t> ends_;
};

}  // namespace winnow::io
