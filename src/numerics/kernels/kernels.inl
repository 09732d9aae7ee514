// Included by exactly one source file per instruction set, inside that set's namespace, so that the
// compiler vectorises the same plain loops for it. Nothing here may include a header.

// Sums in a fixed order, whatever the registers' width: number i is added to sum i mod 32, and the
// sums are added in halves. The products of a dot product are exact in double; the squares of a
// distance are not, so that no multiplication may be fused with an addition (-ffp-contract=off).
constexpr std::int64_t n_sums = 32;
constexpr std::int64_t n_lanes = 8;
using Doubles = double __attribute__((vector_size(n_lanes * sizeof(double))));

void widen(const float* from, Doubles& to) {
  for (std::int64_t l = 0; l < n_lanes; ++l) to[l] = static_cast<double>(from[l]);
}

/// `add(sum, x, y)` adds a term, of eight numbers at once or of one.
template <class Add>
double sum_of(const float* a, const float* b, std::int64_t n, const Add& add) {
  Doubles sums[n_sums / n_lanes] = {};
  std::int64_t i = 0;
  for (; i + n_sums <= n; i += n_sums) {
    for (std::int64_t s = 0; s < n_sums / n_lanes; ++s) {
      Doubles x;
      Doubles y;
      widen(a + i + s * n_lanes, x);
      widen(b + i + s * n_lanes, y);
      add(sums[s], x, y);
    }
  }
  double all[n_sums];
  __builtin_memcpy(all, sums, sizeof all);
  for (double* sum = all; i < n; ++i, ++sum) {
    add(*sum, static_cast<double>(a[i]), static_cast<double>(b[i]));
  }
  for (std::int64_t width = n_sums / 2; width > 0; width /= 2) {
    for (std::int64_t s = 0; s < width; ++s) all[s] += all[s + width];
  }
  return all[0];
}

double dot(const float* a, const float* b, std::int64_t n) {
  return sum_of(a, b, n, [](auto& sum, const auto& x, const auto& y) { sum += x * y; });
}

double squared_distance(const float* a, const float* b, std::int64_t n) {
  return sum_of(a, b, n, [](auto& sum, const auto& x, const auto& y) {
    const auto difference = x - y;
    sum += difference * difference;
  });
}

Smallest smallest_difference(const float* offset, const float* values, std::int64_t n) {
  constexpr std::int64_t lanes = 16;
  using Floats = float __attribute__((vector_size(lanes * sizeof(float))));
  constexpr float infinity = __builtin_inff();
  Floats low = infinity - Floats{};
  Floats next = low;
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    Floats difference;
    Floats subtracted;
    __builtin_memcpy(&difference, offset + i, sizeof difference);
    __builtin_memcpy(&subtracted, values + i, sizeof subtracted);
    difference -= subtracted;
    const Floats higher = difference < low ? low : difference;
    next = higher < next ? higher : next;
    low = difference < low ? difference : low;
  }
  float best = infinity;
  float second = infinity;
  const auto include = [&best, &second](float value) {
    const float higher = value < best ? best : value;
    second = higher < second ? higher : second;
    best = value < best ? value : best;
  };
  for (std::int64_t l = 0; l < lanes; ++l) {
    include(low[l]);
    second = next[l] < second ? next[l] : second;
  }
  for (; i < n; ++i) include(offset[i] - values[i]);
  constexpr std::int64_t stride = 64;
  std::int64_t index = 0;
  for (; index + stride < n; index += stride) {
    std::int32_t found = 0;
#pragma omp simd reduction(| : found)
    for (std::int64_t l = 0; l < stride; ++l) {
      found |= offset[index + l] - values[index + l] == best ? 1 : 0;
    }
    if (found != 0) break;
  }
  while (index < n - 1 && offset[index] - values[index] != best) ++index;
  return {index, best, second};
}

std::int64_t count_differences(const float* offset, const float* values, float limit,
                               std::int64_t n) {
  std::int32_t count = 0;
#pragma omp simd reduction(+ : count)
  for (std::int64_t i = 0; i < n; ++i) count += offset[i] - values[i] <= limit ? 1 : 0;
  return count;
}

void add_triangle(float x2, const float* c2, float* xc, float* pool, std::int64_t n) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) {
    const float squared = x2 + c2[i] - 2.0F * xc[i];
    const float z = __builtin_sqrtf(squared > 0.0F ? squared : 0.0F);
    xc[i] = z;
    sum += z;
  }
  const float mean = sum / static_cast<float>(n);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const float code = mean - xc[i];
    pool[i] += code > 0.0F ? code : 0.0F;
  }
}

/// Rounds, and adds up the squares of x and of what rounding takes away, as `Sum`.
template <class Sum>
void round_and_add(const float* x, std::uint16_t* rounded, std::int64_t n, Sum& all, Sum& residual) {
  Sum all_sum = 0;
  Sum residual_sum = 0;
#pragma omp simd reduction(+ : all_sum, residual_sum)
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x[i]);
    const std::uint32_t high = (bits + 0x7FFFU + (bits >> 16U & 1U)) >> 16U;
    rounded[i] = static_cast<std::uint16_t>(high);
    const float difference = x[i] - __builtin_bit_cast(float, high << 16U);  // exact
    all_sum += static_cast<Sum>(x[i]) * static_cast<Sum>(x[i]);
    residual_sum += static_cast<Sum>(difference) * static_cast<Sum>(difference);
  }
  all = all_sum;
  residual = residual_sum;
}

RoundedSquares round_bf16(const float* x, std::uint16_t* rounded, std::int64_t n) {
  float all = 0.0F;
  float residual = 0.0F;
  round_and_add(x, rounded, n, all, residual);
  // Sums in float32 round by n 2^-24 of themselves at most, and squares below 2^-126 are lost: far
  // less than that of sums that are not small.
  const double slack = 1.0 + static_cast<double>(n + 2) * 0x1p-23;
  if (n < 1 << 20U && all < 1e30F && residual > 1e-20F) {
    return {static_cast<double>(all) * slack, static_cast<double>(residual) * slack};
  }
  RoundedSquares squares;
  round_and_add(x, rounded, n, squares.all, squares.residual);
  return squares;
}

void add_to(const float* x, double* y, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += static_cast<double>(x[i]);
}

float largest_magnitude(const float* x, std::int64_t n) {
  std::uint32_t largest = 0;  // Sizes of floats are ordered as their bits are.
#pragma omp simd reduction(max : largest)
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x[i]) & 0x7FFFFFFFU;
    largest = bits > largest ? bits : largest;
  }
  return __builtin_bit_cast(float, largest);
}

void scale(const float* x, double factor, float* y, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(static_cast<double>(x[i]) * factor);
}

// Adding 1.5 2^52 rounds to a whole number, ties to even, which then is the low bits' difference.
constexpr double to_whole = 0x1.8p52;

void add_fixed(const float* x, double factor, std::int64_t* sums, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const double shifted = static_cast<double>(x[i]) * factor + to_whole;
    sums[i] += __builtin_bit_cast(std::int64_t, shifted) - __builtin_bit_cast(std::int64_t, to_whole);
  }
}

void fixed_rest(const float* x, double factor, float* rest, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const double whole = (static_cast<double>(x[i]) * factor + to_whole) - to_whole;
    rest[i] = static_cast<float>(static_cast<double>(x[i]) - whole / factor);
  }
}

constexpr Kernels table{dot,
                        squared_distance,
                        smallest_difference,
                        count_differences,
                        add_triangle,
                        round_bf16,
                        add_to,
                        largest_magnitude,
                        scale,
                        add_fixed,
                        fixed_rest};
