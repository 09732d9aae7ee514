#pragma once

#include <filesystem>
#include <string>

namespace winnow::selection {

/// Files that appear in a folder together: they are made under path(), a hidden folder inside it,
/// and moved up when all of them are complete. Until then the folder keeps what it had.
class Staging {
 public:
  /// @throws WorkFailed when the folder cannot be made or written to.
  explicit Staging(const std::filesystem::path& folder);
  /// Removes what was not moved, and the folder itself when it is new and still empty.
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Moves the file or folder path()/name up, in place of an earlier one. @throws WorkFailed.
  void move_up(const std::string& name);
  /// Takes an earlier folder/name away, if there; the destructor removes it. @throws WorkFailed.
  void set_aside(const std::string& name) const;
  /// fsync of the folder, best effort.
  void sync() const noexcept;

 private:
  [[noreturn]] void fail(const std::string& name, const char* action, int code) const;

  std::filesystem::path folder_;
  std::filesystem::path path_;
  bool is_new_ = false;
};

}  // namespace winnow::selection
