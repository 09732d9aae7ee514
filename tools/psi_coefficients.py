"""Writes src/theory/psi_coefficients.hpp: polynomials for the scaled tails of the Gaussian.

    k_n(t) = Psi_n(-t) / phi(t),  t >= 0

(src/theory/gaussian.hpp defines Psi_n) are smooth in u = (t - 5) / (t + 5) once multiplied by
(2 + t)^(n + 1). The coefficients are those of the Chebyshev interpolant at 64 nodes, computed with
60 digits and cut below 1e-18, as powers of u.

usage: /usr/bin/python3 tools/psi_coefficients.py >src/theory/psi_coefficients.hpp
"""

from mpmath import cos, erfc, exp, mp, mpf, pi, sqrt

CENTRE, SHIFT, NODES = 5, 2, 64
mp.dps = 60


def tails(t):
    k0 = exp(t * t / 2) * sqrt(pi / 2) * erfc(t / sqrt(mpf(2)))
    k1 = 1 - t * k0
    k2 = k0 - t * k1
    return k0, k1, k2, (2 * k1 - t * k2) / 3


def chebyshev(f):
    angles = [pi * (2 * j + 1) / (2 * NODES) for j in range(NODES)]
    values = [f(CENTRE * (1 + cos(a)) / (1 - cos(a))) for a in angles]
    return [
        (2 if n else 1) * sum(v * cos(n * a) for v, a in zip(values, angles)) / NODES
        for n in range(NODES)
    ]


def powers(coefficients):
    """Chebyshev series to powers of u."""
    before, now = [mpf(1)], [mpf(0), mpf(1)]
    total = [mpf(0)] * len(coefficients)
    for n, c in enumerate(coefficients):
        t_n = before if n == 0 else now
        if n > 1:
            t_n = [mpf(0)] + [2 * x for x in now]
            for i, x in enumerate(before):
                t_n[i] -= x
            before, now = now, t_n
        for i, x in enumerate(t_n):
            total[i] += c * x
    return total


print("#pragma once\n\n// Written by tools/psi_coefficients.py; rerun it instead of editing.\n")
print("namespace winnow::theory {\n")
print("/// k_n(t) (2 + t)^(n + 1) = sum_i c[i] u^i, u = (t - 5) / (t + 5), for t >= 0.")
for n in (1, 2, 3):
    series = chebyshev(lambda t: (SHIFT + t) ** (n + 1) * tails(t)[n])
    last = max(i for i, c in enumerate(series) if abs(c) > abs(series[0]) * mpf(10) ** -18)
    print(f"inline constexpr double k{n}_coefficients[] = {{")
    for c in powers(series[: last + 1]):
        print(f"    {mp.nstr(c, 20)},")
    print("};")
print("\n}  // namespace winnow::theory")
