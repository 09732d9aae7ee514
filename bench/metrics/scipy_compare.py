#!/usr/bin/env python3
"""`winnow compare` next to SciPy: the same scores, times of both, and that both say the same.

SciPy does Spearman's and Kendall's correlations only; winnow also reads the files and does overlap
and class balance.

usage: scipy_compare.py WINNOW [EXAMPLES [SCORES]]   (default 1280000 and 10)
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from scipy import stats


def cpu_seconds():
    """Of this process and its children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextlib.contextmanager
def timed(what):
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield
    print(f"{what:36} {time.perf_counter() - wall:8.2f} s, {cpu_seconds() - cpu:8.2f} s of CPU")


def main():
    warnings.simplefilter("ignore")  # SciPy's variance of tau overflows; tau does not
    winnow = str(pathlib.Path(sys.argv[1]).resolve())
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 1280000
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    random = np.random.default_rng(1)
    common = random.random(n)
    scores = [common + random.random(n) for _ in range(count)]
    for s in range(2, count, 3):
        scores[s] = np.floor(10 * scores[s])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for s, values in enumerate(scores):
            np.save(folder / f"s{s}.npy", values)
        np.save(folder / "y.npy", random.integers(0, 1000, n))
        files = [f"s{s}.npy" for s in range(count)]
        with timed("winnow compare, all of the command"):
            done = subprocess.run([winnow, "compare", *files, "--labels", "y.npy", "--out", "out",
                                   "--json", "--quiet"], cwd=folder, check=True,
                                  capture_output=True)
        told = json.loads(done.stdout)
    with timed("SciPy spearmanr"):
        spearman = np.atleast_2d(stats.spearmanr(np.stack(scores, axis=1))[0])
    worst = 0.0
    with timed("SciPy kendalltau of every pair"):
        for a in range(count):
            for b in range(a):
                tau = stats.kendalltau(scores[a], scores[b])[0]
                worst = max(worst, abs(tau - told["kendall"][a][b]))
    if count > 2:
        worst = max(worst, np.abs(spearman - np.array(told["spearman"])).max())
    print(f"largest difference {worst:.1e}")
    sys.exit(0 if worst < 1e-10 else 1)


if __name__ == "__main__":
    main()
