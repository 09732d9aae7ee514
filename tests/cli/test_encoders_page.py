"""The Python of docs/encoders.md runs, and what it makes is what the page says."""

import pathlib
import re
import subprocess
import sys
import unittest

import numpy as np

import fixtures
import scripts
from helpers import WinnowTest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/encoders.md"


def blocks():
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


class EncodersPageTest(WinnowTest):
    def setUp(self):
        super().setUp()
        if not scripts.USABLE:
            self.skipTest(scripts.WHY_NOT)
        try:
            import torchvision  # noqa: F401 pylint: disable=unused-import,import-outside-toplevel
        except ImportError:
            self.skipTest("needs python3-torchvision")
        fixtures.write_image_folder(self.folder / "photos", per_class=4, side=48)

    def run_python(self, *code):
        # Random weights in place of a download, the same in every program.
        text = "import torch\ntorch.manual_seed(0)\n" + "\ntorch.manual_seed(0)\n".join(code)
        self.assertIn('weights="DEFAULT"', text)
        done = subprocess.run([sys.executable, "-c", text.replace('weights="DEFAULT"', "weights=None")],
                              cwd=self.folder, capture_output=True, text=True, check=False,
                              timeout=self.timeout_seconds)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_export_and_own_embeddings_agree(self):
        export, wrapper, own = blocks()
        self.run_python(export, wrapper + "\nassert Grey(torch.nn.Identity())(torch.ones(2, 3, 4, 4))"
                        ".shape == (2, 16)\n")
        told = self.succeed_json("embed", "--data", "images:photos", "--encoder", "resnet18.ts",
                                 "--out", "emb.npy")
        self.assertEqual((told["n"], told["dimensions"]), (12, 512))
        self.run_python(own)
        mine = self.load("mine.npy")
        self.assertEqual((mine.shape, mine.dtype), ((12, 512), np.float32))
        # The same images through two resamplers that agree to one grey level in 255.
        scale = np.abs(mine).mean()
        self.assertLess(np.abs(self.load("emb.npy") - mine).mean(), 0.05 * scale)
        self.succeed("score", "--metric", "self-prototypes", "--embeddings", "mine.npy",
                     "--clusters", 3, "--out", "scores.npy")
        self.succeed("prune", "--embeddings", "mine.npy", "--labels", "images:photos", "--keep", 0.5,
                     "--clusters", 3, "--out", "run")
        self.assertEqual(len(self.load("run/keep.npy")), 6)


if __name__ == "__main__":
    unittest.main()
