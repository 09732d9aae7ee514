"""winnow score with the metrics of many runs, against NumPy, from logs as a training loop saves them."""

import json
import os
import pathlib
import resource
import subprocess
import unittest

import numpy as np

from helpers import WinnowTest

RUNS, N, N_TEST, EPOCHS, CLASSES = 14, 150, 40, 3, 5
FINGERPRINT = "xxh3:0123456789abcdef"


class EnsembleTest(WinnowTest):
    """Runs run0 ... run13 on random subsets."""

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(11)
        self.in_train = random.random((RUNS, N)) < 0.6
        self.correct = random.random((RUNS, EPOCHS, N)) < 0.6
        self.test_correct = random.random((RUNS, EPOCHS, N_TEST)) < 0.7
        self.logits = random.normal(size=(RUNS, EPOCHS, N, CLASSES)).astype(np.float32)
        self.labels = random.integers(0, CLASSES, N)
        for m in range(RUNS):
            self.write_run(m)

    def write_run(self, m):
        folder = self.folder / f"run{m}" / "dynamics"
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "in_train.npy", self.in_train[m])
        np.save(folder / "correct.npy", self.correct[m])
        np.save(folder / "test_correct.npy", self.test_correct[m].astype(np.uint8))
        np.save(folder / "logits.npy", self.logits[m])
        np.save(folder / "labels.npy", self.labels)
        (folder / "dynamics.json").write_text(json.dumps({"fingerprint": FINGERPRINT}))

    def arguments(self, metric, *more, runs=tuple(f"run{m}" for m in range(RUNS)), out="s.npy"):
        return ("score", "--metric", metric, "--dynamics", *runs, *more, "--out", out)

    def score(self, metric, *more, **how):
        told = self.succeed_json(*self.arguments(metric, *more, **how), "--force")
        return self.load(how.get("out", "s.npy")), told

    def shares(self, right, i):
        """Of columns: right by runs with example i, and by those without."""
        inside = self.in_train[:, i]
        return right[inside], right[~inside]

    def estimated(self):
        """Examples in and out of at least two runs."""
        inside = self.in_train.sum(axis=0)
        return (inside >= 2) & (RUNS - inside >= 2)


class MemorizationTest(EnsembleTest):
    def expected(self, epoch):
        return np.array([a.mean() - b.mean() for a, b in (
            self.shares(self.correct[:, epoch, i], i) for i in range(N))])

    def test_scores_and_errors(self):
        known = self.estimated()
        scores, told = self.score("memorization", "--errors-out", "e.npy")
        np.testing.assert_allclose(scores[known], self.expected(-1)[known], atol=1e-12)
        np.testing.assert_allclose(scores[~known], self.expected(-1)[known].mean(), atol=1e-12)
        errors = self.load("e.npy")
        expected = np.array([np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)) for a, b in (
            self.shares(self.correct[:, -1, i].astype(float), i) for i in np.flatnonzero(known))])
        np.testing.assert_allclose(errors[known], expected, atol=1e-12)
        self.assertTrue(np.all(np.isnan(errors[~known])))
        self.assertEqual((told["runs"], told["members"], told["epochs"]), (RUNS, RUNS, [3, 3]))
        self.assertAlmostEqual(told["standard_error"]["mean"], expected.mean(), places=12)

    def test_epochs(self):
        known = self.estimated()
        for epoch in (1, 2, 3):
            scores, told = self.score("memorization", "--epoch", epoch)
            np.testing.assert_allclose(scores[known], self.expected(epoch - 1)[known], atol=1e-12)
            self.assertEqual(told["epochs"], [epoch, epoch])
        self.assertEqual(self.score("memorization", "--epoch", "last")[1]["epochs"], [3, 3])
        for word in ("early", "mean"):
            self.refuse(*self.arguments("memorization", "--epoch", word, out="t.npy"),
                        mentions=("epoch", word, "last"))

    def test_rare_examples_are_told_of(self):
        self.in_train[:, 7] = True
        for m in range(RUNS):
            self.write_run(m)
        done = self.succeed(*self.arguments("memorization"))
        rare = np.flatnonzero(~self.estimated())
        self.assertIn(f"{len(rare)} of {N} examples, the first of them {rare[0]}", done.err)
        told = self.read_json("s.json")["rare"]
        self.assertEqual(told, {"count": len(rare), "first": rare[:20].tolist()})

    def test_min_runs(self):
        _, told = self.score("memorization", "--min-runs", 5)
        inside = self.in_train.sum(axis=0)
        self.assertEqual(told["rare"]["count"], int(np.sum(np.minimum(inside, RUNS - inside) < 5)))
        self.refuse(*self.arguments("memorization", "--min-runs", 1, out="t.npy"),
                    mentions=("min-runs = 1",))
        self.refuse(*self.arguments("memorization", "--min-runs", 12, out="t.npy"),
                    mentions=("no example was in at least 12 runs",))


