#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace winnow {

/// Which dataset an artifact belongs to: a hash over its sample keys and labels, in order.
/// An unknown fingerprint (a plain array without a sidecar) matches any.
class Fingerprint {
 public:
  Fingerprint() = default;
  explicit Fingerprint(std::uint64_t value) : value_(value) {}
  /// From "xxh3:..." of a sidecar; "" or "unknown" give the unknown fingerprint.
  /// @throws BadFile for any other text.
  static Fingerprint parse(std::string_view text);

  bool known() const { return value_.has_value(); }
  bool matches(const Fingerprint& other) const {
    return !known() || !other.known() || *value_ == *other.value_;
  }
  /// "xxh3:0123456789abcdef" or "unknown".
  std::string text() const;
  bool operator==(const Fingerprint&) const = default;

 private:
  std::optional<std::uint64_t> value_;
};

/// Which of the two is known; the first when both are.
inline const Fingerprint& known_of(const Fingerprint& a, const Fingerprint& b) {
  return a.known() ? a : b;
}

/// @throws DatasetMismatch naming both artifacts unless the fingerprints match.
void require_same_dataset(const Fingerprint& a, std::string_view name_a, const Fingerprint& b,
                          std::string_view name_b);

}  // namespace winnow
