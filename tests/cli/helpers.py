"""Base class of the tests that run the program. WINNOW names the binary (ctest sets it)."""

import dataclasses
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np


@dataclasses.dataclass(frozen=True)
class Done:
    """What one run of winnow left behind."""

    code: int
    out: str
    err: str


class WinnowTest(unittest.TestCase):
    """Every test has its own empty folder, `self.folder`, in which winnow runs."""

    timeout_seconds = 300

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="winnow-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_winnow(self, *arguments, env=None, stdin=""):
        """Runs winnow with `arguments` (anything str() takes); any exit code is fine."""
        done = subprocess.run(
            [os.environ["WINNOW"], *map(str, arguments)], cwd=self.folder, input=stdin,
            env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False,
            timeout=self.timeout_seconds)
        return Done(done.returncode, done.stdout, done.stderr)

    def succeed(self, *arguments, **how):
        """Runs winnow, which must end with exit code 0."""
        done = self.run_winnow(*arguments, **how)
        self.assertEqual(done.code, 0, f"winnow {' '.join(map(str, arguments))}\n{done.err}")
        return done

    def succeed_json(self, *arguments, **how):
        """The one JSON object that winnow prints with --json."""
        out = self.succeed(*arguments, "--json", **how).out
        value = json.loads(out)
        self.assertIsInstance(value, dict)
        return value

    def refuse(self, *arguments, mentions=(), code=2, **how):
        """Runs winnow, which must end with `code` and a message that has every text of `mentions`.

        A refusal also leaves stdout and the folder as they were.
        """
        before = self.listing()
        done = self.run_winnow(*arguments, **how)
        self.assertEqual(done.code, code, done.err)
        self.assertEqual(done.out, "")
        for text in mentions:
            self.assertIn(str(text), done.err)
        self.assertEqual(self.listing(), before, "a refused command left files behind")
        return done

    def save(self, name, array):
        """Saves an array as `name` in the folder; returns the name."""
        np.save(self.folder / name, array)
        return name

    def load(self, name):
        """An array in the folder."""
        return np.load(self.folder / name)

    def read_json(self, name):
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def listing(self, below="."):
        """Every file below that folder of `self.folder`, with its size, sorted."""
        root = self.folder / below
        return sorted((str(path.relative_to(root)), path.stat().st_size)
                      for path in root.rglob("*") if path.is_file())
