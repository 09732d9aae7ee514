// The vector kernel. Includers set the instruction set by their compile options and `lanes`, the
// doubles of one of its registers.

using V = double __attribute__((vector_size(8 * lanes)));
using I = std::int64_t __attribute__((vector_size(8 * lanes)));

inline V load(const double* from) {
  V v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

inline double sum(V v) {
  double total = 0.0;
  for (int i = 0; i < lanes; ++i) total += v[i];
  return total;
}

template <std::size_t n>
inline V polynomial(const double (&c)[n], V u) {
  // Even and odd powers apart: two short chains instead of a long one.
  const V u2 = u * u;
  V even = V{} + c[(n - 1) / 2 * 2];
  V odd = V{} + c[n / 2 * 2 - 1];
  for (std::size_t i = (n - 1) / 2; i > 0; --i) even = even * u2 + c[2 * (i - 1)];
  for (std::size_t i = n / 2 - 1; i > 0; --i) odd = odd * u2 + c[2 * i - 1];
  return even + odd * u;
}

/// exp(-h) for h >= 0: exp(-h) = 2^k exp(r), |r| <= log(2) / 2; 0 from 708 on. Cody and Waite.
inline V exp_minus(V h) {
  constexpr double shift = 0x1.8p52;  // moves the integer into the mantissa's last bits
  constexpr double ln2_high = 0x1.62e42fefa3800p-1;
  constexpr double ln2_low = 0x1.ef35793c76730p-45;
  static constexpr double series[] = {1.0,
                                      1.0,
                                      1.0 / 2,
                                      1.0 / 6,
                                      1.0 / 24,
                                      1.0 / 120,
                                      1.0 / 720,
                                      1.0 / 5040,
                                      1.0 / 40320,
                                      1.0 / 362880,
                                      1.0 / 3628800,
                                      1.0 / 39916800,
                                      1.0 / 479001600,
                                      1.0 / 6227020800};
  const V h_in = h > 708.0 ? V{} + 708.0 : h;
  const V shifted = h_in * -std::numbers::log2e + shift;
  const V k = shifted - shift;
  const V r = (-h_in - k * ln2_high) - k * ln2_low;
  I bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  const I scale_bits = (bits + 1023) << 52;
  V scale;
  std::memcpy(&scale, &scale_bits, sizeof scale);
  const V value = polynomial(series, r) * scale;
  return h > 708.0 ? V{} : value;
}

inline void add_lines(const Nodes& nodes, const Line& line, LineSums& sums) {
  V psi2{};
  V psi1{};
  V psi0{};
  V t_psi1{};
  V t_psi0{};
  V t2_psi0{};
  for (int i = 0; i < nodes.count; i += lanes) {
    const V t = load(nodes.position + i);
    const V r = line.shift + t;
    const V y = line.offset - line.slope * t;
    const V distance = y < 0.0 ? -y : y;
    const V scale = 1.0 / (2.0 + distance);
    const V u = (distance - 5.0) / (distance + 5.0);
    const V density = exp_minus(0.5 * y * y) * phi0;
    const V k1 = polynomial(k1_coefficients, u) * scale * scale;
    const V k2 = polynomial(k2_coefficients, u) * scale * scale * scale;
    const V left0 = density * (k2 + distance * k1);
    const V left1 = density * k1;
    const V left2 = density * k2;
    const V zero = y < 0.0 ? left0 : 1.0 - left0;
    const V one = y < 0.0 ? left1 : y + left1;
    const V two = y < 0.0 ? left2 : 1.0 + y * y - left2;
    const V mass = load(nodes.weight + i) * exp_minus(0.5 * r * r) * phi0;
    psi2 += mass * two;
    psi1 += mass * one;
    psi0 += mass * zero;
    t_psi1 += mass * t * one;
    t_psi0 += mass * t * zero;
    t2_psi0 += mass * t * t * zero;
  }
  sums.psi2 += sum(psi2);
  sums.psi1 += sum(psi1);
  sums.psi0 += sum(psi0);
  sums.t_psi1 += sum(t_psi1);
  sums.t_psi0 += sum(t_psi0);
  sums.t2_psi0 += sum(t2_psi0);
}
