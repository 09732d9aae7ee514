"""winnow compare: correlations, overlap and class balance of scores, against SciPy and NumPy."""

import csv
import json
import unittest

import numpy as np
from scipy import stats

import fixtures
from helpers import WinnowTest


class CompareTest(WinnowTest):
    n = 500

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(5)
        base = random.normal(size=self.n)
        self.arrays = {"el2n": base, "coarse": np.round(base + random.normal(size=self.n)),
                       "other": random.integers(0, 3, self.n).astype(float)}
        self.labels = (base > 0.7).astype(np.int64) + (base > 1.2)
        for name, array in self.arrays.items():
            self.save(f"{name}.npy", array)
        self.save("y.npy", self.labels)
        self.files = [f"{name}.npy" for name in self.arrays]

    def table(self, name):
        with open(self.folder / name, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def kept(self, name, count, hard=True):
        values = self.arrays[name]
        return np.lexsort((np.arange(self.n), -values if hard else values))[:count]

    def test_correlations_are_scipys(self):
        told = self.succeed_json("compare", *self.files, "--out", "out")
        self.assertEqual(told["scores"], list(self.arrays))
        self.assertEqual(told["n"], self.n)
        for key, function in (("spearman", stats.spearmanr), ("kendall", stats.kendalltau)):
            rows = self.table(f"out/{key}.csv")
            for a, x in enumerate(self.arrays):
                self.assertEqual(rows[a]["score"], x)
                for b, y in enumerate(self.arrays):
                    expected = function(self.arrays[x], self.arrays[y])[0]
                    self.assertAlmostEqual(told[key][a][b], expected, places=12)
                    self.assertEqual(float(rows[a][y]), told[key][a][b])
        self.assertNotIn("balance", told)
        self.assertFalse((self.folder / "out/balance.csv").exists())

    def test_overlap_is_that_of_the_sets_that_select_keeps(self):
        told = self.succeed_json("compare", *self.files, "--keep", "0.5,0.1,1", "--out", "out")
        self.assertEqual((told["keep"], told["kept"]), ([0.1, 0.5, 1.0], [50, 250, 500]))
        for name in self.arrays:
            self.succeed("select", "--scores", f"{name}.npy", "--keep", 0.1, "--out", f"k-{name}")
        sets = [set(self.load(f"k-{name}/keep.npy").tolist()) for name in self.arrays]
        rows = self.table("out/overlap.csv")
        self.assertEqual(len(rows), 9)
        for a in range(3):
            for b in range(3):
                expected = len(sets[a] & sets[b]) / len(sets[a] | sets[b])
                self.assertEqual(told["overlap"][0][a][b], expected)
        first = rows[0]
        self.assertEqual((first["score_a"], first["score_b"], first["kept"]),
                         ("el2n", "coarse", "50"))
        self.assertEqual(float(first["jaccard"]), told["overlap"][0][0][1])

    def test_class_balance(self):
        told = self.succeed_json("compare", *self.files, "--labels", "y.npy", "--keep", "0.2,0.8",
                                 "--out", "out")
        sizes = np.bincount(self.labels)
        rows = self.table("out/balance.csv")
        self.assertEqual(len(rows), 3 * 2 * 2 * 3)
        for row in rows:
            ids = self.kept(row["score"], int(row["kept"]), row["policy"] == "hard")
            counts = np.bincount(self.labels[ids], minlength=3)
            c = int(row["class"])
            self.assertEqual(int(row["class_kept"]), counts[c])
            self.assertEqual(int(row["class_size"]), sizes[c])
            self.assertEqual(float(row["retention"]), counts[c] / sizes[c])
            self.assertAlmostEqual(float(row["entropy"]),
                                   stats.entropy(counts / counts.sum()) / np.log(3), places=12)
        self.assertAlmostEqual(told["entropy_before"], stats.entropy(sizes / self.n) / np.log(3),
                               places=12)
        hard = told["balance"][0]
        self.assertEqual((hard["score"], hard["policy"], hard["keep"]), ("el2n", "hard", 0.2))
        self.assertEqual(hard["least_retention"], min(hard["retention"]))

    def test_constant_scores_are_undefined_not_numbers(self):
        self.save("flat.npy", np.ones(self.n))
        out = self.succeed("compare", "el2n.npy", "flat.npy", "--out", "out").out
        self.assertIn("undef.", out)
        self.assertIn("undefined, since all scores of one of the two are equal", out)
        self.assertEqual(self.table("out/kendall.csv")[0]["flat"], "nan")
        told = self.succeed_json("compare", "el2n.npy", "flat.npy", "--out", "out", "--force")
        self.assertEqual(told["spearman"], [[1.0, None], [None, None]])

    def test_text(self):
        out = self.succeed("compare", *self.files, "--labels", "y.npy", "--out", "out").out
        for text in ("3 scores of 500 examples", "[2] coarse", "Kendall's tau-b", "(by chance)",
                     "[1] and [3]", "Class entropy of the hardest"):
            self.assertIn(text, out)
        self.assertNotIn("undef", out)
        self.assertLess(max(map(len, out.splitlines())), 100)

    def test_twelve_scores_fit_the_terminal(self):
        names = [self.save(f"a-metric-of-long-name-{i}.npy", self.arrays["el2n"] ** i)
                 for i in range(1, 13)]
        out = self.succeed("compare", *names, "--labels", "y.npy", "--out", "out").out
        self.assertLess(max(map(len, out.splitlines())), 132)

    def test_names(self):
        """By metric, else by file, else by path."""
        for folder in ("s0", "s1"):
            (self.folder / folder).mkdir()
        for path in ("s0/x", "s1/x", "s1/y", "z"):
            fixtures.with_sidecar(self.folder / f"{path}.npy", self.arrays["el2n"], metric="aum")
        fixtures.with_sidecar(self.folder / "w.npy", self.arrays["el2n"], metric="grand")
        told = self.succeed_json("compare", "s0/x.npy", "s1/x.npy", "s1/y.npy", "z.npy", "w.npy",
                                 "coarse.npy", "--out", "out")
        self.assertEqual(told["scores"], ["s0/x.npy", "s1/x.npy", "y", "z", "grand", "coarse"])
        self.refuse("compare", "w.npy", "w.npy", "--out", "twice", mentions=["w.npy", "given twice"])

    def test_run_folder(self):
        self.succeed("compare", *self.files, "--labels", "y.npy", "--out", "out")
        run = self.read_json("out/run.json")
        self.assertEqual(run["kind"], "compare")
        self.assertEqual(run["command"][1], "compare")
        self.assertEqual([entry["path"] for entry in run["inputs"]], [*self.files, "y.npy"])
        self.assertTrue(all(entry["hash"].startswith("xxh3:") for entry in run["inputs"]))
        self.assertEqual(run["files"], ["spearman.csv", "kendall.csv", "overlap.csv", "balance.csv"])
        self.assertEqual(len(run["results"]["kendall"]), 3)
        before = {name: (self.folder / "out" / name).read_bytes() for name in run["files"]}
        self.succeed("compare", *self.files, "--labels", "y.npy", "--out", "again", "--threads", 1)
        for name, content in before.items():
            self.assertEqual((self.folder / "again" / name).read_bytes(), content, name)
        self.refuse("compare", *self.files, "--out", "out", mentions=["out", "--force"])
        self.succeed("compare", *self.files, "--out", "out", "--force")
        self.assertFalse((self.folder / "out/balance.csv").exists())
        self.assertEqual(json.loads(self.succeed("info", "out", "--json").out)["run"]["kind"],
                         "compare")

    def test_report_takes_the_run(self):
        self.succeed("compare", *self.files, "--labels", "y.npy", "--out", "out")
        self.succeed("report", "out", "--out", "report.html")
        page = (self.folder / "report.html").read_text(encoding="utf-8")
        self.assertIn("compare", page)

    def test_data_gives_labels(self):
        self.save("x.npy", np.zeros((self.n, 2), np.float32))
        told = self.succeed_json("compare", *self.files, "--data", "npy:x.npy,labels=y.npy",
                                 "--keep", 0.5, "--out", "out")
        self.assertEqual(told["classes"], ["0", "1", "2"])
        self.save("short.npy", np.zeros((9, 2), np.float32))
        self.refuse("compare", *self.files, "--data", "npy:short.npy", "--out", "bad",
                    mentions=["el2n.npy", "500", "npy:short.npy", "9"])

    def test_refusals(self):
        self.save("short.npy", np.zeros(9))
        self.save("nan.npy", np.where(np.arange(self.n) == 7, np.nan, 0.0))
        self.save("short-y.npy", np.zeros(9, np.int64))
        for name, fingerprint in (("one", "1"), ("two", "2")):
            fixtures.with_sidecar(self.folder / f"{name}.npy", self.arrays["el2n"], metric=name,
                                  fingerprint="xxh3:000000000000000" + fingerprint)
        cases = [
            (["el2n.npy"], ["1 scores file", "two or more"]),
            ([], ["SCORES"]),
            (["el2n.npy", "short.npy"], ["el2n.npy", "500", "short.npy", "9"]),
            (["el2n.npy", "nan.npy"], ["nan.npy", "row 7 is NaN"]),
            (["el2n.npy", "missing.npy"], ["missing.npy"]),
            (["one.npy", "coarse.npy", "two.npy"], ["one.npy", "two.npy", "different datasets"]),
            ([*self.files, "--labels", "short-y.npy"], ["short-y.npy", "9", "500"]),
            ([*self.files, "--keep", "0"], ["keep", "0"]),
            ([*self.files, "--keep", "0.5,1.5"], ["keep", "1.5"]),
            ([*self.files, "--keep", "half"], ["keep", "half"]),
        ]
        for arguments, mentions in cases:
            with self.subTest(arguments=arguments):
                self.refuse("compare", *arguments, "--out", "out", mentions=mentions)
        self.refuse("compare", *self.files, mentions=["--out is missing"])


if __name__ == "__main__":
    unittest.main()