class InfluenceTest(EnsembleTest):
    def test_against_numpy(self):
        influence = np.full((N, N_TEST), np.nan)
        for i in np.flatnonzero(self.estimated()):
            a, b = self.shares(self.test_correct[:, -1], i)
            influence[i] = a.mean(axis=0) - b.mean(axis=0)
        for metric, expected in (("influence-max", influence.max(axis=1)),
                                 ("influence-sum-abs", np.abs(influence).sum(axis=1))):
            scores, _ = self.score(metric, "--errors-out", "e.npy")
            expected = np.where(np.isnan(expected), np.nanmean(expected), expected)
            np.testing.assert_allclose(scores, expected, atol=1e-12)
            self.assertEqual(self.load("e.npy").shape, (N,))

    def test_threads_and_isa_change_nothing(self):
        bits = {(self.folder / out).read_bytes() for out in (
            self.bits_with(i, *options) for i, options in enumerate((
                (), ("--threads", 1), ("--isa", "scalar"))))}
        self.assertEqual(len(bits), 1)

    def bits_with(self, i, *options):
        self.score("influence-sum-abs", *options, out=f"{i}.npy")
        return f"{i}.npy"

    def test_needs_the_test_set(self):
        (self.folder / "run5/dynamics/test_correct.npy").unlink()
        self.refuse(*self.arguments("influence-max"), mentions=(
            "run5/dynamics/test_correct.npy", "influence-max"))


class DddTest(EnsembleTest):
    def test_counts_the_wrong(self):
        scores, told = self.score("ddd")
        np.testing.assert_array_equal(scores, (~self.correct[:, -1]).sum(axis=0))
        self.assertEqual(told["trivial"], int(np.sum(scores == 0)))
        self.assertEqual(told["impossible"], int(np.sum(scores == RUNS)))
        self.refuse(*self.arguments("ddd", "--errors-out", "e.npy", out="t.npy"),
                    mentions=("errors-out", "ddd"))


class ActiveLearningTest(EnsembleTest):
    def probabilities(self, epochs):
        logits = self.logits[:, epochs].astype(np.float64).reshape(-1, N, CLASSES)
        p = np.exp(logits)
        return p / p.sum(axis=2, keepdims=True)

    @staticmethod
    def entropy(p):
        return -(p * np.log(p)).sum(axis=-1)

    def test_acquisitions(self):
        p = self.probabilities([2])
        votes = np.stack([(p.argmax(axis=2) == k).sum(axis=0) for k in range(CLASSES)])
        right = self.correct[:, -1].mean(axis=0)
        expected = {
            "entropy": self.entropy(p.mean(axis=0)),
            "mutual-information": self.entropy(p.mean(axis=0)) - self.entropy(p).mean(axis=0),
            "variation-ratio": 1 - votes.max(axis=0) / RUNS,
            "right-wrong": np.minimum(right, 1 - right)}
        for acquisition, values in expected.items():
            scores, _ = self.score("active-learning", "--acquisition", acquisition)
            np.testing.assert_allclose(scores, values, atol=1e-12, err_msg=acquisition)
        np.testing.assert_allclose(self.score("active-learning")[0], expected["entropy"],
                                   atol=1e-12)

    def test_checkpoints_and_binary(self):
        expected = self.entropy(self.probabilities([1, 2]).mean(axis=0))
        scores, told = self.score("active-learning", "--checkpoints", 2)
        np.testing.assert_allclose(scores, expected, atol=1e-12)
        self.assertEqual(told["members"], 2 * RUNS)
        binary, _ = self.score("active-learning", "--checkpoints", 2, "--binary", 0.8)
        self.assertEqual(binary.sum(), round(0.8 * N))
        self.assertLess(scores[binary == 0].max(), scores[binary == 1].min())

    def test_needs_logits(self):
        (self.folder / "run3/dynamics/logits.npy").unlink()
        self.refuse(*self.arguments("active-learning"),
                    mentions=("run3/dynamics/logits.npy", "active-learning"))
        self.score("active-learning", "--acquisition", "right-wrong")


