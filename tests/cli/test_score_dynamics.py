"""winnow score --dynamics: metrics of training logs, as NumPy wrote them."""

import json
import unittest

import numpy as np

from helpers import WinnowTest

EPOCHS, N, CLASSES = 12, 50, 3


def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class DynamicsTest(WinnowTest):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(7)
        self.labels = random.integers(0, CLASSES, size=N)
        self.runs = {name: self.write_run(random, name) for name in ("a", "b")}

    def write_run(self, random, name):
        """A run folder with dynamics/ of random logits that learn; returns its arrays."""
        logits = random.normal(size=(EPOCHS, N, CLASSES)).astype(np.float32)
        logits[:, np.arange(N), self.labels] += 0.1 * np.arange(EPOCHS)[:, None]
        p_true = softmax(logits)[:, np.arange(N), self.labels]
        run = {"logits": logits, "p_true": p_true, "labels": self.labels,
               "correct": logits.argmax(axis=2) == self.labels}
        (self.folder / name / "dynamics").mkdir(parents=True)
        for array, values in run.items():
            self.put(name, array, values)
        return run

    def put(self, name, array, values):
        np.save(self.folder / name / "dynamics" / f"{array}.npy", values)

    def score(self, metric, *arguments):
        self.succeed("score", "--metric", metric, *arguments, "--out", "s.npy", "--force")
        return self.load("s.npy")

    def refuse_score(self, metric, *arguments, mentions):
        return self.refuse("score", "--metric", metric, *arguments, "--out", "s.npy",
                           mentions=mentions)


def forgetting(correct):
    counts = ((correct[:-1] == 1) & (correct[1:] == 0)).sum(axis=0).astype(float)
    counts[~correct.any(axis=0)] = len(correct)
    return counts


class ScoresTest(DynamicsTest):
    def test_forgetting_of_one_run_and_of_two(self):
        own = {name: forgetting(run["correct"]) for name, run in self.runs.items()}
        np.testing.assert_array_equal(self.score("forgetting", "--dynamics", "a"), own["a"])
        np.testing.assert_array_equal(self.score("forgetting", "--dynamics", "a/dynamics", "b"),
                                      (own["a"] + own["b"]) / 2)

    def test_options_reach_the_metrics(self):
        p_true = self.runs["a"]["p_true"].astype(np.float64)
        np.testing.assert_allclose(
            self.score("loss", "--dynamics", "a", "--epoch", 3), -np.log(p_true[2]), atol=1e-6)
        spread = np.mean([p_true[k:k + 4].std(axis=0, ddof=1) for k in range(5)], axis=0)
        np.testing.assert_allclose(
            self.score("dyn-unc", "--dynamics", "a", "--window", 4, "--last-epoch", 8), spread,
            atol=1e-6)
        p = softmax(self.runs["a"]["logits"][-1].astype(np.float64))
        np.testing.assert_allclose(
            self.score("entropy", "--dynamics", "a", "--epoch", "last"),
            -(p * np.log(p)).sum(axis=1), atol=1e-6)

    def test_sidecar_and_summary(self):
        (self.folder / "a/dynamics/dynamics.json").write_text(
            json.dumps({"fingerprint": "xxh3:00000000000000aa"}), encoding="utf-8")
        self.save("y.npy", self.labels)
        told = self.succeed_json("score", "--metric", "forgetting", "--dynamics", "b", "a",
                                 "--never-learned", "max", "--labels", "y.npy", "--out", "s.npy")
        sidecar = self.read_json("s.json")
        self.assertEqual(sidecar["options"], {"never-learned": "max"})
        self.assertEqual(sidecar["fingerprint"], "xxh3:00000000000000aa")
        self.assertEqual(sidecar["epochs"], list(range(1, EPOCHS + 1)))
        self.assertEqual(sidecar["direction"], "larger is harder")
        self.assertEqual([i["path"] for i in sidecar["inputs"]],
                         ["b/dynamics/correct.npy", "a/dynamics/correct.npy", "y.npy"])
        self.assertEqual((told["metric"], told["n"], told["runs"], told["warnings"]),
                         ("forgetting", N, 2, []))
        self.succeed("select", "--scores", "s.npy", "--keep", 0.5, "--out", "kept")

    def test_warnings_are_said_and_noted(self):
        for name in self.runs:
            self.put(name, "grand", np.ones((EPOCHS, N), np.float16))
            self.put(name, "epochs", np.arange(EPOCHS))
        done = self.succeed("score", "--metric", "grand", "--dynamics", "a", "--epoch", 0, "--out",
                            "s.npy")
        self.assertIn("arXiv:2303.14753", done.err)
        self.assertIn("arXiv:2303.14753", self.read_json("s.json")["warnings"][0])

    def test_infinity_is_a_number_that_select_takes(self):
        self.put("a", "correct", np.zeros((EPOCHS, N), bool))
        scores = self.score("forgetting", "--dynamics", "a", "b", "--never-learned", "inf")
        self.assertTrue(np.all(scores >= 0.5e9) and np.all(np.isfinite(scores)))
        self.succeed("select", "--scores", "s.npy", "--keep", 0.5, "--out", "kept")

    def test_same_bits_for_any_number_of_threads(self):
        bits = set()
        for threads in (1, 2, 3):
            self.score("tdds", "--dynamics", "a", "b", "--threads", threads)
            bits.add((self.folder / "s.npy").read_bytes())
        self.assertEqual(len(bits), 1)


