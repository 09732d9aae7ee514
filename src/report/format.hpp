#pragma once

#include <cstdint>
#include <string>

namespace winnow::report {

// Numbers as a person reads them. A minus is U+2212, a space before a unit does not break.

/// "1,234,567"
std::string format_count(std::int64_t count);
/// Three significant digits: "0.412", "12.3", "1,230"; "not finite" for NaN and infinities.
std::string format_number(double value);
/// Share as percent, three significant digits: 0.909 -> "90.9 %".
std::string format_percent(double share);
/// Share as percent without needless zeros, as a person would type it: 0.5 -> "50 %".
std::string format_share(double share);
/// "9.12 ± 0.03 %" from shares; without the error when it is not finite (a single value).
std::string format_error_rate(double mean, double standard_error);
/// Difference of shares in percentage points, without sign: "0.18 points".
std::string format_points(double difference);
/// "0.84 s", "12.3 s", "4 min 05 s", "2 h 11 min".
std::string format_seconds(double seconds);
/// "1.4 MB" (decimal).
std::string format_bytes(std::int64_t bytes);
/// "1 image", "3 images".
std::string plural(std::int64_t count, const std::string& noun);
/// "1 class", "3 classes".
std::string plural(std::int64_t count, const std::string& singular, const std::string& many);

}  // namespace winnow::report