class RunsTest(EnsembleTest):
    def test_globs_and_lists(self):
        whole = self.score("ddd")[0]
        np.testing.assert_array_equal(self.score("ddd", runs=("run?", "run1[0-9]"))[0], whole)
        (self.folder / "runs.txt").write_text(
            "# all of them\n" + "".join(f"run{m}/dynamics\n" for m in range(RUNS)))
        scores, told = self.score("ddd", runs=("@runs.txt",))
        np.testing.assert_array_equal(scores, whole)
        self.assertEqual(told["runs"], RUNS)

    def test_sidecar(self):
        self.score("ddd", "--seed", 3)
        sidecar = self.read_json("s.json")
        self.assertEqual({key: sidecar[key] for key in ("metric", "direction", "n", "fingerprint")},
                         {"metric": "ddd", "direction": "larger is harder", "n": N,
                          "fingerprint": FINGERPRINT})
        self.assertEqual([entry["path"] for entry in sidecar["inputs"]],
                         [f"run{m}" for m in range(RUNS)])

    def test_one_run_is_mapped_at_a_time(self):
        if b"__asan_init" in pathlib.Path(os.environ["WINNOW"]).read_bytes():
            self.skipTest("the address sanitizer itself takes terabytes of addresses")
        # 150 logs of 16 MB, most of it holes, do not fit into 1 GB of addresses together.
        n, epochs, runs = 1_000_000, 16, 150
        for m in range(runs):
            (self.folder / f"big{m}").mkdir()
            flags = np.lib.format.open_memmap(self.folder / f"big{m}/correct.npy", mode="w+",
                                              dtype=bool, shape=(epochs, n))
            flags[-1, :m] = True
        done = subprocess.run(
            [os.environ["WINNOW"], *map(str, self.arguments("ddd", "--threads", 1, runs=("big*",)))],
            cwd=self.folder, capture_output=True, text=True, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)))
        self.assertEqual(done.returncode, 0, done.stderr)
        scores = self.load("s.npy")
        np.testing.assert_array_equal(scores[:runs], np.arange(1, runs + 1))
        self.assertTrue(np.all(scores[runs:] == runs))

    def test_refuses_runs_that_differ(self):
        self.labels[9] = (self.labels[9] + 1) % CLASSES
        self.write_run(4)
        self.refuse(*self.arguments("ddd"), mentions=("run0/dynamics/labels.npy", "row 9", "run4"))
        self.labels[9] = (self.labels[9] - 1) % CLASSES
        self.write_run(4)
        (self.folder / "run6/dynamics/dynamics.json").write_text(
            '{"fingerprint": "xxh3:0123456789abcdee"}')
        self.refuse(*self.arguments("ddd"), mentions=("run0", "run6"))
        self.write_run(6)
        for name in ("correct", "in_train", "labels", "logits"):
            array = np.load(self.folder / f"run2/dynamics/{name}.npy")
            cut = array[..., :N - 1, :] if name == "logits" else array[..., :N - 1]
            np.save(self.folder / f"run2/dynamics/{name}.npy", cut)
        self.refuse(*self.arguments("ddd"), mentions=(f"{N} examples", "run2", f"{N - 1}"))

    def test_refuses_given_labels_that_differ(self):
        self.save("y.npy", self.labels)
        self.score("ddd", "--labels", "y.npy")
        self.save("other.npy", np.roll(self.labels, 1))
        self.refuse(*self.arguments("ddd", "--labels", "other.npy", out="t.npy"),
                    mentions=("other.npy", "run0"))
        self.save("short.npy", self.labels[:-1])
        self.refuse(*self.arguments("ddd", "--labels", "short.npy", out="t.npy"),
                    mentions=("short.npy", str(N)))

    def test_refuses_what_makes_no_sense(self):
        self.refuse(*self.arguments("ddd", runs=("run0", "run1", "run0/")), mentions=("same run",))
        self.refuse("score", "--metric", "ddd", "--out", "s.npy", mentions=("--dynamics",))
        self.refuse(*self.arguments("ddd", runs=("run0", "nowhere")), mentions=("nowhere",))
        self.refuse(*self.arguments("ddd", "--epoch", 9), mentions=("epoch 9 was not logged",))
        self.refuse(*self.arguments("ddd", "--binary", 0.8), mentions=("binary", "active-learning"))
        self.refuse(*self.arguments("active-learning", "--acquisition", "variation-ratio",
                                    runs=("run0",)), mentions=("ensemble of one",))
        for m in range(RUNS):
            (self.folder / f"run{m}/dynamics/in_train.npy").unlink()
        self.refuse(*self.arguments("memorization"), mentions=("in_train.npy", "70 %"))


if __name__ == "__main__":
    unittest.main()
