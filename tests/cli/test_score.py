"""winnow score against NumPy: what the scores mean, what they depend on and what they do not."""

import unittest

import numpy as np

import fixtures
from helpers import WinnowTest


def unit(rows):
    rows = rows.astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class ScoreTest(WinnowTest):
    def setUp(self):
        super().setUp()
        self.rows, self.labels = fixtures.blobs(n=301, d=13, n_classes=5, seed=3)
        self.save("emb.npy", self.rows)
        self.save("y.npy", self.labels)

    def score(self, out, *arguments):
        """Scores emb.npy; returns the scores and what --json says."""
        embeddings = () if "--embeddings" in arguments else ("--embeddings", "emb.npy")
        told = self.succeed_json("score", *embeddings, *arguments, "--out", out)
        return self.load(out), told

    def bits(self, out, *arguments):
        self.score(out, *arguments)
        return (self.folder / out).read_bytes()


class SelfPrototypesTest(ScoreTest):
    # Rows and centroids are float32; their cosine in double differs from ours by the rounding of
    # unit rows to float32: at most about 2^-24 in each factor, so 2e-7.
    tolerance = 3e-7

    def test_spherical_scores_refer_to_the_centroids_written(self):
        scores, _ = self.score("s.npy", "--clusters", 7, "--centroids-out", "c.npy")
        centroids = self.load("c.npy")
        self.assertEqual((centroids.shape, centroids.dtype), ((7, 13), np.float32))
        np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1.0, atol=1e-6)
        expected = (1.0 - unit(self.rows) @ centroids.astype(np.float64).T).min(axis=1)
        self.assertEqual((scores.shape, scores.dtype), ((301,), np.float64))
        np.testing.assert_allclose(scores, expected, atol=self.tolerance)

    def test_euclidean_scores_refer_to_the_centroids_written(self):
        scores, told = self.score("s.npy", "--clusters", 7, "--geometry", "euclidean",
                                  "--centroids-out", "c.npy")
        difference = self.rows[:, None].astype(np.float64) - self.load("c.npy")[None]
        squares = (difference**2).sum(axis=2).min(axis=1)
        np.testing.assert_allclose(scores, np.sqrt(squares), rtol=1e-6)
        self.assertAlmostEqual(told["objective"], squares.mean(), places=6)

    def test_centroids_are_the_means_of_their_rows_when_converged(self):
        scores, told = self.score("s.npy", "--clusters", 5, "--iterations", 100,
                                  "--centroids-out", "c.npy")
        self.assertTrue(told["converged"])
        self.assertEqual(told["iterations"], 100)
        rows, centroids = unit(self.rows), self.load("c.npy").astype(np.float64)
        nearest = (rows @ centroids.T).argmax(axis=1)
        for j in range(5):
            np.testing.assert_allclose(unit(rows[nearest == j].sum(axis=0)[None])[0], centroids[j],
                                       atol=1e-6)
        self.assertAlmostEqual(told["objective"], scores.mean(), places=12)

    def test_iterations_are_exact_without_tolerance(self):
        for iterations in (0, 1, 7, 60):
            _, told = self.score("s.npy", "--iterations", iterations, "--force")
            self.assertEqual(told["iterations"], iterations)
            self.assertEqual(len(self.read_json("s.json")["objective"]), iterations + 1)
            objective = self.read_json("s.json")["objective"]
            self.assertEqual(objective[-1], told["objective"])
            self.assertTrue(np.all(np.diff(objective) <= 1e-9), objective)

    def test_tolerance_stops_early(self):
        _, told = self.score("s.npy", "--iterations", 1000, "--tolerance", 0.01)
        self.assertLess(told["iterations"], 100)
        self.assertTrue(told["converged"])

    def test_centroids_in_repeat_the_scores(self):
        for geometry in ("spherical", "euclidean"):
            with self.subTest(geometry):
                first = self.bits("s.npy", "--clusters", 9, "--geometry", geometry,
                                  "--centroids-out", "c.npy", "--force")
                scores, told = self.score("t.npy", "--geometry", geometry, "--centroids-in",
                                          "c.npy", "--force")
                self.assertEqual((self.folder / "t.npy").read_bytes(), first)
                self.assertEqual((told["clusters"], told["iterations"]), (9, 0))
                self.assertEqual(len(scores), 301)

    def test_number_of_clusters_by_default(self):
        self.assertEqual(self.score("a.npy")[1]["clusters"], round(np.sqrt(301)))
        self.assertEqual(self.score("b.npy", "--labels", "y.npy")[1]["clusters"], 5)

    def test_any_number_of_clusters(self):
        scores, _ = self.score("one.npy", "--clusters", 1)
        mean = unit(unit(self.rows).sum(axis=0)[None])[0]
        np.testing.assert_allclose(scores, 1.0 - unit(self.rows) @ mean, atol=self.tolerance)
        scores, told = self.score("all.npy", "--clusters", 301)
        np.testing.assert_allclose(scores, 0.0, atol=self.tolerance)
        self.assertEqual(told["empty_clusters"], 0)

    def test_more_clusters_than_distinct_rows_leave_empty_ones(self):
        self.save("few.npy", np.repeat(self.rows[:4], 5, axis=0))
        done = self.succeed("score", "--embeddings", "few.npy", "--clusters", 6, "--out", "s.npy")
        self.assertIn("2 of 6 clusters are empty", done.err)
        self.assertEqual(self.read_json("s.json")["empty_clusters"], 2)
        np.testing.assert_allclose(self.load("s.npy"), 0.0, atol=self.tolerance)


