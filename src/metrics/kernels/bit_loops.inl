// Plain loops that every instruction set shares: included inside its namespace.

PairCounts count_pair(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words) {
  PairCounts counts;
  for (std::int64_t w = 0; w < words; ++w) {
    counts.a += std::popcount(a[w]);
    counts.b += std::popcount(b[w]);
    counts.both += std::popcount(a[w] & b[w]);
  }
  return counts;
}

/// Moments of values [begin, n) one by one, added to those before.
void add_moments(const std::int32_t* counts, const std::int32_t* totals, std::int64_t begin,
                 std::int64_t n, const std::uint64_t* chosen, Moments& found) {
  for (std::int64_t m = begin; m < n; ++m) {
    const std::int64_t x = 2 * std::int64_t{counts[m]} - totals[m];
    const auto mask = -static_cast<std::int64_t>(chosen[m / 64] >> (m % 64) & 1U);
    found.sum += x;
    found.squares += x * x;
    found.chosen_sum += x & mask;
    found.chosen_squares += x * x & mask;
  }
}

/// Differences [begin, n) one by one, added to what `found` has of those before.
void add_differences(const std::int32_t* counts, const std::int32_t* totals, std::int64_t begin,
                     std::int64_t n, std::int64_t scale_a, std::int64_t scale_b,
                     std::uint64_t* signs, Differences& found) {
  for (std::int64_t j = begin; j < n; ++j) {
    const std::int64_t x = scale_a * counts[j] - scale_b * totals[j];
    found.highest = std::max(found.highest, x);
    found.sum_abs += x < 0 ? -x : x;
    if (j % 64 == 0) signs[j / 64] = 0;
    signs[j / 64] |= std::uint64_t{x >= 0} << (j % 64);
  }
}
