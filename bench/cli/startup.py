#!/usr/bin/env python3
"""How long winnow takes to start: the median of 10 runs after one that warms the page cache.

usage: startup.py PATH/TO/winnow
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

LIMIT_MS = 50
RUNS = 10


def milliseconds(command, folder, must_say):
    """Times of RUNS runs; every run must succeed and print `must_say`."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        times.append(1000 * (time.perf_counter() - start))
        if done.returncode != 0 or must_say not in done.stdout:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return times[1:]


def main(winnow):
    winnow = str(pathlib.Path(winnow).resolve())
    select = "select --scores one.npy --keep 1 --policy hard --dry-run --json".split()
    cases = {
        "winnow --help": (["--help"], "select"),
        "winnow select --dry-run (n=1)": (select, "{"),
    }
    late = False
    with tempfile.TemporaryDirectory() as folder:
        numpy.save(pathlib.Path(folder) / "one.npy", numpy.zeros(1))
        print(f"{'start':<30}{'median ms':>12}{'fastest ms':>12}{'limit ms':>10}")
        for name, (arguments, must_say) in cases.items():
            times = milliseconds([winnow, *arguments], folder, must_say)
            median = statistics.median(times)
            late |= median > LIMIT_MS
            print(f"{name:<30}{median:>12.1f}{min(times):>12.1f}{LIMIT_MS:>10}")
    return 1 if late else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
