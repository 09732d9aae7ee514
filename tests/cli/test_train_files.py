"""winnow train: logs, weights, teachers, and going on after an interruption."""

import csv
import os
import pathlib
import signal
import subprocess
import time
import unittest

import numpy as np

import fixtures
from helpers import WinnowTest


def has_plugin():
    program = pathlib.Path(os.environ["WINNOW"]).resolve()
    return (program.parent / "libwinnow_torch.so").exists()


class TrainFilesTest(WinnowTest):
    def setUp(self):
        super().setUp()
        fixtures.write_idx(self.folder / "idx", n=200, n_test=60)

    def curves(self, run):
        with open(self.folder / run / "curves.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def check_log(self, run, epochs, in_train):
        """The arrays agree with the logits, and every metric takes them."""
        logits = self.load(f"{run}/dynamics/logits.npy").astype(np.float64)
        labels = self.load(f"{run}/dynamics/labels.npy")
        self.assertEqual(logits.shape, (len(epochs), 200, 10))
        self.assertEqual(self.load(f"{run}/dynamics/epochs.npy").tolist(), epochs)
        self.assertEqual(int(self.load(f"{run}/dynamics/in_train.npy").sum()), in_train)
        powers = np.exp(logits - logits.max(axis=2, keepdims=True))
        probability = powers / powers.sum(axis=2, keepdims=True)
        onehot = np.eye(10)[labels]
        el2n = np.linalg.norm(probability - onehot, axis=2)
        np.testing.assert_allclose(self.load(f"{run}/dynamics/el2n.npy"), el2n, atol=1e-5)
        p_true = (probability * onehot).sum(axis=2)
        np.testing.assert_allclose(self.load(f"{run}/dynamics/p_true.npy"), p_true, atol=1e-5)
        self.assertTrue(np.all(self.load(f"{run}/dynamics/grand.npy") > 0))
        for metric in ("el2n", "grand", "forgetting", "aum", "loss", "entropy"):
            self.succeed("score", "--metric", metric, "--dynamics", run, "--out",
                         f"{run}-{metric}.npy")
        np.testing.assert_allclose(self.load(f"{run}-el2n.npy"), el2n[-1], atol=1e-5)
        rows = self.curves(run)
        self.assertEqual([int(row["epoch"]) for row in rows], epochs)
        correct = self.load(f"{run}/dynamics/test_correct.npy")
        np.testing.assert_allclose([float(row["test_error"]) for row in rows],
                                   1.0 - correct.mean(axis=1), atol=1e-12)

    def test_log_of_a_learner(self):
        for model in ("linear", "mlp"):
            self.succeed("train", "--data", "mnist:idx", "--encoder", "pixels", "--model", model,
                         "--iterations", 10, "--batch-size", 64, "--log-dynamics",
                         "--log-gradients", "--log-logits", "--out", model)
            self.check_log(model, [1, 2, 4], 200)  # 640 = 3.2 x 200, the last step ends two

    def test_log_and_weights_of_a_network(self):
        if not has_plugin():
            self.skipTest("this build has no LibTorch plug-in")
        self.save("keep.npy", np.arange(50, 150))
        network = ("train", "--data", "mnist:idx", "--model", "resnet8", "--batch-size", 50)
        told = self.succeed_json(*network, "--subset", "keep.npy", "--iterations", 4,
                                 "--log-dynamics", "--log-gradients", "--log-logits",
                                 "--log-start", "--out", "run")
        self.check_log("run", [0, 1, 2], 100)
        self.assertEqual(set(self.read_json("run/run.json")["files"]),
                         {"results.csv", "timing.csv", "test_correct.npy", "model.safetensors",
                          "curves.csv", "dynamics"})
        self.assertFalse((self.folder / "run/checkpoint.safetensors").exists())
        # From its weights on, a step of no length changes nothing but the normalisation.
        same = self.succeed_json(*network, "--init", "run/model.safetensors", "--iterations", 1,
                                 "--learning-rate", 1e-12, "--out", "same")
        self.assertLess(abs(same["test_error"] - told["test_error"]), 0.5)
        self.succeed(*network, "--teacher", "run", "--iterations", 2, "--out", "student")
        self.refuse(*network, "--teacher", "student/results.csv", "--out", "x",
                    mentions=["results.csv"])
        self.refuse("train", "--data", "mnist:idx", "--model", "resnet20", "--init",
                    "run/model.safetensors", "--out", "x", mentions=["layer1.1.conv1", "resnet20"])

    def test_force_keeps_the_earlier_run_until_the_new_one_is_whole(self):
        run = ("train", "--data", "mnist:idx", "--encoder", "pixels", "--iterations", 10, "--out",
               "run", "--force")
        self.succeed(*run, "--log-dynamics")
        before = self.listing("run")
        self.refuse(*run, "--test-data", "mnist:nowhere", mentions=["nowhere"])
        self.assertEqual(self.listing("run"), before)
        self.succeed(*run)
        self.assertEqual({path for path, _ in self.listing("run")},
                         {"run.json", "results.csv", "timing.csv", "test_correct.npy"})

    def test_refusals(self):
        for extra, said in ((("--log-logits",), "--log-dynamics"),
                            (("--log-every", 0, "--log-dynamics"), "log-every"),
                            (("--init", "w.safetensors"), "networks"),
                            (("--weight-decay", -0.5), "weight-decay")):
            self.refuse("train", "--data", "mnist:idx", "--encoder", "pixels", *extra, "--out",
                        "run", mentions=[said])

    def test_killed_network_goes_on_to_the_same_bytes(self):
        if not has_plugin():
            self.skipTest("this build has no LibTorch plug-in")
        arguments = ("train", "--data", "mnist:idx", "--model", "resnet8", "--epochs", 6,
                     "--batch-size", 20, "--log-dynamics", "--ema", 0.9)
        self.succeed(*arguments, "--out", "whole")
        for signal_number in (signal.SIGKILL, signal.SIGINT):
            process = subprocess.Popen(
                [os.environ["WINNOW"], *map(str, arguments), "--out", "run", "--force"],
                cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            checkpoint = self.folder / "run/checkpoint.safetensors"
            deadline = time.monotonic() + self.timeout_seconds
            while process.poll() is None and not checkpoint.exists():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.002)
            process.send_signal(signal_number)
            process.communicate(timeout=self.timeout_seconds)
            self.succeed(*arguments, "--out", "run", "--resume")
            for path in sorted((self.folder / "whole").rglob("*")):
                name = path.relative_to(self.folder / "whole")
                if path.is_file() and name.name not in ("timing.csv", "run.json"):
                    self.assertEqual((self.folder / "run" / name).read_bytes(), path.read_bytes(),
                                     f"{name} after {signal_number}")
            self.assertEqual([name for name, _ in self.listing("run")],
                             [name for name, _ in self.listing("whole")])


if __name__ == "__main__":
    unittest.main()
