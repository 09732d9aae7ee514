"""Policies of winnow select that need more than ranks, against NumPy straight from the papers."""

import csv
import unittest

import numpy as np

import fixtures
from helpers import WinnowTest


def hardest_first(scores, ids):
    return sorted(ids, key=lambda i: (-scores[i], i))


def moderate(scores, labels, shares):
    """shares[c] examples of each class c, the nearest to its median."""
    chosen = []
    for c, share in enumerate(shares):
        ids = np.flatnonzero(labels == c)
        median = np.median(scores[ids])
        chosen += sorted(ids, key=lambda i: (abs(scores[i] - median), i))[:share]
    return sorted(chosen)


def strata_budgets(sizes, count):
    """Algorithm 1 of Zheng et al. 2023."""
    budgets, left = np.zeros(len(sizes), dtype=int), list(range(len(sizes)))
    while left:
        smallest = min(left, key=lambda j: (sizes[j], j))
        budgets[smallest] = min(sizes[smallest], count // len(left))
        count -= budgets[smallest]
        left.remove(smallest)
    return budgets


def complexity(centroids, assignment, distance, neighbours):
    """d_intra d_inter of Abbas et al. 2024, with the centroids' cosines in float64."""
    apart = 1.0 - centroids.astype(float) @ centroids.T.astype(float)
    d_inter = np.sort(apart, axis=1)[:, 1:neighbours + 1].mean(axis=1)
    d_intra = [distance[assignment == j].mean() for j in range(len(centroids))]
    return d_inter * np.array(d_intra)


def project(targets, sizes, count):
    """argmin |x - targets|^2 with sum x = count, 1 <= x <= sizes, by bisection; then rounded."""
    low, high = -2.0 * count, 2.0 * count
    for _ in range(200):
        middle = (low + high) / 2
        total = np.clip(targets + middle, 1, sizes).sum()
        low, high = (middle, high) if total < count else (low, middle)
    x = np.clip(targets + high, 1, sizes)
    whole = np.floor(x).astype(int)
    for j in np.argsort(whole - x, kind="stable")[:count - whole.sum()]:
        whole[j] += 1
    return whole


def d2(scores, rows, neighbours, forward, reverse):
    """Order of Maharana et al. 2024: one maximum after the other."""
    rows = rows.astype(float) / np.linalg.norm(rows.astype(float), axis=1, keepdims=True)
    squared = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    joined = np.zeros(squared.shape, dtype=bool)
    for i, row in enumerate(np.argsort(squared, axis=1, kind="stable")[:, :neighbours]):
        joined[i, row] = joined[row, i] = True
    own = scores - min(0.0, scores.min())
    np.fill_diagonal(squared, 0.0)
    values = own + (joined * np.exp(-forward * squared)) @ own
    order = []
    for _ in scores:
        best = int(np.argmax(values))
        order.append(best)
        values -= joined[best] * np.exp(-reverse * squared[best]) * values[best]
        values[order] = -np.inf
    return order


class PoliciesTest(WinnowTest):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(3)
        self.n = 600
        self.labels = random.choice(3, size=self.n, p=[0.6, 0.3, 0.1])
        self.rows = random.normal(size=(self.n, 8)).astype(np.float32)
        self.scores = random.normal(size=self.n) + self.labels
        self.save("s.npy", self.scores)
        self.save("y.npy", self.labels)
        self.save("emb.npy", self.rows)

    def select(self, policy, *arguments, out="kept"):
        self.succeed("select", "--scores", "s.npy", "--policy", policy, "--out", out, "--force",
                     *arguments)
        return self.load(f"{out}/keep.npy"), self.read_json(f"{out}/keep.json")

    def reasons(self, name="kept/dropped.csv"):
        with open(self.folder / name, newline="", encoding="utf-8") as file:
            return {int(row["id"]): row["reason"] for row in csv.DictReader(file)}


class ModerateTest(PoliciesTest):
    def test_all_examples(self):
        ids, sidecar = self.select("moderate", "--keep", 0.3)
        expected = moderate(self.scores, np.zeros(self.n, dtype=int), [180])
        self.assertEqual(ids.tolist(), expected)
        np.testing.assert_allclose(sidecar["medians"], [np.median(self.scores)], rtol=1e-15)
        self.assertIsNone(sidecar["cut"])

    def test_each_class(self):
        self.save("y.npy", self.labels)
        ids, sidecar = self.select("moderate", "--keep", 0.25, "--labels", "y.npy",
                                   "--write", "dropped")
        shares = np.bincount(self.labels[ids], minlength=3)
        fair = 0.25 * np.bincount(self.labels)
        self.assertLess(np.abs(shares - fair).max(), 1.0)
        self.assertEqual(ids.tolist(), moderate(self.scores, self.labels, shares))
        self.assertEqual(len(sidecar["medians"]), 3)
        self.assertEqual(set(self.reasons().values()), {"rank"})


class StratifiedTest(PoliciesTest):
    def test_budgets_and_reasons(self):
        ids, sidecar = self.select("stratified", "--keep", 0.3, "--cut-off", 0.15, "--strata", 12,
                                   "--write", "dropped")
        beyond = hardest_first(self.scores, range(self.n))[:90]
        below = np.setdiff1d(np.arange(self.n), beyond)
        sizes, edges = np.histogram(self.scores[below], bins=12)
        kept, _ = np.histogram(self.scores[ids], bins=edges)
        self.assertEqual(sidecar["strata_sizes"], sizes.tolist())
        self.assertEqual(sidecar["strata_budgets"], strata_budgets(sizes, 180).tolist())
        self.assertEqual(kept.tolist(), sidecar["strata_budgets"])
        reasons = self.reasons()
        self.assertEqual({i for i, reason in reasons.items() if reason == "cut-off"}, set(beyond))
        self.assertEqual({i for i, reason in reasons.items() if reason == "rank"},
                         set(below) - set(ids))
        self.assertEqual((sidecar["policy"], sidecar["cut-off"], sidecar["strata"]),
                         ("stratified", 0.15, 12))

    def test_seed(self):
        drawn = [self.select("stratified", "--keep", 0.2, "--seed", seed)[0].tolist()
                 for seed in (1, 1, 2)]
        self.assertEqual(drawn[0], drawn[1])
        self.assertNotEqual(drawn[0], drawn[2])

    def test_more_than_the_cut_off_leaves(self):
        self.refuse("select", "--scores", "s.npy", "--policy", "stratified", "--keep", 0.95,
                    "--out", "kept", mentions=["cut-off = 0.1", "570 of 600", "540 are left"])


class DensityTest(PoliciesTest):
    def setUp(self):
        super().setUp()
        self.succeed("cluster", "--embeddings", "emb.npy", "--clusters", 25, "--out", "c")

    def test_budgets(self):
        for keep, temperature in ((0.3, 0.1), (0.9, 0.1), (0.1, 0.02)):
            ids, sidecar = self.select("density", "--clustering", "c", "--keep", keep,
                                       "--temperature", temperature, "--centroid-neighbours", 5)
            assignment, distance = self.load("c/assignment.npy"), self.load("c/distance.npy")
            sizes = np.bincount(assignment, minlength=25)
            cost = complexity(self.load("c/centroids.npy"), assignment, distance, 5)
            share = np.exp(cost / temperature)
            count = round(keep * self.n)
            budgets = project(count * share / share.sum(), sizes, count)
            np.testing.assert_allclose(sidecar["cluster_complexity"], cost, rtol=1e-6)
            self.assertEqual(sidecar["cluster_budgets"], budgets.tolist())
            expected = [i for j in range(25)
                        for i in hardest_first(self.scores, np.flatnonzero(assignment == j))
                        [:budgets[j]]]
            self.assertEqual(ids.tolist(), sorted(expected))
            self.assertTrue(any("assignment.npy" in str(file) for file in sidecar["inputs"]))

    def test_refusals(self):
        self.refuse("select", "--scores", "s.npy", "--policy", "density", "--out", "k",
                    mentions=["density", "--clustering"])
        self.refuse("select", "--scores", "s.npy", "--policy", "density", "--clustering", "c",
                    "--keep-count", 24, "--out", "k", mentions=["24 examples", "[25, 600]"])
        self.save("short.npy", self.scores[:-1])
        self.refuse("select", "--scores", "short.npy", "--policy", "density", "--clustering", "c",
                    "--out", "k", mentions=["short.npy", "599", "c has 600"])
        fixtures.with_sidecar(self.folder / "other.npy", self.scores, n=self.n,
                              fingerprint="xxh3:0000000000000001")
        sidecar = self.folder / "c/clustering.json"
        sidecar.write_text(sidecar.read_text().replace('"unknown"', '"xxh3:0000000000000002"'))
        self.refuse("select", "--scores", "other.npy", "--policy", "density", "--clustering", "c",
                    "--out", "k", mentions=["other.npy", "two different datasets"])


class D2Test(PoliciesTest):
    def test_order(self):
        for neighbours, forward, reverse in ((10, 1.0, 1.0), (3, 0.5, 0.1)):
            ids, sidecar = self.select(
                "d2", "--embeddings", "emb.npy", "--keep", 0.3, "--neighbours", neighbours,
                "--forward-gamma", forward, "--reverse-gamma", reverse)
            expected = d2(self.scores, self.rows, neighbours, forward, reverse)[:180]
            self.assertEqual(ids.tolist(), sorted(expected))
            self.assertEqual(sidecar["reverse-gamma"], reverse)
            self.assertTrue(any("emb.npy" in str(file) for file in sidecar["inputs"]))

    def test_class_floors(self):
        ids, _ = self.select("d2", "--embeddings", "emb.npy", "--labels", "y.npy", "--keep", 0.3,
                             "--class-balance", 1, "--write", "dropped")
        floors = np.floor(0.3 * np.bincount(self.labels) + 1e-9)
        self.assertTrue((np.bincount(self.labels[ids]) >= floors).all())
        self.assertEqual(set(self.reasons().values()), {"rank", "class-balance"})

    def test_refusals(self):
        self.refuse("select", "--scores", "s.npy", "--policy", "d2", "--out", "k",
                    mentions=["d2", "--embeddings"])
        self.refuse("select", "--scores", "s.npy", "--policy", "d2", "--embeddings", "emb.npy",
                    "--neighbours", 600, "--out", "k", mentions=["neighbours = 600", "[1, 599]"])
        self.save("short.npy", self.rows[:-1])
        self.refuse("select", "--scores", "s.npy", "--policy", "d2", "--embeddings", "short.npy",
                    "--out", "k", mentions=["short.npy", "599"])
        self.rows[7] = 0.0
        self.save("zero.npy", self.rows)
        self.refuse("select", "--scores", "s.npy", "--policy", "d2", "--embeddings", "zero.npy",
                    "--out", "k", mentions=["embeddings: row 7 has norm 0"])


class ForeignOptionsTest(PoliciesTest):
    def test_options_of_other_policies(self):
        for policy, option, value, owner in (
                ("hard", "--strata", 3, "stratified"), ("moderate", "--cut-off", 0.2, "stratified"),
                ("stratified", "--temperature", 1, "density"), ("random", "--neighbours", 3, "d2"),
                ("stratified", "--clustering", "c", "density"),
                ("density", "--embeddings", "emb.npy", "d2")):
            with self.subTest(option=option):
                self.refuse("select", "--scores", "s.npy", "--policy", policy, option, value,
                            "--out", "k", mentions=[f"{option}: policy = {policy}", owner])

    def test_same_bits_for_any_number_of_threads(self):
        self.succeed("cluster", "--embeddings", "emb.npy", "--clusters", 9, "--out", "c")
        for policy, *more in (("moderate", "--labels", "y.npy"), ("stratified",),
                              ("density", "--clustering", "c"), ("d2", "--embeddings", "emb.npy")):
            for threads in (1, 2):
                self.select(policy, *more, "--threads", threads, out=threads)
            for name in ("keep.npy", "keep.json"):
                self.assertEqual((self.folder / "1" / name).read_bytes(),
                                 (self.folder / "2" / name).read_bytes(), (policy, name))


class PruneTest(PoliciesTest):
    """Policies that look at what prune makes on its way."""

    def prune(self, policy, *arguments):
        self.succeed("prune", "--embeddings", "emb.npy", "--clusters", 8, "--keep", 0.25,
                     "--policy", policy, "--out", "run", "--force", *arguments)
        return self.load("run/keep.npy").tolist()

    def again(self, policy, *arguments):
        self.succeed("select", "--scores", "run/scores.npy", "--keep", 0.25, "--policy", policy,
                     "--out", "kept", "--force", *arguments)
        return self.load("kept/keep.npy").tolist()

    def test_same_as_select(self):
        self.succeed("cluster", "--embeddings", "emb.npy", "--clusters", 8, "--out", "c")
        self.assertEqual(self.prune("moderate"), self.again("moderate"))
        self.assertEqual(self.prune("stratified", "--strata", 5),
                         self.again("stratified", "--strata", 5))
        self.assertEqual(self.prune("density"), self.again("density", "--clustering", "c"))
        self.assertEqual(self.prune("d2", "--neighbours", 4),
                         self.again("d2", "--embeddings", "emb.npy", "--neighbours", 4))
        self.assertEqual(self.read_json("run/run.json")["options"]["neighbours"], 4)
        self.assertEqual(self.prune("d2", "--metric", "random"),
                         self.again("d2", "--embeddings", "emb.npy"))

    def test_refusals(self):
        self.refuse("prune", "--embeddings", "emb.npy", "--policy", "density", "--metric", "random",
                    "--out", "run", mentions=["density", "self-prototypes"])
        self.refuse("prune", "--embeddings", "emb.npy", "--policy", "easy", "--strata", 4,
                    "--out", "run", mentions=["--strata: policy = easy", "stratified"])


if __name__ == "__main__":
    unittest.main()