class OtherMetricsTest(ScoreTest):
    def test_supervised_prototypes(self):
        metric = ("--metric", "supervised-prototypes", "--labels", "y.npy")
        rows = unit(self.rows)
        means = np.stack([rows[self.labels == c].mean(axis=0) for c in range(5)])
        np.testing.assert_allclose(self.score("s.npy", *metric)[0],
                                   1.0 - (rows * unit(means)[self.labels]).sum(axis=1), atol=3e-7)
        rows = self.rows.astype(np.float64)
        means = np.stack([rows[self.labels == c].mean(axis=0) for c in range(5)])
        np.testing.assert_allclose(self.score("e.npy", *metric, "--geometry", "euclidean")[0],
                                   np.linalg.norm(rows - means[self.labels], axis=1), rtol=1e-6)

    def test_random_scores_are_distinct_and_uniform(self):
        self.save("y.npy", np.zeros(5000, dtype=np.int64))
        self.succeed("score", "--metric", "random", "--labels", "y.npy", "--out", "s.npy")
        scores = self.load("s.npy")
        self.assertEqual(len(np.unique(scores)), 5000)
        # Five standard deviations of the mean of uniform numbers.
        self.assertLess(abs(scores.mean() - 0.5), 5 / np.sqrt(12 * 5000))
        self.assertTrue(np.all((scores >= 0) & (scores < 1)))

    def test_sidecar(self):
        self.score("s.npy", "--clusters", 3, "--seed", 11)
        sidecar = self.read_json("s.json")
        self.assertEqual(
            {key: sidecar[key] for key in ("kind", "metric", "direction", "n", "fingerprint",
                                           "seed")},
            {"kind": "scores", "metric": "self-prototypes", "direction": "larger is harder",
             "n": 301, "fingerprint": "unknown", "seed": 11})
        self.assertEqual(sidecar["options"]["clusters"], 3)
        self.assertRegex(sidecar["winnow"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(sidecar["inputs"][0]["path"], "emb.npy")
        self.assertRegex(sidecar["inputs"][0]["hash"], r"^xxh3:[0-9a-f]{16}$")

    def test_fingerprint_travels(self):
        fingerprint = "xxh3:0123456789abcdef"
        fixtures.with_sidecar(self.folder / "e.npy", self.rows, n=301, fingerprint=fingerprint)
        self.score("s.npy", "--embeddings", "e.npy")
        self.assertEqual(self.read_json("s.json")["fingerprint"], fingerprint)


class SameBitsTest(ScoreTest):
    def test_threads(self):
        for metric in ("self-prototypes", "supervised-prototypes", "random"):
            for geometry in ("spherical", "euclidean"):
                one, two = (self.bits(f"{threads}.npy", "--metric", metric, "--labels", "y.npy",
                                      "--geometry", geometry, "--threads", threads, "--force")
                            for threads in (1, 2))
                self.assertEqual(one, two, f"{metric}, {geometry}")

    def test_instruction_sets(self):
        """Near ties at that: each row twice, the second time moved by an ulp."""
        twice = np.concatenate([self.rows, np.nextafter(self.rows, np.float32(9))])
        self.save("twice.npy", twice)
        for geometry in ("spherical", "euclidean"):
            found = set()
            for isa in ("auto", "scalar", "avx2", "avx512", "amx"):
                ran = self.run_winnow("score", "--metric", "self-prototypes", "--embeddings",
                                      "twice.npy", "--clusters", 80, "--geometry", geometry,
                                      "--isa", isa, "--centroids-out", f"{isa}-c.npy", "--out",
                                      f"{isa}.npy", "--force")
                if ran.code == 2 and isa not in ("auto", "scalar"):
                    continue  # not on this machine
                self.assertEqual(ran.code, 0, ran.err)
                found.add((self.folder / f"{isa}.npy").read_bytes() +
                          (self.folder / f"{isa}-c.npy").read_bytes())
            self.assertEqual(len(found), 1, geometry)

    def test_seed(self):
        for metric in ("self-prototypes", "random"):
            arguments = ("--metric", metric, "--labels", "y.npy", "--force", "--iterations", 2)
            first = self.bits("a.npy", *arguments, "--seed", 1)
            self.assertEqual(first, self.bits("b.npy", *arguments, "--seed", 1))
            self.assertNotEqual(first, self.bits("c.npy", *arguments, "--seed", 2))

    def test_shards(self):
        whole = self.bits("whole.npy", "--clusters", 6)
        (self.folder / "shards").mkdir()
        pieces = np.split(self.rows, [10, 11, 150])
        names = [f"shards/part-{i}.npy" for i in (1, 2, 10, 11)]  # natural order, not byte order
        for name, piece in zip(names, pieces):
            self.save(name, piece)
        for i, shards in enumerate(("shards", "shards/*.npy", ",".join(names))):
            self.assertEqual(self.bits(f"{i}.npy", "--clusters", 6, "--embeddings", shards), whole,
                             shards)
        backwards = self.bits("b.npy", "--clusters", 6, "--embeddings", ",".join(names[::-1]))
        self.assertNotEqual(backwards, whole)

    def test_fortran_order_and_wider_types(self):
        whole = self.bits("whole.npy", "--clusters", 6)
        self.save("fortran.npy", np.asfortranarray(self.rows))
        self.save("double.npy", self.rows.astype(np.float64))
        for name in ("fortran", "double"):
            self.assertEqual(self.bits(f"{name}-s.npy", "--clusters", 6, "--embeddings",
                                       f"{name}.npy"), whole, name)
        half = self.rows.astype(np.float16)
        self.save("half.npy", half)
        self.save("widened.npy", half.astype(np.float32))
        self.assertEqual(self.bits("h.npy", "--clusters", 6, "--embeddings", "half.npy"),
                         self.bits("w.npy", "--clusters", 6, "--embeddings", "widened.npy"))


if __name__ == "__main__":
    unittest.main()
