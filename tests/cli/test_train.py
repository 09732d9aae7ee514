"""winnow train: the learners on embeddings, the network on images, and what they refuse."""

import csv
import os
import pathlib
import unittest

import numpy as np

import fixtures
from helpers import WinnowTest

PLUGIN = "libwinnow_torch.so"


def has_plugin():
    return (pathlib.Path(os.environ["WINNOW"]).resolve().parent / PLUGIN).exists()


class EmbeddedTest(WinnowTest):
    def setUp(self):
        super().setUp()
        rows, labels = fixtures.blobs(n=500, d=8, n_classes=4)
        self.save("emb.npy", rows[:400])
        self.save("y.npy", labels[:400])
        self.save("test.npy", rows[400:])
        self.save("test-y.npy", labels[400:])
        self.data = ("train", "--embeddings", "emb.npy", "--labels", "y.npy", "--test-embeddings",
                     "test.npy", "--test-labels", "test-y.npy")

    def test_learners_learn(self):
        for model in ("linear", "mlp"):
            told = self.succeed_json(*self.data, "--model", model, "--seeds", 3, "--iterations",
                                     300, "--out", model)
            self.assertLess(told["test_error"], 0.2)
            self.assertEqual((told["seeds"], told["iterations"], told["n_train"]), (3, 300, 400))
            self.assertAlmostEqual(told["epochs_seen"], 300 * 256 / 400)
            self.assertEqual({path for path, _ in self.listing(model)},
                             {"run.json", "results.csv", "timing.csv", "test_correct.npy"})
            correct = self.load(f"{model}/test_correct.npy")
            self.assertEqual(correct.shape, (3, 100))
            self.assertEqual(correct.dtype, np.bool_)
            with open(self.folder / model / "results.csv", newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            self.assertEqual([row["seed"] for row in rows], ["0", "1", "2"])
            with open(self.folder / model / "timing.csv", newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    self.assertGreater(float(row["core_seconds"]), 0.0)
            np.testing.assert_allclose([float(row["test_error"]) for row in rows],
                                       1.0 - correct.mean(axis=1, dtype=np.float64), atol=1e-12)
            run = self.read_json(f"{model}/run.json")
            self.assertEqual((run["kind"], run["results"]["test_error"]),
                             ("training", told["test_error"]))

    def test_subset_decides(self):
        labels = self.load("y.npy")
        self.save("two.npy", np.flatnonzero(labels < 2))
        told = self.succeed_json(*self.data, "--subset", "two.npy", "--iterations", 200,
                                 "--out", "two")
        self.assertEqual(told["n_train"], np.sum(labels < 2))
        # A class that was never seen is never predicted.
        unseen = self.load("test-y.npy") >= 2
        self.assertGreaterEqual(told["test_error"], unseen.mean())
        self.assertEqual(self.load("two/test_correct.npy")[0][unseen].sum(), 0)

    def test_same_bits_for_any_number_of_threads_and_for_the_seed(self):
        for out, arguments in (("one", ("--threads", 1)), ("two", ("--threads", 2)),
                               ("other", ("--seed", 5))):
            self.succeed(*self.data, "--model", "mlp", "--iterations", 40, *arguments, "--out", out)
        one, two, other = ((self.folder / run / "results.csv").read_bytes()
                           for run in ("one", "two", "other"))
        self.assertEqual(one, two)
        self.assertNotEqual(one, other)

    def refuse_train(self, *arguments, mentions):
        self.refuse(*self.data, "--out", "run", *arguments, mentions=mentions)

    def test_options(self):
        self.refuse_train("--model", "liner", mentions=["'liner'", "did you mean 'linear'"])
        for option, value in (("iterations", -1), ("batch-size", 0), ("learning-rate", -0.1),
                              ("momentum", 1), ("weight-decay", -1), ("seeds", 0), ("hidden", 0)):
            self.refuse_train(f"--{option}", value, mentions=[f"{option} = {value}"])

    def test_subsets(self):
        for name, ids, mentions in (("twice", [3, 3], ["row 1", "3"]), ("back", [5, 2], ["row 1"]),
                                    ("minus", [-1, 2], ["row 0", "-1"]),
                                    ("none", [], ["no sample"]), ("far", [3, 400], ["400"]),
                                    ("mask", [True, False], ["mask", "flatnonzero"]),
                                    ("real", [0.5], ["float64", "integers"])):
            array = np.array(ids, dtype=np.int64 if not ids else None)
            self.refuse_train("--subset", self.save(f"{name}.npy", array),
                              mentions=[f"{name}.npy", *mentions])

    def test_arrays_that_do_not_fit(self):
        self.save("thin.npy", self.load("test.npy")[:, :5])
        self.refuse_train("--test-embeddings", "thin.npy", mentions=["5", "8"])
        self.save("more.npy", np.full(100, 4))
        self.refuse_train("--test-labels", "more.npy", mentions=["4"])
        self.refuse_train("--labels", "test-y.npy", mentions=["emb.npy", "400", "test-y.npy",
                                                               "100"])
        self.refuse("train", "--embeddings", "emb.npy", "--labels", "y.npy", "--out", "run",
                    mentions=["--test-embeddings"])
        self.refuse("train", "--embeddings", "emb.npy", "--test-embeddings", "test.npy", "--out",
                    "run", mentions=["labels", "emb.npy"])

    def test_network_needs_images(self):
        self.refuse_train("--model", "resnet8",
                          mentions=["resnet8", "images"] if has_plugin() else ["LibTorch"])


class DatasetTest(WinnowTest):
    def setUp(self):
        super().setUp()
        fixtures.write_idx(self.folder / "idx", n=200, n_test=60)

    def test_learner_on_a_dataset(self):
        told = self.succeed_json("train", "--data", "mnist:idx", "--encoder", "pixels",
                                 "--iterations", 100, "--out", "run")
        self.assertEqual((told["n_train"], told["iterations"]), (200, 100))
        self.assertLess(told["test_error"], 0.9)

    def test_dataset_without_a_test_split(self):
        (self.folder / "idx/t10k-images-idx3-ubyte").unlink()
        self.refuse("train", "--data", "mnist:idx", "--out", "run",
                    mentions=["mnist:idx", "--test-data"])

    def test_network(self):
        if not has_plugin():
            self.skipTest("this build has no LibTorch plug-in")
        self.save("keep.npy", np.arange(0, 200, 2))
        told = self.succeed_json("train", "--data", "mnist:idx", "--model", "resnet8", "--subset",
                                 "keep.npy", "--iterations", 6, "--batch-size", 32, "--out", "run")
        self.assertEqual((told["n_train"], told["iterations"]), (100, 6))
        self.assertTrue(np.all(np.isfinite(told["train_loss"])))
        correct = self.load("run/test_correct.npy")
        self.assertEqual(correct.shape, (1, 60))
        self.assertAlmostEqual(told["test_error"], 1.0 - correct.mean())

    def test_network_in_an_evaluation(self):
        if not has_plugin():
            self.skipTest("this build has no LibTorch plug-in")
        told = self.succeed_json(
            "prune", "--data", "mnist:idx", "--encoder", "pixels", "--evaluate",
            "--evaluate-models", "resnet8", "--evaluate-keep", 0.5, "--train-iterations", 3,
            "--out", "run")
        self.assertEqual([(row["model"], row["policy"]) for row in told["evaluation"]],
                         [("resnet8", "random"), ("resnet8", "hard")])

    def test_without_the_plugin_the_message_says_how_to_get_it(self):
        (self.folder / "nothing").mkdir()
        self.refuse("train", "--data", "mnist:idx", "--model", "resnet8", "--iterations", 2,
                    "--out", "run", env={"WINNOW_PLUGIN_DIR": str(self.folder / "nothing")},
                    mentions=[PLUGIN, "LibTorch", "libtorch-dev", "nothing"])


if __name__ == "__main__":
    unittest.main()
