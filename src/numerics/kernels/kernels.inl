// Included by exactly one source file per instruction set, inside that set's namespace, so that the
// compiler vectorises the same plain loops for it. Nothing here may include a header.

double dot(const float* a, const float* b, std::int64_t n) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

double squared_distance(const float* a, const float* b, std::int64_t n) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

Smallest smallest_difference(const float* offset, const float* values, std::int64_t n) {
  float best = offset[0] - values[0];
#pragma omp simd reduction(min : best)
  for (std::int64_t i = 0; i < n; ++i) {
    const float value = offset[i] - values[i];
    best = value < best ? value : best;
  }
  std::int64_t index = 0;
  while (index < n - 1 && offset[index] - values[index] != best) ++index;
  return {index, best};
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

void add_to(const float* x, double* y, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += static_cast<double>(x[i]);
}

constexpr Kernels table{dot, squared_distance, smallest_difference, add_triangle, add_to};
