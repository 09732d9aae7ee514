"""winnow embed --resume: killed runs go on, parts of anything else are thrown away."""

import os
import random
import shutil
import subprocess
import time
import unittest

import numpy as np

import fixtures
import scripts
from helpers import WinnowTest

# Pixels come in parts of 1024 rows.
PIXELS = ("embed", "--data", "npy:images.npy,labels=y.npy", "--encoder", "pixels")
PARTS = ".emb.npy.parts"


class ResumeTest(WinnowTest):
    def setUp(self):
        super().setUp()
        images, labels = fixtures.shapes(3000, side=8)
        self.save("images.npy", images)
        self.save("y.npy", labels.astype(np.int64))

    def content(self, name):
        return (self.folder / name).read_bytes()

    def leave_parts(self, *arguments, parts=1):
        """A run that was killed with that many parts of training rows finished."""
        for _ in range(200):
            process = subprocess.Popen([os.environ["WINNOW"], *map(str, arguments)],
                                       cwd=self.folder, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            folder = self.folder / PARTS / "train"
            while process.poll() is None and len(list(folder.glob("part-*"))) < parts:
                time.sleep(0.0005)
            process.kill()
            process.wait(timeout=self.timeout_seconds)
            if folder.exists():
                return
            for file in (self.folder / "emb.npy", self.folder / "emb.json"):
                file.unlink(missing_ok=True)
        self.fail("winnow was always faster than the kill")

    def whole(self, *arguments):
        """The files of a run that nothing interrupts."""
        self.succeed(*arguments, "--out", "whole.npy", "--force")
        return self.content("whole.npy"), self.read_json("whole.json")

    def test_goes_on_after_a_kill(self):
        self.leave_parts(*PIXELS, "--out", "emb.npy")
        self.refuse(*PIXELS, "--out", "emb.npy", mentions=["--resume", "--force", "exists"])
        told = self.succeed_json(*PIXELS, "--out", "emb.npy", "--resume")
        self.assertGreater(told["rows_taken_over"], 0)
        rows, sidecar = self.whole(*PIXELS)
        self.assertEqual(self.content("emb.npy"), rows)
        self.assertEqual(self.read_json("emb.json"), sidecar)
        self.assertFalse((self.folder / PARTS).exists())

    def test_parts_of_another_run_are_thrown_away(self):
        self.leave_parts(*PIXELS, "--out", "emb.npy")
        left = self.folder / "left"
        shutil.copytree(self.folder / PARTS, left)
        for change in (("--dtype", "float16"), ("--seed", 3), ("--words", 9)):
            with self.subTest(change=change):
                for name in ("emb.npy", "emb.json"):
                    (self.folder / name).unlink(missing_ok=True)
                shutil.rmtree(self.folder / PARTS, ignore_errors=True)
                shutil.copytree(left, self.folder / PARTS)
                done = self.succeed(*PIXELS, *change, "--out", "emb.npy", "--resume")
                self.assertIn("starting over", done.err)
                self.assertEqual(self.content("emb.npy"), self.whole(*PIXELS, *change)[0])
                self.assertFalse((self.folder / PARTS).exists())

    def test_parts_of_other_images_are_thrown_away(self):
        self.leave_parts(*PIXELS, "--out", "emb.npy")
        self.save("images.npy", fixtures.shapes(3000, side=8, seed=5)[0])
        done = self.succeed(*PIXELS, "--out", "emb.npy", "--resume")
        self.assertIn("starting over", done.err)
        self.assertEqual(self.content("emb.npy"), self.whole(*PIXELS)[0])

    @unittest.skipUnless(scripts.USABLE, scripts.WHY_NOT)
    def test_parts_of_another_encoder_are_thrown_away(self):
        command = ("embed", "--data", "npy:images.npy", "--encoder", "a.ts", "--image-size", 8,
                   "--resize-size", 8)
        scripts.save_script(self.folder / "a.ts")
        self.leave_parts(*command, "--out", "emb.npy")
        # The same file elsewhere is the same encoder, another one under its name is not.
        shutil.copytree(self.folder / PARTS, self.folder / "left")
        (self.folder / "a.ts").rename(self.folder / "b.ts")
        moved = [argument if argument != "a.ts" else "b.ts" for argument in command]
        told = self.succeed_json(*moved, "--out", "emb.npy", "--resume")
        self.assertGreater(told["rows_taken_over"], 0)
        for name in ("emb.npy", "emb.json"):
            (self.folder / name).unlink()
        (self.folder / "left").rename(self.folder / PARTS)
        scripts.save_script(self.folder / "a.ts", scripts.network(seed=1))
        done = self.succeed(*command, "--out", "emb.npy", "--resume")
        self.assertIn("starting over", done.err)
        self.assertEqual(self.content("emb.npy"), self.whole(*command)[0])

    def test_force_starts_over(self):
        self.leave_parts(*PIXELS, "--out", "emb.npy")
        told = self.succeed_json(*PIXELS, "--out", "emb.npy", "--force")
        self.assertEqual(told["rows_taken_over"], 0)
        self.assertFalse((self.folder / PARTS).exists())

    def test_a_finished_run_has_nothing_left_to_do(self):
        first = self.succeed_json(*PIXELS, "--out", "emb.npy")
        modified = (self.folder / "emb.npy").stat().st_mtime_ns
        again = self.succeed_json(*PIXELS, "--out", "emb.npy", "--resume")
        self.assertEqual((self.folder / "emb.npy").stat().st_mtime_ns, modified)
        self.assertEqual((again["knn"], again["n"], again["rows_taken_over"]),
                         (first["knn"], 3000, 3000))
        # Made with other options, it is not overwritten without --force.
        self.refuse(*PIXELS, "--seed", 1, "--out", "emb.npy", "--resume",
                    mentions=["emb.npy exists", "--force"])
        self.succeed(*PIXELS, "--seed", 1, "--out", "emb.npy", "--resume", "--force")
        self.assertEqual(self.read_json("emb.json")["seed"], 1)

    def test_resume_of_nothing_is_a_run(self):
        self.succeed(*PIXELS, "--out", "emb.npy", "--resume")
        self.assertEqual(self.content("emb.npy"), self.whole(*PIXELS)[0])

    def test_without_a_sidecar_the_array_is_not_taken_for_ours(self):
        self.succeed(*PIXELS, "--out", "emb.npy")
        (self.folder / "emb.json").unlink()
        self.refuse(*PIXELS, "--out", "emb.npy", "--resume", mentions=["emb.npy exists"])

    def test_kills_at_random_moments(self):
        command = ("embed", "--data", "mnist:idx", "--words", 24, "--patches", 4000,
                   "--dimensions", 16, "--threads", 1, "--test-out", "t.npy", "--out", "emb.npy")
        fixtures.write_idx(self.folder / "idx", n=4200, n_test=2100, side=10)
        if scripts.USABLE:
            scripts.save_script(self.folder / "a.ts")
            command += ("--encoder", "a.ts", "--image-size", 10, "--resize-size", 10)
        started = time.monotonic()
        self.succeed(*command)
        duration = time.monotonic() - started
        names = ("emb.npy", "emb.json", "t.npy", "t.json")
        expected = {name: self.content(name) for name in names}
        listing = self.listing()
        for name in names:
            (self.folder / name).unlink()
        dice = random.Random(8)
        for kill in range(10):
            process = subprocess.Popen(
                [os.environ["WINNOW"], *map(str, command), "--resume"], cwd=self.folder,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(dice.uniform(0.2, 1.0) * duration)
            process.kill()
            process.wait(timeout=self.timeout_seconds)
            if kill % 3 == 2:  # after several kills in a row
                self.succeed(*command, "--resume")
                self.assertEqual({name: self.content(name) for name in names}, expected)
                self.assertEqual(self.listing(), listing, "leftovers")
                for name in names:
                    (self.folder / name).unlink()
        self.succeed(*command, "--resume")
        self.assertEqual({name: self.content(name) for name in names}, expected)
        self.assertEqual(self.listing(), listing, "leftovers")


if __name__ == "__main__":
    unittest.main()
