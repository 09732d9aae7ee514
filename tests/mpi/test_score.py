"""winnow score on many ranks: the files of one, and none when a rank fails."""

import os
import signal
import subprocess
import time
import unittest

import numpy as np

from test_launch import ENVIRONMENT, LaunchTest, own_lines


class ScoreTest(LaunchTest):
    """30,000 rows in five files, so that ranks begin within files."""

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(6)
        centres = random.normal(size=(50, 24))
        rows = centres[random.integers(50, size=30_000)] + 0.8 * random.normal(size=(30_000, 24))
        self.rows = rows.astype(np.float32)
        (self.folder / "shards").mkdir()
        for i, piece in enumerate(np.split(self.rows, [3, 9000, 14_000, 29_000])):
            self.save(f"shards/part-{i}.npy", piece)

    def command(self, *arguments):
        return ("score", "--metric", "self-prototypes", "--embeddings", "shards", "--clusters",
                120, "--iterations", 6, "--centroids-out", "c.npy", "--out", "s.npy", "--force",
                *arguments)

    def files(self):
        return {name: (self.folder / name).read_bytes()
                for name in ("s.npy", "s.json", "c.npy", "c.json")}

    def test_any_number_of_ranks_gives_the_same_files(self):
        for options in (("--geometry", "spherical"), ("--geometry", "euclidean", "--memory", "4M"),
                        ("--mini-batch", 400), ("--init", "random", "--restarts", 2)):
            self.succeed(*self.command(*options))
            expected = self.files()
            for ranks in (1, 2, 3, 4):
                with self.subTest(ranks=ranks, options=options):
                    done = self.winnow(ranks, *self.command(*options, "--json"))
                    self.assertEqual(done.code, 0, done.err)
                    self.assertIn(f'"ranks": {ranks}', done.out)
                    self.assertEqual(self.files(), expected)

    def test_more_ranks_than_chunks_of_rows(self):
        self.save("few.npy", self.rows[:50])
        few = ("score", "--metric", "self-prototypes", "--embeddings", "few.npy", "--clusters", 5,
               "--force", "--out")
        self.succeed(*few, "a.npy")
        done = self.winnow(3, *few, "b.npy")
        self.assertEqual(done.code, 0, done.err)
        np.testing.assert_array_equal(self.load("a.npy"), self.load("b.npy"))

    def test_a_row_that_only_one_rank_reads(self):
        rows = self.rows[14_000:29_000].copy()
        rows[14_500, 3] = np.nan
        self.save("shards/part-3.npy", rows)
        for memory in ("1G", "4M"):
            done = self.winnow(3, *self.command("--memory", memory))
            self.assertEqual(done.code, 2, done.err)
            self.assertEqual(len(own_lines(done.err)), 1, done.err)
            self.assertIn("part-3.npy: row 14500 column 3 is NaN", done.err)
            self.assertFalse((self.folder / "s.npy").exists())

    def test_what_one_process_does(self):
        self.save("y.npy", np.zeros(30_000, np.int32))
        self.refuse_launch(2, "score", "--metric", "random", "--labels", "y.npy", "--out", "r.npy",
                           says="winnow score --metric random works in one process")

    def test_a_rank_that_dies_and_the_run_after_it(self):
        options = ("--iterations", 60, "--restarts", 2)
        self.succeed(*self.command(*options))
        expected = self.files()
        for name in expected:
            (self.folder / name).unlink()
        command = ["mpirun", "-n", "3", os.environ["WINNOW"],
                   *map(str, self.command(*options, "--checkpoint", "at"))]
        process = subprocess.Popen(command, cwd=self.folder, env=ENVIRONMENT, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not (self.folder / "at").exists() and process.poll() is None:
            time.sleep(0.01)
        ranks = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True,
                               check=False).stdout.split()
        if process.poll() is None and ranks:
            os.kill(int(ranks[-1]), signal.SIGKILL)
        _, err = process.communicate(timeout=120)
        self.assertNotEqual(process.returncode, 0, err)
        self.assertFalse((self.folder / "s.npy").exists(), "no partial output")
        # Another number of ranks goes on from there.
        done = self.winnow(2, *self.command(*options, "--checkpoint", "at"))
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.files(), expected)


if __name__ == "__main__":
    unittest.main()
