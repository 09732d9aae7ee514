"""winnow score of embeddings that do not fit in memory, its checkpoints and its k-means options."""

import os
import pathlib
import signal
import subprocess
import time
import unittest

import numpy as np

from helpers import WinnowTest


class StreamedTest(WinnowTest):
    """40,000 rows of 64 half precision numbers in seven shards: 10 MB as float32."""

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(5)
        centres = random.normal(size=(60, 64))
        rows = centres[random.integers(60, size=40_000)] + 0.7 * random.normal(size=(40_000, 64))
        self.rows = rows.astype(np.float16)
        (self.folder / "shards").mkdir()
        ends = [1, 5000, 5003, 12_288, 20_000, 39_999]
        for i, piece in enumerate(np.split(self.rows, ends)):
            self.save(f"shards/part-{i}.npy", piece)

    def score(self, out, *arguments, **how):
        told = self.succeed_json("score", "--metric", "self-prototypes", "--embeddings", "shards",
                                 "--clusters", 100, "--out", out, *arguments, **how)
        sidecar = self.read_json(out.replace(".npy", ".json"))
        return (self.folder / out).read_bytes(), sidecar, told

    def test_same_files_as_in_memory(self):
        for geometry in ("spherical", "euclidean"):
            options = ("--geometry", geometry, "--iterations", 4, "--force", "--centroids-out")
            whole = self.score("a.npy", *options, "a-c.npy")
            self.assertFalse(whole[2]["work"]["streamed"])
            self.assertEqual(whole[2]["work"]["bytes_read"], self.rows.nbytes)
            piecewise = self.score("b.npy", *options, "b-c.npy", "--memory", "8M")
            self.assertTrue(piecewise[2]["work"]["streamed"])
            self.assertGreater(piecewise[2]["work"]["bytes_read"], 5 * self.rows.nbytes)
            self.assertEqual(piecewise[:2], whole[:2])
            np.testing.assert_array_equal(self.load("a-c.npy"), self.load("b-c.npy"))
            self.assertEqual(len(whole[1]["inputs"]), 7)

    def test_work_is_told(self):
        _, sidecar, told = self.score("a.npy", "--iterations", 15)
        self.assertNotIn("work", sidecar)
        self.assertGreater(told["work"]["skipped"], 0.3)
        self.assertGreater(told["work"]["decided_by_products"], 0.5)
        sizes = told["sizes"]
        self.assertLessEqual(sizes["smallest"], sizes["median"])
        self.assertEqual(len(sidecar["objective"]), 16)

    def test_streamed_peak_memory(self):
        """Resident memory that is not the page cache's stays far below the rows."""
        self.save("large.npy", np.tile(self.rows, (8, 1)))  # 82 MB as float32
        peaks = {}
        for memory in ("30M", "2G"):
            program = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
                       "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
            done = subprocess.run(
                ["/usr/bin/python3", "-c", program, os.environ["WINNOW"], "score", "--metric",
                 "self-prototypes", "--embeddings", "large.npy", "--clusters", "100",
                 "--iterations", "1", "--memory", memory, "--out", f"{memory}.npy", "--quiet"],
                cwd=self.folder, capture_output=True, text=True, check=True)
            peaks[memory] = int(done.stdout.split()[-1]) * 1024
        # The mapped file (41 MB) counts in both.
        self.assertLess(peaks["30M"], peaks["2G"] - 40e6)
        self.assertEqual(self.load("30M.npy").tobytes(), self.load("2G.npy").tobytes())

    def test_too_little_memory(self):
        self.refuse("score", "--metric", "self-prototypes", "--embeddings", "shards", "--clusters",
                    "20000", "--memory", "2M", "--out", "s.npy",
                    mentions=["memory = ", "more --memory"])
        for text in ("lots", "-3G", "12", "1Q", "1Gb", "nan"):
            self.refuse("score", "--metric", "self-prototypes", "--embeddings", "shards",
                        f"--memory={text}", "--out", "s.npy", mentions=["memory", text, "1.5G"])

    def test_bad_numbers_are_named(self):
        rows = np.load(self.folder / "shards/part-4.npy")
        rows[7000, 33] = np.nan
        self.save("shards/part-4.npy", rows)
        for memory in ("8M", "1G"):
            self.refuse("score", "--metric", "self-prototypes", "--embeddings", "shards",
                        "--memory", memory, "--out", "s.npy",
                        mentions=["part-4.npy", "row 7000 column 33 is NaN"])
        rows[7000] = 0
        self.save("shards/part-4.npy", rows)
        for memory in ("8M", "1G"):
            self.refuse("score", "--metric", "self-prototypes", "--embeddings", "shards",
                        "--memory", memory, "--out", "s.npy", mentions=["row 19288", "norm 0"])

    def test_shards_of_another_width(self):
        self.save("shards/part-9.npy", self.rows[:5, :32])
        self.refuse("score", "--metric", "self-prototypes", "--embeddings", "shards", "--memory",
                    "8M", "--out", "s.npy", mentions=["part-9.npy", "[5, 32]"])

    def test_columns_first_is_read_as_a_whole(self):
        self.save("f.npy", np.asfortranarray(self.rows))
        expected = self.score("a.npy", "--iterations", 2)[0]
        self.succeed("score", "--metric", "self-prototypes", "--embeddings", "f.npy", "--clusters",
                     100, "--iterations", 2, "--out", "f-scores.npy")
        self.assertEqual((self.folder / "f-scores.npy").read_bytes(), expected)

    def test_a_file_that_shrinks(self):
        """Cut while k-means reads it again and again: an error that names it, and no scores."""
        process = subprocess.Popen(
            [os.environ["WINNOW"], "score", "--metric", "self-prototypes", "--embeddings",
             "shards", "--clusters", "300", "--iterations", "100000", "--memory", "8M",
             "--checkpoint", "at", "--out", "s.npy"], cwd=self.folder, stderr=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.wait_for(self.folder / "at", process)
        os.truncate(self.folder / "shards/part-5.npy", 5000)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 2, err)
        self.assertIn("part-5.npy", err)
        self.assertFalse((self.folder / "s.npy").exists())

    def wait_for(self, path: pathlib.Path, process):
        for _ in range(6000):
            if path.exists():
                return
            self.assertIsNone(process.poll(), "it ended before it came so far")
            time.sleep(0.02)
        self.fail(f"{path} never came")

    def test_killed_runs_resume_to_the_same_bits(self):
        options = ("--iterations", "40", "--restarts", "2", "--geometry", "euclidean")
        expected = self.score("whole.npy", *options)
        command = [os.environ["WINNOW"], "score", "--metric", "self-prototypes", "--embeddings",
                   "shards", "--clusters", "100", *options, "--checkpoint", "at", "--out", "s.npy"]
        resumed = False
        for _ in range(3):
            process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, text=True)
            try:
                self.wait_for(self.folder / "at", process)
                time.sleep(0.1)
            finally:
                process.send_signal(signal.SIGKILL)
                process.communicate()
            resumed |= process.returncode == -signal.SIGKILL
        self.assertTrue(resumed, "killed at work at least once")
        found = self.score("s.npy", *options, "--checkpoint", "at", "--force")
        self.assertEqual(found[:2], expected[:2])
        self.assertFalse((self.folder / "at").exists(), "removed at the end")

    def test_checkpoints_of_something_else_are_refused(self):
        command = ("score", "--metric", "self-prototypes", "--embeddings", "shards", "--clusters",
                   100, "--checkpoint", "at", "--out", "s.npy")
        process = subprocess.Popen([os.environ["WINNOW"], *map(str, command), "--iterations",
                                    "100000"], cwd=self.folder, stderr=subprocess.PIPE, text=True)
        self.wait_for(self.folder / "at", process)
        process.send_signal(signal.SIGTERM)
        process.communicate()
        self.assertEqual(process.returncode, 130)
        self.refuse(*command, "--iterations", 3, mentions=["at", "iterations = 100000, now 3"])
        self.refuse(*command, "--iterations", 100000, "--seed", 4, mentions=["seed = 0, now 4"])
        (self.folder / "at").write_bytes(b"nothing")
        self.refuse(*command, mentions=["at"])

    def test_starts(self):
        first = self.rows[:100].astype(np.float32)
        self.save("first.npy", first)
        told = {}
        for init in ("k-means++", "random", "first.npy"):
            told[init] = self.score("s.npy", "--init", init, "--iterations", 3, "--force")[1]
            self.assertEqual(told[init]["options"]["init"], init)
        # Seeds that are far apart begin lower than any rows do.
        self.assertLess(told["k-means++"]["objective"][0], told["random"]["objective"][0])
        unit = first / np.linalg.norm(first, axis=1, keepdims=True)
        rows = self.rows.astype(np.float64)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        self.assertAlmostEqual(told["first.npy"]["objective"][0],
                               (1 - (rows @ unit.T).max(axis=1)).mean(), places=6)
        self.refuse("score", "--metric", "self-prototypes", "--embeddings", "shards", "--init",
                    "first.npy", "--clusters", 99, "--out", "t.npy",
                    mentions=["clusters = 99", "first.npy", "100"])
        self.refuse("score", "--metric", "self-prototypes", "--embeddings", "shards", "--init",
                    "kmeans++", "--out", "t.npy", mentions=["kmeans++", "k-means++"])

    def test_restarts_and_mini_batches(self):
        once = self.score("a.npy", "--iterations", 2)[1]
        best = self.score("b.npy", "--iterations", 2, "--restarts", 4)[1]
        self.assertLessEqual(best["objective"][-1], once["objective"][-1])
        self.assertIn("restart", best)
        quick = self.score("c.npy", "--iterations", 20, "--mini-batch", 500)[1]
        self.assertEqual(quick["options"]["mini-batch"], 500)
        self.assertEqual(len(quick["objective"]), 1)
        self.assertLess(quick["objective"][0], 1.3 * once["objective"][-1])

    def test_options_of_other_metrics_are_refused(self):
        for option in ("--mini-batch", "--restarts"):
            self.refuse("score", "--metric", "el2n", "--dynamics", "none", option, 5, "--out",
                        "s.npy", mentions=[option[2:], "el2n"])

    def test_help_lists_them(self):
        text = self.succeed("score", "--help").out
        for flag in ("--memory", "--checkpoint", "--init", "--restarts", "--mini-batch"):
            self.assertIn(flag, text)


if __name__ == "__main__":
    unittest.main()