class RefusalTest(DynamicsTest):
    def test_metric_without_its_input(self):
        self.refuse_score("el2n", mentions=["el2n needs --dynamics", "own-training-loop.md"])
        self.save("emb.npy", np.ones((N, 2), np.float32))
        self.refuse_score("forgetting", "--embeddings", "emb.npy", "--dynamics", "a",
                          mentions=["--embeddings: --dynamics gives the logs"])
        self.refuse_score("self-prototypes", "--dynamics", "a",
                          mentions=["--dynamics: metric = self-prototypes", "forgetting"])
        self.refuse_score("forgeting", "--dynamics", "a", mentions=["forgeting", "forgetting"])

    def test_options_of_other_metrics(self):
        self.refuse_score("aum", "--dynamics", "a", "--epoch", 3,
                          mentions=["--epoch: metric = aum", "el2n"])
        self.refuse_score("forgetting", "--dynamics", "a", "--clusters", 3, mentions=["--clusters"])
        self.refuse_score("dual", "--dynamics", "a", "--decay", 0.5, mentions=["--decay", "tdds"])
        self.refuse_score("forgetting", "--dynamics", "a", "--never-learned", "often",
                          mentions=["often", "epochs"])
        self.refuse_score("dyn-unc", "--dynamics", "a", "--window", 1, mentions=["window = 1"])

    def test_folders_without_a_log(self):
        self.refuse_score("loss", "--dynamics", "c", mentions=["c", "no such folder"])
        (self.folder / "c").mkdir()
        self.refuse_score("loss", "--dynamics", "c", mentions=["c: no training dynamics"])
        self.refuse_score("loss", "--dynamics", "a", "./a", mentions=["given twice"])

    def test_array_that_was_not_logged(self):
        self.refuse_score("grand", "--dynamics", "a",
                          mentions=["a/dynamics/grand.npy: missing", "gradient"])

    def test_log_that_was_not_finished(self):
        path = self.folder / "a/dynamics/dynamics.json"
        path.write_text(json.dumps({"complete": False}), encoding="utf-8")
        self.refuse_score("loss", "--dynamics", "a", mentions=["dynamics.json", "not finished"])

    def test_ragged_logs(self):
        self.put("a", "correct", np.zeros((EPOCHS - 1, N), bool))
        self.refuse_score("loss", "--dynamics", "a",
                          mentions=["correct.npy is [11, 50]", "p_true.npy is [12, 50]"])
        self.put("a", "correct", np.zeros((EPOCHS, N + 1), bool))
        self.refuse_score("loss", "--dynamics", "a",
                          mentions=["correct.npy: 51 examples, but p_true.npy has 50"])

    def test_epochs_that_are_missing(self):
        self.refuse_score("loss", "--dynamics", "a", "--epoch", 13, mentions=["epoch 13", "12"])
        self.refuse_score("dyn-unc", "--dynamics", "a", "--window", 13,
                          mentions=["window = 13", "12 epochs"])
        self.put("b", "epochs", np.arange(EPOCHS) * 2)
        self.refuse_score("forgetting", "--dynamics", "a", "b", mentions=["same epochs"])
        self.put("b", "epochs", np.arange(EPOCHS)[::-1].copy())
        self.refuse_score("loss", "--dynamics", "b", mentions=["epochs.npy: row 1 is 10 after 11"])

    def test_bad_values(self):
        p_true = self.runs["a"]["p_true"].copy()
        p_true[4, 17] = 1.25
        self.put("a", "p_true", p_true)
        self.refuse_score("dyn-unc", "--dynamics", "a",
                          mentions=["p_true.npy: row 4 (epoch 5) column 17 is 1.25", "[0, 1]"])
        p_true[4, 17] = np.nan
        self.put("a", "p_true", p_true)
        self.refuse_score("dyn-unc", "--dynamics", "a", mentions=["column 17 is nan"])

    def test_runs_of_different_datasets(self):
        for name, digit in (("a", 1), ("b", 2)):
            (self.folder / name / "dynamics/dynamics.json").write_text(
                json.dumps({"fingerprint": f"xxh3:000000000000000{digit}"}), encoding="utf-8")
        self.refuse_score("loss", "--dynamics", "a", "b", mentions=["a/dynamics", "b/dynamics"])

    def test_labels_that_differ(self):
        other = self.labels.copy()
        other[9] = (other[9] + 1) % CLASSES
        self.save("y.npy", other)
        self.refuse_score("loss", "--dynamics", "a", "--labels", "y.npy",
                          mentions=["a/dynamics/labels.npy: row 9", "y.npy"])
        self.save("y.npy", self.labels[:-1])
        self.refuse_score("loss", "--dynamics", "a", "--labels", "y.npy", mentions=["50", "49"])
        self.put("b", "labels", other)
        self.refuse_score("loss", "--dynamics", "a", "b", mentions=["labels.npy: row 9"])


if __name__ == "__main__":
    unittest.main()
