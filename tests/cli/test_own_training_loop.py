"""The Python of docs/own-training-loop.md logs a training, and winnow scores what it logged."""

import pathlib
import re
import subprocess
import sys
import unittest

import numpy as np

from helpers import WinnowTest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/own-training-loop.md"

# Blobs with every tenth label wrong: those examples are hard.
BEFORE = """
import torch
torch.manual_seed(0)
torch.set_num_threads(1)
n, epochs = 300, 6
y = torch.arange(n) % 3
x = 2.0 * torch.eye(3)[y] + 0.5 * torch.randn(n, 3)
y[::10] = (y[::10] + 1) % 3
dataset = torch.utils.data.TensorDataset(x, y)
train_loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)
eval_loader = torch.utils.data.DataLoader(dataset, batch_size=64)
model = torch.nn.Linear(3, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
"""
AFTER = """
import numpy
with torch.no_grad():
    numpy.save("last_logits.npy", model(dataset.tensors[0]).numpy())
"""


def blocks():
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


class OwnTrainingLoopTest(WinnowTest):
    def setUp(self):
        super().setUp()
        try:
            import torch  # noqa: F401 pylint: disable=unused-import,import-outside-toplevel
        except ImportError:
            self.skipTest("needs python3-torch")
        code = BEFORE + "".join(blocks()) + AFTER
        done = subprocess.run([sys.executable, "-c", code], cwd=self.folder, capture_output=True,
                              text=True, check=False, timeout=self.timeout_seconds)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_logged_is_what_the_page_says(self):
        logits = self.load("last_logits.npy").astype(np.float64)
        labels = self.load("my-run/labels.npy")
        each = np.arange(300)
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        others = logits.copy()
        others[each, labels] = -np.inf
        last = {"correct": logits.argmax(axis=1) == labels, "p_true": p[each, labels],
                "margin": logits[each, labels] - others.max(axis=1),
                "el2n": np.linalg.norm(p - np.eye(3)[labels], axis=1)}
        for name, expected in last.items():
            logged = self.load(f"my-run/{name}.npy")
            self.assertEqual(logged.shape, (6, 300))
            np.testing.assert_allclose(logged[-1], expected, atol=1e-5, err_msg=name)

    def test_every_metric_of_these_arrays_finds_the_wrong_labels(self):
        wrong = np.arange(300) % 10 == 0
        for metric in ("forgetting", "aum", "el2n", "loss", "margin"):
            self.succeed("score", "--metric", metric, "--dynamics", "my-run", "--out", "s.npy",
                         "--force")
            scores = self.load("s.npy")
            self.assertGreater(scores[wrong].mean(), scores[~wrong].mean(), metric)
        correct = self.load("my-run/correct.npy")
        expected = (correct[:-1] & ~correct[1:]).sum(axis=0)
        expected[~correct.any(axis=0)] = 6
        self.succeed("score", "--metric", "forgetting", "--dynamics", "my-run", "--out",
                     "forgetting.npy")
        np.testing.assert_array_equal(self.load("forgetting.npy"), expected)
        for metric in ("dyn-unc", "dual"):
            self.succeed("score", "--metric", metric, "--dynamics", "my-run", "--window", 3, "--out",
                         "s.npy", "--force")


if __name__ == "__main__":
    unittest.main()
