"""Ctrl-C and kill: how a run ends, what it leaves behind, and that --resume completes it."""

import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import fixtures
from helpers import WinnowTest

# About a second of work with one thread, most of it in trainings.
PRUNE = ("prune", "--data", "mnist:idx", "--words", 24, "--patches", 3000, "--dimensions", 24,
         "--evaluate", "--train-iterations", 250, "--evaluate-seeds", 2, "--threads", 1)
SAME = ("embeddings.npy", "embeddings-test.npy", "scores.npy", "keep.npy", "results.csv")


class InterruptTest(WinnowTest):
    def setUp(self):
        super().setUp()
        fixtures.write_idx(self.folder / "idx", n=240, n_test=80)

    def start(self, *arguments):
        return subprocess.Popen([os.environ["WINNOW"], *map(str, arguments)], cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stop(self, process, signal_number=signal.SIGINT):
        """Sends the signal once winnow has told of its first stage; checks how it ended."""
        self.assertNotEqual(process.stderr.readline(), "")
        process.send_signal(signal_number)
        out, err = process.communicate(timeout=self.timeout_seconds)
        self.assertEqual((process.returncode, out), (130, ""), err)
        self.assertIn("winnow: interrupted", err)

    def wait_for(self, process, ready):
        """Until ready() or the end of the process."""
        deadline = time.monotonic() + self.timeout_seconds
        while process.poll() is None and not ready():
            self.assertLess(time.monotonic(), deadline, "winnow never came so far")
            time.sleep(0.002)

    def trained(self):
        return len(list((self.folder / "run/trainings").glob("*/run.json")))

    def temporaries(self):
        return [path for path, _ in self.listing() if ".tmp-" in path]

    def assert_same_as_uninterrupted(self):
        if not (self.folder / "whole").exists():
            self.succeed(*PRUNE, "--out", "whole")
        for name in SAME:
            self.assertEqual((self.folder / "run" / name).read_bytes(),
                             (self.folder / "whole" / name).read_bytes(), name)
        self.assertEqual([path for path, _ in self.listing("run")],
                         [path for path, _ in self.listing("whole")])

    def test_interrupted_embed_leaves_nothing(self):
        before = self.listing()
        process = self.start("embed", "--data", "mnist:idx", "--patches", 400_000, "--words", 600,
                             "--dictionary-iterations", 100_000, "--out", "emb.npy")
        self.stop(process)
        self.assertEqual(self.listing(), before)

    def test_terminated_score_leaves_nothing(self):
        self.save("emb.npy", fixtures.blobs(n=3000, d=16)[0])
        before = self.listing()
        process = self.start("score", "--embeddings", "emb.npy", "--iterations", 100_000_000,
                             "--clusters", 50, "--out", "s.npy")
        self.stop(process, signal.SIGTERM)
        self.assertEqual(self.listing(), before)

    def test_interrupted_train_leaves_nothing(self):
        before = self.listing()
        process = self.start("train", "--data", "mnist:idx", "--encoder", "pixels", "--model",
                             "mlp", "--iterations", 100_000_000, "--out", "fit")
        self.stop(process)
        self.assertEqual(self.listing(), before)

    def test_interrupted_prune_resumes(self):
        process = self.start(*PRUNE, "--out", "run")
        self.wait_for(process, lambda: self.trained() >= 3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=self.timeout_seconds)
        self.assertEqual((process.returncode, out), (130, ""), err)
        self.assertEqual(self.temporaries(), [])
        self.assertFalse((self.folder / "run/run.json").exists())
        done = {path: path.stat().st_mtime_ns
                for path in (self.folder / "run").glob("trainings/*/run.json")}
        embedded = (self.folder / "run/embeddings.npy").stat().st_mtime_ns
        self.refuse(*PRUNE, "--out", "run", mentions=["--resume"])
        self.succeed(*PRUNE, "--out", "run", "--resume")
        self.assert_same_as_uninterrupted()
        # What was finished was not done again.
        self.assertEqual((self.folder / "run/embeddings.npy").stat().st_mtime_ns, embedded)
        for path, modified in done.items():
            self.assertEqual(path.stat().st_mtime_ns, modified, path)

    def test_interruption_in_the_midst_of_products_harms_nothing(self):
        # oneDNN's kernels leave no room on the stack for a signal handler.
        for wait in (0.1, 0.2, 0.3, 0.4, 0.5):
            process = self.start("train", "--data", "mnist:idx", "--encoder", "pixels", "--model",
                                 "mlp", "--iterations", 100_000_000, "--out", "fit")
            self.assertNotEqual(process.stderr.readline(), "")
            time.sleep(wait)
            self.stop(process)

    def test_killed_prune_resumes(self):
        dice = random.Random(4)
        started = time.monotonic()
        self.succeed(*PRUNE, "--out", "whole")
        duration = time.monotonic() - started
        for _ in range(5):
            process = self.start(*PRUNE, "--out", "run", "--resume")
            time.sleep(dice.uniform(0.0, 0.9 * duration))
            process.kill()
            process.communicate(timeout=self.timeout_seconds)
        self.succeed(*PRUNE, "--out", "run", "--resume")
        self.assert_same_as_uninterrupted()

    def test_resume_of_a_finished_run(self):
        self.succeed(*PRUNE, "--out", "run")
        self.succeed(*PRUNE, "--out", "run", "--resume")
        self.assert_same_as_uninterrupted()

    def test_resume_of_a_damaged_run(self):
        self.succeed(*PRUNE, "--out", "whole")
        shutil.copytree(self.folder / "whole", self.folder / "run")
        (self.folder / "run/.scores.npy.tmp-abcdef").write_bytes(b"half")
        (self.folder / "run/embeddings.json").unlink()
        (self.folder / "run/run.json").unlink()
        shutil.rmtree(self.folder / "run/trainings/mlp-hard-0.5-s1")
        self.succeed(*PRUNE, "--out", "run", "--resume")
        self.assert_same_as_uninterrupted()

    def test_resume_with_other_options_repeats_what_depends_on_them(self):
        self.succeed(*PRUNE, "--seed", 9, "--out", "run")
        self.succeed(*PRUNE, "--out", "run", "--resume")
        for name in SAME:
            if not (self.folder / "whole").exists():
                self.succeed(*PRUNE, "--out", "whole")
            self.assertEqual((self.folder / "run" / name).read_bytes(),
                             (self.folder / "whole" / name).read_bytes(), name)


if __name__ == "__main__":
    unittest.main()
