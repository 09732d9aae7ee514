"""SIGKILL at fifty random moments, then --resume: every file as if nothing had happened."""

import os
import random
import shutil
import subprocess
import time
import unittest

import fixtures
from helpers import WinnowTest

KILLS = 50
ENCODER = ("--words", 24, "--patches", 3000, "--dimensions", 24, "--threads", 1)
EMBED = ("embed", "--data", "images:photos", *ENCODER, "--shard-rows", 20, "--out", "out")
PRUNE = ("prune", "--data", "mnist:idx", *ENCODER, "--evaluate", "--evaluate-models", "linear",
         "--train-iterations", 60, "--evaluate-seeds", 2, "--out", "out")
# These tell when and how long something ran.
VARYING = {"run.json", "timing.csv", "report.html"}


class KillTest(WinnowTest):
    def bits(self, name):
        """Content of every file below a folder, but for those that hold times."""
        root = self.folder / name
        return {str(path.relative_to(root)): path.read_bytes()
                for path in sorted(root.rglob("*"))
                if path.is_file() and path.name not in VARYING}

    def killed_after(self, command, seconds):
        """Starts the command and kills it after that time; whether it was still at work."""
        process = subprocess.Popen([os.environ["WINNOW"], *map(str, command), "--resume"],
                                   cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        return process.wait(timeout=self.timeout_seconds) != 0

    def kill_and_resume(self, command):
        """Fifty kills, most in runs that go on where the one before was killed."""
        started = time.monotonic()
        self.succeed(*command)
        duration = time.monotonic() - started
        whole = self.bits("out")
        self.assertGreater(len(whole), 3)
        shutil.rmtree(self.folder / "out")
        dice = random.Random(11)
        in_a_row = 0
        hit = 0
        for _ in range(KILLS):
            hit += self.killed_after(command, dice.uniform(0.0, 0.8 * duration))
            in_a_row += 1
            if dice.random() < 0.4:
                continue
            self.succeed(*command, "--resume")
            self.assertEqual(self.bits("out"), whole, f"after {in_a_row} kills")
            shutil.rmtree(self.folder / "out")
            in_a_row = 0
        self.assertGreater(hit, KILLS // 3, "most kills came too late to interrupt anything")

    def test_embed(self):
        fixtures.write_image_folder(self.folder / "photos", per_class=40)
        self.kill_and_resume(EMBED)

    def test_prune(self):
        fixtures.write_idx(self.folder / "idx", n=120, n_test=40)
        self.kill_and_resume(PRUNE)


if __name__ == "__main__":
    unittest.main()
