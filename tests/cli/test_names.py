"""File names that are no UTF-8: bytes, as Linux has them."""

import csv
import io
import json
import os
import shutil
import subprocess
import tarfile
import unittest

import fixtures
import numpy as np
from helpers import WinnowTest

NAME = b"caf\xe9.png"
SHOWN = "caf\N{REPLACEMENT CHARACTER}.png"


class NamesTest(WinnowTest):
    def setUp(self):
        super().setUp()
        keys = fixtures.write_image_folder(self.folder / "photos", per_class=6)
        folder = os.fsencode(self.folder / "photos")
        try:
            shutil.copy(os.path.join(folder, os.fsencode(keys[0])),
                        os.path.join(folder, b"ant", NAME))
        except OSError:
            self.skipTest("this file system takes UTF-8 only")
        self.n = len(keys) + 1

    def run_bytes(self, *arguments):
        """stdout and stderr of a run that succeeds, as bytes."""
        done = subprocess.run([os.environ["WINNOW"], *map(os.fsencode, map(str, arguments))],
                              cwd=self.folder, capture_output=True, check=False,
                              timeout=self.timeout_seconds)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def check_exports(self, folder):
        folder = self.folder / folder
        keys = (folder / "keep.txt").read_bytes().splitlines()
        self.assertEqual(len(keys), self.n)
        self.assertIn(b"ant/" + NAME, keys)
        table = io.StringIO((folder / "keep.csv").read_bytes().decode("utf-8", "surrogateescape"))
        self.assertIn(b"ant/" + NAME,
                      [os.fsencode(row["key"]) for row in csv.DictReader(table)])
        lines = (folder / "keep.jsonl").read_text(encoding="utf-8").splitlines()
        self.assertEqual([json.loads(line)["key"] for line in lines].count("ant/" + SHOWN), 1)
        self.assertEqual(np.load(folder / "mask.npy").sum(), self.n)
        self.assertEqual((folder / "dropped.csv").read_bytes().count(b"\n"), 1)

    def test_prune_shows_them_and_keeps_their_bytes(self):
        out, err = self.run_bytes("prune", "--data", "images:photos", "--keep", 1,
                                  "--encoder", "pixels", "--write",
                                  "keys,csv,mask,jsonl,dropped", "--json", "--out", "run")
        self.assertEqual(json.loads(out.decode("utf-8"))["kept"], self.n)
        self.assertEqual(err.count(b"not UTF-8"), 1, err)
        self.assertIn(b"keep.jsonl: 1 keys are not UTF-8", err)
        self.check_exports("run")
        for name in ("run.json", "keep.json", "scores.json", "embeddings.json"):
            self.read_json(f"run/{name}")
        (self.folder / "run/report.html").read_text(encoding="utf-8")

    def test_paths_on_the_command_line(self):
        odd = os.fsdecode(b"r\xe9sultats")
        os.rename(self.folder / "photos", self.folder / odd)
        out, _ = self.run_bytes("prune", "--data", "images:" + odd, "--keep", 0.5, "--encoder",
                                "pixels", "--json", "--out", odd + "-run")
        self.assertEqual(json.loads(out.decode("utf-8"))["out"],
                         "r\N{REPLACEMENT CHARACTER}sultats-run")
        self.read_json(odd + "-run/run.json")
        out, _ = self.run_bytes("info", odd + "-run", "--json")
        json.loads(out.decode("utf-8"))
        self.run_bytes("prune", "--data", "images:" + odd, "--keep", 0.5, "--encoder", "pixels",
                       "--resume", "--out", odd + "-run")

    def test_the_kept_files_have_their_names(self):
        self.run_bytes("prune", "--data", "images:photos", "--keep", 1, "--encoder", "pixels",
                       "--out", "run")
        for mode in ("copy", "link", "tar"):
            with self.subTest(mode):
                self.run_bytes("select", "--scores", "run/scores.npy", "--data", "images:photos",
                               "--keep", 1, "--files", mode, "--out", "kept-" + mode)
        for mode in ("copy", "link"):
            names = os.listdir(os.fsencode(self.folder / f"kept-{mode}/files/ant"))
            self.assertIn(NAME, names)
        with tarfile.open(self.folder / "kept-tar/kept.tar", encoding="utf-8",
                          errors="surrogateescape") as archive:
            self.assertIn(b"ant/" + NAME, [os.fsencode(name) for name in archive.getnames()])

    def test_errors_name_them(self):
        path = os.path.join(os.fsencode(self.folder / "photos"), b"ant", NAME)
        with open(path, "wb") as file:
            file.write(b"no image")
        done = subprocess.run([os.environ["WINNOW"], "prune", "--data", "images:photos", "--out",
                               "run"], cwd=self.folder, capture_output=True, check=False,
                              timeout=self.timeout_seconds)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"photos/ant/" + NAME, done.stderr)


if __name__ == "__main__":
    unittest.main()
