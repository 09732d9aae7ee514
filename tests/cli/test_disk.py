"""Outputs that cannot be written: a full disk, a limit on file sizes, a read-only folder."""

import json
import os
import resource
import shutil
import subprocess
import unittest

import fixtures
import numpy as np
from helpers import Done, WinnowTest

EMBED = ("embed", "--data", "npy:images.npy", "--encoder", "pixels", "--out", "{}/emb.npy")
SCORE = ("score", "--embeddings", "emb.npy", "--clusters", 5, "--iterations", 2,
         "--out", "{}/scores.npy")
CLUSTER = ("cluster", "--embeddings", "emb.npy", "--clusters", 5, "--iterations", 2,
           "--out", "{}/clusters")
DEDUP = ("dedup", "--embeddings", "emb.npy", "--clusters", 5, "--iterations", 2,
         "--out", "{}/kept")
SELECT = ("select", "--scores", "given.npy", "--keep", 0.9, "--write", "mask,csv,jsonl,dropped",
          "--out", "{}/kept")
PRUNE = ("prune", "--embeddings", "emb.npy", "--clusters", 5, "--iterations", 2, "--keep", 0.5,
         "--out", "{}/run")
TRAIN = ("train", "--embeddings", "emb.npy", "--labels", "y.npy", "--test-embeddings", "emb.npy",
         "--test-labels", "y.npy", "--iterations", 5, "--out", "{}/run")
COMMANDS = {"embed": EMBED, "score": SCORE, "cluster": CLUSTER, "dedup": DEDUP, "select": SELECT,
            "prune": PRUNE, "train": TRAIN}


class DiskTest(WinnowTest):
    """`self.out` is the folder that outputs go to; what they are made from lies beside it."""

    def setUp(self):
        super().setUp()
        rows, labels = fixtures.blobs(n=4000, d=8)
        self.save("emb.npy", rows)
        self.save("y.npy", labels)
        self.save("given.npy", np.linspace(0.0, 1.0, 4000))
        self.save("images.npy", np.zeros((4000, 4, 4), np.uint8) + np.arange(16, dtype=np.uint8)
                  .reshape(4, 4) * np.arange(1, 9, dtype=np.uint8).repeat(500)[:, None, None])
        self.out = self.folder / "out"
        self.out.mkdir()

    def mount(self, folder, options):
        """Mounts a tmpfs there for the time of the test; without the right to, skips it."""
        mounted = shutil.which("mount") is not None and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False,
            capture_output=True).returncode == 0
        if not mounted:
            self.skipTest("no right to mount")
        self.addCleanup(subprocess.run, ["umount", str(folder)], check=True)

    def run_limited(self, limit, *arguments):
        """Runs winnow, none of whose files may grow beyond `limit` bytes."""
        done = subprocess.run(
            [os.environ["WINNOW"], *map(str, arguments)], cwd=self.folder, check=False,
            capture_output=True, text=True, timeout=self.timeout_seconds,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        return Done(done.returncode, done.stdout, done.stderr)

    def assert_whole(self):
        """No temporaries, no run.json of a run that failed; every file can be read."""
        for path, _ in self.listing("out"):
            name = path.rsplit("/", 1)[-1]
            self.assertNotIn(".tmp-", path)
            self.assertNotEqual(name, "run.json")
            if name.endswith(".npy"):
                np.load(self.out / path)
            elif name.endswith(".json"):
                json.loads((self.out / path).read_text(encoding="utf-8"))
        self.assertEqual([path for path in self.out.rglob("*") if ".tmp-" in path.name], [])

    def assert_failed(self, done, reason):
        self.assertEqual((done.code, done.out), (1, ""), done.err)
        self.assertIn(reason, done.err)
        self.assertRegex(done.err, r"winnow: (\S*/)?out/\S+: cannot ", "the file is named")
        self.assert_whole()

    @staticmethod
    def arguments(name):
        return [str(argument).format("out") for argument in COMMANDS[name]]

    def test_every_command_works_where_there_is_space(self):
        for name in COMMANDS:
            with self.subTest(name):
                self.succeed(*self.arguments(name), "--force")

    def test_a_limit_on_file_sizes(self):
        for name in COMMANDS:
            for limit in (100, 1000, 3000):
                with self.subTest(name, limit=limit):
                    shutil.rmtree(self.out)
                    self.out.mkdir()
                    self.assert_failed(self.run_limited(limit, *self.arguments(name)),
                                       "File too large")

    def test_a_full_disk(self):
        self.mount(self.out, "size=8k")
        for name in COMMANDS:
            with self.subTest(name):
                for path in self.out.iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                # Training writes little: leave it a page.
                (self.out / "ballast").write_bytes(bytes(4096 if name == "train" else 1))
                self.assert_failed(self.run_winnow(*self.arguments(name)), "No space left")

    def contents(self):
        """Every file in the output folder, but for what --resume would go on from."""
        return {path: (self.out / path).read_bytes() for path, _ in self.listing("out")
                if ".parts/" not in path}

    def test_failing_leaves_what_was_there(self):
        for name in ("embed", "score", "cluster", "dedup", "select"):
            with self.subTest(name):
                self.succeed(*self.arguments(name), "--force")
                before = self.contents()
                self.assert_failed(self.run_limited(3000, *self.arguments(name), "--force",
                                                    "--seed", 1), "File too large")
                self.assertEqual(self.contents(), before)

    def refuse_at_once(self, name):
        """The message comes before anything is read: the inputs are not even there."""
        with self.subTest(name):
            for path in ("emb.npy", "y.npy", "given.npy", "images.npy"):
                (self.folder / path).unlink(missing_ok=True)
            self.refuse(*self.arguments(name), code=1, mentions=["out/", "cannot write into"])

    def test_a_read_only_file_system(self):
        self.mount(self.out, "ro")
        for name in COMMANDS:
            self.refuse_at_once(name)
        done = self.refuse("score", "--embeddings", "emb.npy", "--out", "s.npy",
                           "--centroids-out", "out/c.npy", code=1)
        self.assertIn("Read-only file system", done.err)

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_folder_without_the_right(self):
        self.out.chmod(0o555)
        self.addCleanup(self.out.chmod, 0o755)
        for name in COMMANDS:
            self.refuse_at_once(name)


if __name__ == "__main__":
    unittest.main()
