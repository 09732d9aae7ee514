"""winnow prune from a dataset to the report: what its run folder holds, and that it repeats."""

import csv
import re
import shutil
import unittest

import numpy as np

import fixtures
from helpers import WinnowTest

SMALL = ("--words", 12, "--patches", 1500, "--dictionary-iterations", 3, "--dimensions", 10)
TRAINING = ("--evaluate", "--train-iterations", 50, "--evaluate-seeds", 2)
# Every byte of these follows from the input, the options and the seed.
REPEATABLE = ("embeddings.npy", "embeddings-test.npy", "centroids.npy", "assignment.npy",
              "scores.npy", "scores.json", "keep.npy", "keep.json", "results.csv")


class PruneTest(WinnowTest):
    def prune(self, data, out, *arguments):
        return self.succeed_json("prune", "--data", data, *SMALL, *arguments, "--out", out)

    def names(self, folder):
        return {path.split("/")[0] for path, _ in self.listing(folder)}

    def read_csv(self, name):
        with open(self.folder / name, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def assert_no_temporaries(self, folder):
        for path, _ in self.listing(folder):
            self.assertFalse(any(part.startswith(".") for part in path.split("/")), path)


class EvaluatedRunTest(PruneTest):
    def setUp(self):
        super().setUp()
        fixtures.write_idx(self.folder / "idx", n=240, n_test=80)

    def test_run_folder(self):
        told = self.prune("mnist:idx", "run", *TRAINING, "--keep", 0.5, "--write", "keys,mask")
        self.assertEqual(self.names("run"), {
            "run.json", "embeddings.npy", "embeddings.json", "embeddings-test.npy",
            "embeddings-test.json", "scores.npy", "scores.json", "centroids.npy", "centroids.json",
            "assignment.npy", "keep.npy", "keep.json", "keep.txt", "mask.npy", "results.csv",
            "timing.csv", "report.html", "trainings"})
        self.assert_no_temporaries("run")
        self.check_arrays()
        self.check_run_json(told)
        self.check_evaluation(told)
        page = (self.folder / "run/report.html").read_text(encoding="utf-8")
        self.assertTrue(page.startswith("<!DOCTYPE html>"))
        self.assertTrue(page.rstrip().endswith("</html>"))

    def check_arrays(self):
        rows, scores = self.load("run/embeddings.npy"), self.load("run/scores.npy")
        centroids, ids = self.load("run/centroids.npy"), self.load("run/keep.npy")
        self.assertEqual(rows.shape, (240, 10))
        self.assertEqual(self.load("run/embeddings-test.npy").shape, (80, 10))
        self.assertEqual(centroids.shape, (10, 10))  # as many clusters as classes
        rows = rows.astype(np.float64)
        cosines = rows / np.linalg.norm(rows, axis=1, keepdims=True) @ centroids.T
        np.testing.assert_allclose(scores, 1.0 - cosines.max(axis=1), atol=3e-7)
        assignment = self.load("run/assignment.npy")
        np.testing.assert_allclose(scores, 1.0 - cosines[np.arange(240), assignment], atol=3e-7)
        self.assertEqual((len(ids), ids.dtype), (120, np.int64))
        self.assertTrue(np.all(np.diff(ids) > 0))
        # Whatever was dropped although it is harder than something kept went for class balance.
        _, labels = fixtures.shapes(240)
        kept = np.bincount(labels[ids], minlength=10)
        self.assertTrue(np.all(kept >= np.floor(0.5 * 0.5 * np.bincount(labels))))
        fingerprint = self.succeed_json("info", "mnist:idx")["fingerprint"]
        for name in ("embeddings", "scores", "keep"):
            self.assertEqual(self.read_json(f"run/{name}.json")["fingerprint"], fingerprint)

    def check_run_json(self, told):
        run = self.read_json("run/run.json")
        self.assertEqual(run["kind"], "prune")
        self.assertEqual(run["command"][1:4], ["prune", "--data", "mnist:idx"])
        self.assertRegex(run["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(len(run["inputs"]), 2)
        for entry in run["inputs"]:
            self.assertRegex(entry["hash"], r"^xxh3:[0-9a-f]{16}$")
        self.assertEqual(set(run["files"]), self.names("run") - {"run.json", "trainings"})
        for child in run["children"]:
            self.assertEqual(self.read_json(f"run/{child}/run.json")["kind"], "training")
        self.assertEqual(set(told["seconds"]), {"embed", "score", "select", "evaluate", "report"})

    def check_evaluation(self, told):
        rows = self.read_csv("run/results.csv")
        cells = [(row["model"], row["policy"], row["keep"], row["seed"]) for row in rows]
        expected = []
        for model in ("linear", "mlp"):
            expected += [(model, "full", "1", seed) for seed in "01"]
            for keep in ("0.5", "0.1"):
                expected += [(model, policy, keep, seed) for policy in ("random", "hard", "easy")
                             for seed in "01"]
        self.assertEqual(cells, expected)
        for row in rows:
            self.assertEqual(int(row["n_train"]), round(float(row["keep"]) * 240))
            self.assertEqual(int(row["iterations"]), 50)
            self.assertTrue(0.0 <= float(row["test_error"]) <= 1.0)
        timing = self.read_csv("run/timing.csv")
        self.assertEqual([(row["model"], row["policy"], row["keep"], row["seed"])
                          for row in timing], expected)
        self.assertEqual(len(told["evaluation"]), 14)
        for entry in told["evaluation"]:
            errors = [float(row["test_error"]) for row in rows
                      if (row["model"], row["policy"], float(row["keep"])) ==
                      (entry["model"], entry["policy"], entry["keep"])]
            self.assertAlmostEqual(entry["test_error"], np.mean(errors))
            self.assertAlmostEqual(entry["standard_error"], np.std(errors, ddof=1) / np.sqrt(2))

    def test_same_bits_for_any_number_of_threads_and_for_the_seed(self):
        for out, arguments in (("one", ("--threads", 1)), ("two", ("--threads", 2)),
                               ("other", ("--seed", 1))):
            self.prune("mnist:idx", out, *TRAINING, "--evaluate-keep", 0.3, *arguments)
        for name in REPEATABLE:
            one, two, other = ((self.folder / run / name).read_bytes()
                               for run in ("one", "two", "other"))
            self.assertEqual(one, two, name)
            self.assertNotEqual(one, other, name)

    def test_stage_by_stage_gives_the_same_bytes(self):
        self.prune("mnist:idx", "run", "--keep", 0.3)
        self.succeed("embed", "--data", "mnist:idx", *SMALL, "--out", "emb.npy")
        self.succeed("score", "--embeddings", "emb.npy", "--labels", "mnist:idx", "--out", "s.npy",
                     "--centroids-out", "c.npy")
        self.succeed("select", "--scores", "s.npy", "--data", "mnist:idx", "--keep", 0.3,
                     "--out", "kept")
        for mine, its in (("emb.npy", "embeddings.npy"), ("s.npy", "scores.npy"),
                          ("c.npy", "centroids.npy"), ("kept/keep.npy", "keep.npy")):
            self.assertEqual((self.folder / mine).read_bytes(),
                             (self.folder / "run" / its).read_bytes(), mine)

    def test_force_leaves_nothing_of_the_run_before(self):
        self.prune("mnist:idx", "run", *TRAINING, "--evaluate-keep", 0.3, "--write", "mask,csv")
        self.prune("mnist:idx", "run", "--metric", "random", "--force")
        self.assertEqual(self.names("run"), {"run.json", "scores.npy", "scores.json", "keep.npy",
                                             "keep.json", "report.html"})

    def test_refused_run_leaves_the_run_before(self):
        self.prune("mnist:idx", "run")
        for arguments, mention in ((("--keep", 2), "keep = 2"), (("--clusters", 241), "241"),
                                   (("--centroids-in", "none.npy"), "none.npy")):
            self.refuse("prune", "--data", "mnist:idx", *SMALL, *arguments, "--force",
                        "--out", "run", mentions=[mention])

    def test_evaluate_needs_labels_and_a_test_set(self):
        images, labels = fixtures.shapes(60)
        self.save("x.npy", images)
        self.save("y.npy", labels.astype(np.int64))
        self.refuse("prune", "--data", "npy:x.npy", "--evaluate", "--out", "run",
                    mentions=["npy:x.npy", "labels"])
        self.refuse("prune", "--data", "npy:x.npy,labels=y.npy", "--evaluate", "--out", "run",
                    mentions=["npy:x.npy", "--test-data"])
        self.prune("npy:x.npy,labels=y.npy", "run", *TRAINING, "--test-data", "mnist:idx#test")

    def test_epochs_matched(self):
        self.prune("mnist:idx", "run", *TRAINING, "--evaluate-models", "linear",
                   "--evaluate-keep", "0.5,0.1", "--match", "epochs")
        steps = {row["keep"]: int(row["iterations"]) for row in self.read_csv("run/results.csv")}
        self.assertEqual(steps, {"1": 50, "0.5": 25, "0.1": 5})


class OtherInputTest(PruneTest):
    def test_image_folder_and_tar(self):
        fixtures.write_image_folder(self.folder / "images")
        fixtures.write_tar(self.folder / "images", self.folder / "images.tar")
        self.prune("images:images", "a", "--keep", 0.25)
        self.prune("images:images.tar", "b", "--keep", 0.25)
        for name in ("embeddings.npy", "scores.npy", "keep.npy"):
            self.assertEqual((self.folder / "a" / name).read_bytes(),
                             (self.folder / "b" / name).read_bytes(), name)
        self.assertEqual(len(self.load("a/keep.npy")), 9)
        page = (self.folder / "b/report.html").read_text(encoding="utf-8")
        self.assertGreater(len(re.findall(r'src="data:image/(?:png|jpeg);base64,', page)), 10)
        self.assert_no_temporaries("a")

    def test_splits_in_a_tar(self):
        fixtures.write_image_folder(self.folder / "images", splits=("train", "val"))
        fixtures.write_tar(self.folder / "images", self.folder / "images.tar")
        told = self.prune("images:images.tar", "run", *TRAINING, "--evaluate-keep", 0.5)
        self.assertEqual(told["knn"]["queries"], 36)
        self.assertEqual(len(told["evaluation"]), 8)

    def test_own_embeddings(self):
        rows, labels = fixtures.blobs()
        self.save("emb.npy", rows)
        self.save("y.npy", labels)
        self.succeed("prune", "--embeddings", "emb.npy", "--labels", "y.npy", "--keep-count", 40,
                     "--policy", "easy", "--out", "run")
        self.assertEqual(self.names("run"), {
            "run.json", "scores.npy", "scores.json", "centroids.npy", "centroids.json",
            "assignment.npy", "keep.npy", "keep.json", "report.html"})
        self.assertEqual(len(self.load("run/keep.npy")), 40)
        self.assertEqual(self.read_json("run/run.json")["options"]["policy"], "easy")

    def test_labels_of_a_set_that_has_none(self):
        images, labels = fixtures.shapes(60)
        self.save("x.npy", images)
        (self.folder / "y.csv").write_text(
            "label\n" + "".join(f"class {label}\n" for label in labels), encoding="utf-8")
        told = self.prune("npy:x.npy", "run", "--labels", "y.csv")
        self.assertEqual([c["name"] for c in told["audit"]["classes"]],
                         [f"class {i}" for i in range(10)])
        self.assertEqual(self.load("run/centroids.npy").shape[0], 10)


class ReportTest(PruneTest):
    def setUp(self):
        super().setUp()
        fixtures.write_image_folder(self.folder / "images")
        self.prune("images:images", "run")

    def test_same_page_as_prune_wrote(self):
        told = self.succeed_json("report", "run", "--out", "page.html")
        page = (self.folder / "page.html").read_bytes()
        self.assertEqual(page, (self.folder / "run/report.html").read_bytes())
        self.assertEqual(told["bytes"], len(page))
        self.assertNotRegex(page.decode(), r'(?:src|href)="https?:')

    def test_several_runs_and_data_that_moved(self):
        self.prune("images:images", "easy", "--policy", "easy")
        shutil.move(self.folder / "images", self.folder / "moved")
        told = self.succeed_json("report", "run", "easy", "--out", "page.html")
        self.assertTrue(told["warnings"])
        self.assertEqual(told["images"], 0)
        told = self.succeed_json("report", "run", "easy", "--data", "images:moved",
                                 "--out", "page.html", "--force")
        self.assertGreater(told["images"], 0)

    def test_refusals(self):
        self.refuse("report", "none", "--out", "page.html", mentions=["none", "run.json"])
        self.refuse("report", "images", "--out", "page.html", mentions=["images", "run.json"])
        self.refuse("report", "run", "--out", "run/report.html", mentions=["exists", "--force"])
        self.refuse("report", "run", "--histogram-bins", 1, "--out", "page.html",
                    mentions=["histogram-bins = 1"])
        (self.folder / "run/run.json").write_text('{"kind": ', encoding="utf-8")
        self.refuse("report", "run", "--out", "page.html", mentions=["run/run.json", "byte"])
        (self.folder / "run/run.json").write_text('{"kind": 3}', encoding="utf-8")
        self.refuse("report", "run", "--out", "page.html", mentions=["run/run.json"])


if __name__ == "__main__":
    unittest.main()
