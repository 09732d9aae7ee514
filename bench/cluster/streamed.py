#!/usr/bin/env python3
"""Scores embeddings that lie on disk, then selects 80 % of them; prints time and memory.

usage: streamed.py WINNOW FOLDER [--rows N] [--columns D] [--clusters K] [--iterations I]
                   [--memory SIZE] [--tflops RATE]

Makes FOLDER/shards first where they are missing: float16 rows around 3 K centres of unequal sizes
and spreads, in files of 100,000 rows. The limit it prints is the products' operations, of the
comparisons that were made, over --tflops, the rate that bench_faiss measures for one
multiplication. Memory is the largest anonymous resident memory: mapped files are the page cache's.
"""

import argparse
import json
import pathlib
import subprocess
import threading
import time

import numpy as np

ROWS_OF_SHARD = 100_000


def make_shards(folder, n, d, clusters):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    n_centres = 3 * clusters
    centres = random.standard_normal((n_centres, d), dtype=np.float32)
    weights = random.exponential(size=n_centres)
    spread = random.uniform(0.5, 1.5, size=n_centres).astype(np.float32)
    for shard, first in enumerate(range(0, n, ROWS_OF_SHARD)):
        path = folder / f"part-{shard:05d}.npy"
        count = min(ROWS_OF_SHARD, n - first)
        if path.exists():
            continue
        stream = np.random.default_rng([7, shard])
        of = stream.choice(n_centres, size=count, p=weights / weights.sum())
        out = np.lib.format.open_memmap(str(path) + ".tmp", mode="w+", dtype=np.float16,
                                        shape=(count, d))
        for begin in range(0, count, 10_000):
            part = of[begin:begin + 10_000]
            noise = stream.standard_normal((len(part), d), dtype=np.float32)
            out[begin:begin + 10_000] = centres[part] + spread[part, None] * noise
        out.flush()
        del out
        pathlib.Path(str(path) + ".tmp").rename(path)


def run(command):
    """Runs a command; returns what it prints, its seconds and its peak anonymous memory in bytes."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = 0

    def watch():
        nonlocal peak
        while process.poll() is None:
            try:
                text = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            except OSError:
                return
            for line in text.splitlines():
                if line.startswith("RssAnon:"):
                    peak = max(peak, int(line.split()[1]) * 1024)
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"{command[1]} ended with {process.returncode}")
    return json.loads(out), time.monotonic() - start, peak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("winnow")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=1_281_167)
    parser.add_argument("--columns", type=int, default=2048)
    parser.add_argument("--clusters", type=int, default=1000)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--tflops", type=float, default=0.9)
    options = parser.parse_args()
    shards = options.folder / "shards"
    make_shards(shards, options.rows, options.columns, options.clusters)
    scores = options.folder / "scores.npy"
    told, seconds, peak = run(
        [options.winnow, "score", "--metric", "self-prototypes", "--embeddings", str(shards),
         "--clusters", str(options.clusters), "--iterations", str(options.iterations), "--memory",
         options.memory, "--out", str(scores), "--force", "--json"])
    _, select_seconds, select_peak = run(
        [options.winnow, "select", "--scores", str(scores), "--keep", "0.8", "--out",
         str(options.folder / "kept"), "--force", "--json"])
    passes = options.iterations + 1
    compared = (1.0 - told["work"]["skipped"]) * passes * options.rows * options.clusters
    floor = 2.0 * compared * options.columns / (options.tflops * 1e12)
    print(json.dumps({
        "rows": options.rows, "columns": options.columns, "clusters": options.clusters,
        "iterations": options.iterations, "score_seconds": round(seconds, 1),
        "select_seconds": round(select_seconds, 1), "seconds": told["seconds"],
        "work": told["work"], "objective": told["objective"],
        "floor_seconds": round(floor, 1), "of_floor": round(floor / seconds, 2),
        "peak_anonymous_bytes": max(peak, select_peak),
        "picoseconds_per_comparison": round(1e12 * seconds / (passes * options.rows *
                                                              options.clusters), 1)}, indent=1))


if __name__ == "__main__":
    main()
