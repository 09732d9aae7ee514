"""winnow benchmark, and scoring from scratch."""

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

SPECIFICATION = """
data = "mnist:idx"
examples = 150
encoder = "pixels"
metrics = ["el2n", "grand", "forgetting", "memorization", "influence-max", "influence-sum-abs",
           "ddd", "active-learning", "self-prototypes", "supervised-prototypes"]
seed = 3

[scoring]
models = ["linear"]
runs = 2
[scoring.learner]
iterations = 20
batch-size = 32

[subsets]
runs = 8

[ensemble]
models = ["linear", "mlp"]
runs = 4

[[evaluation]]
models = ["linear"]
policies = ["hard", "easy"]
keep = [0.4, 0.8]
seeds = 2
[evaluation.learner]
iterations = 20
batch-size = 32

[clusters]
values = [4, 20]
keep = [0.4]
"""


def has_plugin():
    program = pathlib.Path(os.environ["WINNOW"]).resolve()
    return (program.parent / "libwinnow_torch.so").exists()


class BenchmarkTest(WinnowTest):
    def setUp(self):
        super().setUp()
        fixtures.write_idx(self.folder / "idx", n=200, n_test=60)

    def specify(self, text=SPECIFICATION):
        (self.folder / "spec.toml").write_text(text, encoding="utf-8")
        return "spec.toml"

    def table(self, name):
        with open(self.folder / name, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_compares_all_metrics(self):
        told = self.succeed_json("benchmark", self.specify(), "--out", "run")
        names = self.read_json("run/run.json")["options"]["metrics"]
        self.assertEqual(len(names), 10)
        rows = self.table("run/results.csv")
        # full, random at two fractions, ten metrics at two ends of two, two numbers of clusters.
        self.assertEqual(len(rows), 2 * (1 + 2 + 10 * 2 * 2 + 2))
        for row in rows:
            self.assertEqual(int(row["n_train"]), round(150 * float(row["keep"])))
        for row in self.table("run/summary.csv"):
            same = [float(r["test_error"]) for r in rows
                    if all(r[key] == row[key] for key in ("model", "metric", "policy", "keep"))]
            self.assertEqual(len(same), 2)
            self.assertAlmostEqual(float(row["test_error"]), np.mean(same), places=12)
            self.assertAlmostEqual(float(row["standard_error"]), np.std(same, ddof=1) / 2 ** 0.5,
                                   places=12)
        spearman = self.table("run/spearman.csv")
        self.assertEqual([row["score"] for row in spearman],
                         names + ["self-prototypes-k4", "self-prototypes-k20"])
        self.assertEqual(len(told["comparison"]["spearman"]), 12)
        self.assertEqual([row["metric"] for row in self.table("run/costs.csv")], names)
        for name in names:
            self.assertEqual(self.load(f"run/scores/{name}.npy").shape, (150,))
            self.assertEqual(self.read_json(f"run/scores/{name}.json")["seed"], 3)

    def test_terminal_and_info(self):
        out = self.succeed("benchmark", self.specify(), "--out", "run").out
        for text in ("Spearman", "Test error of linear in %", "keeping the hardest",
                     "keeping the easiest", "trainings to repay", "supervised-prototypes"):
            self.assertIn(text, out)
        self.assertIn("benchmark", self.succeed("info", "run").out)
        self.succeed("report", "run", "--out", "page.html")

    def test_resumes_after_an_interruption(self):
        self.specify(SPECIFICATION.replace("iterations = 20", "iterations = 400"))
        program = subprocess.Popen([os.environ["WINNOW"], "benchmark", "spec.toml", "--out", "run",
                                    "--threads", "1"],
                                   cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        trainings = self.folder / "run/trainings"
        while program.poll() is None and len(list(trainings.glob("*/run.json"))) < 9:
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.wait(timeout=60), 130, program.stderr.read())
        program.stdout.close()
        program.stderr.close()
        self.assertFalse((self.folder / "run/results.csv").exists())
        finished = {path: path.stat().st_mtime_ns for path in trainings.glob("*/run.json")}
        self.refuse("benchmark", "spec.toml", "--out", "run", mentions=("--resume",))
        self.succeed("benchmark", "spec.toml", "--out", "run", "--resume")
        for path, when in finished.items():
            self.assertEqual(path.stat().st_mtime_ns, when, f"{path} was trained again")
        self.succeed("benchmark", "spec.toml", "--out", "whole", "--threads", "2")
        self.assertEqual((self.folder / "run/results.csv").read_bytes(),
                         (self.folder / "whole/results.csv").read_bytes())

    def test_refuses_bad_specifications(self):
        def refuse(old, new, *mentions):
            self.assertIn(old, SPECIFICATION)
            self.refuse("benchmark", self.specify(SPECIFICATION.replace(old, new, 1)), "--out",
                        "run", mentions=("spec.toml", *mentions))
        refuse("runs = 2", "rums = 2", "line 11", "'rums'", "did you mean 'runs'?")
        refuse("runs = 2", "runs = '2'", "line 11", "'runs' is no integer")
        refuse("runs = 2", "runs = -2", "line 11", "runs = -2")
        refuse('"grand"', '"gran"', "line 5", "did you mean 'grand'?")
        refuse('"grand"', '"el2n"', "el2n is there twice")
        refuse("[scoring]", "[scorin]", "'scorin'", "did you mean 'scoring'?")
        refuse("[[evaluation]]", "[evaluation]", "[[evaluation]]")
        refuse("keep = [0.4, 0.8]", "keep = [0.4, 1.0]", "keep = 1", "(0, 1)")
        refuse('"easy"', '"random"', "random")
        refuse('models = ["linear"]', 'models = ["linar"]', "linar", "linear")
        refuse("iterations = 20", "iterations = 0", "line 13", "iterations = 0")
        refuse('data = "mnist:idx"', "", "no data", "--data")
        refuse("seed = 3", "seed = ?", "line 7")
        self.specify(SPECIFICATION.replace("examples = 150", "examples = 201"))
        self.refuse("benchmark", "spec.toml", "--out", "run", mentions=("201", "1 to 200"))
        self.refuse("benchmark", "none.toml", "--out", "run", mentions=("none.toml",))
        self.refuse("benchmark", "--out", "run", mentions=("SPECIFICATION",))

    def test_other_data_and_seed(self):
        fixtures.write_idx(self.folder / "other", n=180, n_test=40)
        self.succeed("benchmark", self.specify(), "--data", "mnist:other", "--seed", 7, "--out",
                     "run")
        options = self.read_json("run/run.json")["options"]
        self.assertEqual(options["data"], "mnist:other")
        self.assertEqual({int(row["seed"]) for row in self.table("run/results.csv")}, {7, 8})

    @unittest.skipUnless(has_plugin(), "needs LibTorch")
    def test_shipped_specifications_are_understood(self):
        folder = pathlib.Path(__file__).parents[2] / "benchmarks"
        files = sorted(folder.glob("*.toml"))
        self.assertGreaterEqual(len(files), 4)
        for file in files:
            self.refuse("benchmark", file, "--data", "mnist:nowhere", "--out", "run",
                        mentions=("nowhere",))


class ScratchTest(WinnowTest):
    def setUp(self):
        super().setUp()
        fixtures.write_idx(self.folder / "idx", n=200, n_test=60)

    arguments = ("--data", "mnist:idx", "--encoder", "pixels", "--model", "linear",
                 "--train-iterations", 20, "--batch-size", 32)

    def test_scores_are_those_of_the_logs(self):
        self.succeed("score", "--metric", "el2n", *self.arguments, "--runs", 3, "--out", "s.npy")
        runs = sorted((self.folder / "s/trainings").iterdir())
        self.assertEqual([run.name for run in runs],
                         ["linear-full-1-s0", "linear-full-1-s1", "linear-full-1-s2"])
        expected = np.mean([np.load(run / "dynamics/el2n.npy")[-1] for run in runs], axis=0)
        np.testing.assert_allclose(self.load("s.npy"), expected, atol=1e-6)
        sidecar = self.read_json("s.json")
        self.assertEqual(sidecar["runs"], 3)
        self.assertGreater(sidecar["training"]["core_seconds"], 0)
        self.succeed("score", "--metric", "el2n", "--dynamics", *runs, "--out", "again.npy")
        np.testing.assert_array_equal(self.load("again.npy"), self.load("s.npy"))

    def test_metrics_share_trainings(self):
        self.succeed("score", "--metric", "forgetting", *self.arguments, "--runs", 2, "--work",
                     "w", "--out", "f.npy")
        log = self.folder / "w/trainings/linear-full-1-s0/run.json"
        when = log.stat().st_mtime_ns
        self.succeed("score", "--metric", "aum", *self.arguments, "--runs", 2, "--work", "w",
                     "--out", "a.npy")
        self.assertEqual(log.stat().st_mtime_ns, when, "trained again")
        self.succeed("score", "--metric", "grand", *self.arguments, "--runs", 2, "--work", "w",
                     "--out", "g.npy")
        self.assertNotEqual(log.stat().st_mtime_ns, when, "the log had no gradients")
        self.assertTrue(np.all(self.load("g.npy") > 0))

    def test_memorization_trains_on_subsets(self):
        self.succeed("score", "--metric", "memorization", *self.arguments, "--runs", 12,
                     "--subset-fraction", 0.5, "--errors-out", "e.npy", "--out", "m.npy")
        runs = list((self.folder / "m/trainings").iterdir())
        self.assertEqual(len(runs), 12)
        inside = np.array([np.load(run / "dynamics/in_train.npy") for run in runs])
        right = np.array([np.load(run / "dynamics/correct.npy")[-1] for run in runs])
        self.assertEqual(set(inside.sum(axis=1)), {100})
        with np.errstate(invalid="ignore"):
            expected = ((right * inside).sum(axis=0) / inside.sum(axis=0)
                        - (right * ~inside).sum(axis=0) / (~inside).sum(axis=0))
        enough = ~np.isnan(self.load("e.npy"))
        self.assertGreater(enough.sum(), 150)
        np.testing.assert_allclose(self.load("m.npy")[enough], expected[enough], atol=1e-12)

    def test_embeddings_of_ones_own(self):
        random = np.random.default_rng(1)
        labels = random.integers(0, 3, 90)
        rows = random.normal(size=(90, 4)).astype(np.float32)
        rows[np.arange(90), labels] += 2
        for name, part in (("", slice(0, 60)), ("-test", slice(60, 90))):
            self.save(f"x{name}.npy", rows[part])
            self.save(f"y{name}.npy", labels[part])
        self.succeed("score", "--metric", "forgetting", "--embeddings", "x.npy", "--labels",
                     "y.npy", "--test-embeddings", "x-test.npy", "--test-labels", "y-test.npy",
                     "--model", "mlp", "--train-iterations", 20, "--batch-size", 8, "--out",
                     "f.npy")
        self.assertEqual(self.load("f.npy").shape, (60,))

    def test_prototypes_of_a_dataset(self):
        self.succeed("embed", "--data", "mnist:idx", "--encoder", "pixels", "--out", "e.npy")
        self.succeed("score", "--metric", "self-prototypes", "--embeddings", "e.npy", "--labels",
                     "mnist:idx", "--out", "a.npy")
        self.succeed("score", "--metric", "self-prototypes", "--data", "mnist:idx", "--encoder",
                     "pixels", "--out", "b.npy")
        np.testing.assert_array_equal(self.load("a.npy"), self.load("b.npy"))
        self.assertEqual(self.read_json("a.json")["fingerprint"],
                         self.read_json("b.json")["fingerprint"])

    @unittest.skipUnless(has_plugin(), "needs LibTorch")
    def test_networks_go_on_after_an_interruption(self):
        arguments = ["score", "--metric", "forgetting", "--data", "mnist:idx", "--model", "resnet8",
                     "--epochs", "12", "--batch-size", "64", "--runs", "1", "--threads", "1"]
        program = subprocess.Popen([os.environ["WINNOW"], *arguments, "--out", "cut.npy"],
                                   cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        training = self.folder / "cut/trainings/resnet8-full-1-s0"
        checkpoint = training / "checkpoint.safetensors"
        while program.poll() is None and not checkpoint.exists():
            time.sleep(0.005)
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.wait(timeout=60), 130)
        self.assertFalse((training / "run.json").exists())
        before = (training / "curves.csv").read_text(encoding="utf-8").splitlines()
        self.succeed(*arguments, "--out", "cut.npy")
        after = (training / "curves.csv").read_text(encoding="utf-8").splitlines()
        self.assertEqual(len(after), 13)
        self.assertEqual(after[:2], before[:2], "the first pass was done again")
        self.assertEqual(sorted(path.name for path in training.iterdir()),
                         ["curves.csv", "dynamics", "run.json"])
        self.succeed(*arguments, "--out", "whole.npy")
        np.testing.assert_array_equal(self.load("cut.npy"), self.load("whole.npy"))

    def test_refusals(self):
        self.refuse("score", "--metric", "el2n", "--out", "s.npy",
                    mentions=("--dynamics", "--data"))
        self.refuse("score", "--metric", "el2n", "--dynamics", "idx", "--runs", 3, "--out", "s.npy",
                    mentions=("--runs", "--dynamics"))
        self.refuse("score", "--metric", "self-prototypes", *self.arguments, "--out", "s.npy",
                    mentions=("--train-iterations", "self-prototypes"))
        self.refuse("score", "--metric", "el2n", "--data", "mnist:idx", "--model", "linar",
                    "--out", "s.npy", mentions=("linar", "linear"))
        self.refuse("score", "--metric", "memorization", *self.arguments, "--subset-fraction", 1,
                    "--out", "s.npy", mentions=("subset-fraction = 1",))


if __name__ == "__main__":
    unittest.main()
