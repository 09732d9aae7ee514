// Plain loops, vectorised by the compiler for the instruction set of the file that includes them.
// Compiled with -ffp-contract=off, so that every instruction set rounds alike.

void add(const float* __restrict values, double* __restrict sum, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sum[i] += static_cast<double>(values[i]);
}

void add_forgotten(const std::uint8_t* __restrict before, const std::uint8_t* __restrict now,
                   std::uint8_t* __restrict count, std::uint8_t* __restrict learned,
                   std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    count[i] = static_cast<std::uint8_t>(count[i] + (before[i] & (now[i] ^ 1U)));
    learned[i] = static_cast<std::uint8_t>(learned[i] | now[i]);
  }
}

void enter_window(const float* __restrict values, double* __restrict sum,
                  double* __restrict squares, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const auto value = static_cast<double>(values[i]);
    sum[i] += value;
    squares[i] += value * value;
  }
}

template <bool by_difficulty>
void slide(const float* __restrict entering, const float* __restrict leaving,
           double* __restrict sum, double* __restrict squares, double* __restrict score,
           double window, std::int64_t n) {
  const double per_row = 1.0 / window;
  const double per_degree = 1.0 / (window - 1.0);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto in = static_cast<double>(entering[i]);
    const auto out = static_cast<double>(leaving[i]);
    const double total = sum[i] + (in - out);
    const double total_squares = squares[i] + (in * in - out * out);
    const double mean = total * per_row;
    const double variance = (total_squares - total * mean) * per_degree;
    const double spread = std::sqrt(static_cast<float>(variance > 0.0 ? variance : 0.0));
    sum[i] = total;
    squares[i] = total_squares;
    score[i] += by_difficulty ? spread * (1.0 - mean) : spread;
  }
}

const TrajectoryKernels table{add, add_forgotten, enter_window, slide<false>, slide<true>};
