#include <cpuid.h>
#include <immintrin.h>

#include "io/half.hpp"

// An attribute per function in place of a compiler flag: no inline function of a header can be
// compiled here for instructions that other machines lack.

namespace winnow::io::f16c {

bool supported() {
  static const bool found = [] {
    unsigned int eax = 0;
    unsigned int ebx = 0;
    unsigned int ecx = 0;
    unsigned int edx = 0;
    // AVX2 also tells that the operating system keeps the registers.
    return __builtin_cpu_supports("avx2") > 0 && __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 &&
           (ecx & static_cast<unsigned int>(bit_F16C)) != 0;
  }();
  return found;
}

__attribute__((target("avx,f16c"))) void widen_halves(const std::byte* from, std::span<float> out) {
  const std::size_t n = out.size();
  float* to = out.data();
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): unaligned load
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 2 * i));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(halves));
  }
  scalar::widen_halves(from + 2 * i, {to + i, n - i});
}

__attribute__((target("avx,f16c"))) void narrow_to_halves(std::span<const float> from,
                                                          std::uint16_t* out) {
  const std::size_t n = from.size();
  const float* values = from.data();
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(values + i), _MM_FROUND_TO_NEAREST_INT);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): unaligned store
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), halves);
  }
  scalar::narrow_to_halves({values + i, n - i}, out + i);
}

}  // namespace winnow::io::f16c
