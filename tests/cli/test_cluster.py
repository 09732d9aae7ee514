"""winnow cluster: the folder it writes, against NumPy, and what it refuses."""

import unittest

import fixtures
import numpy as np
from helpers import WinnowTest


class ClusterTest(WinnowTest):
    def setUp(self):
        super().setUp()
        self.rows, _ = fixtures.blobs(n=300, d=8, n_classes=6)
        self.save("emb.npy", self.rows)

    def cluster(self, *arguments):
        return self.succeed_json("cluster", "--embeddings", "emb.npy", "--out", "c", *arguments)

    def check_folder(self, rows, spherical):
        """Assignments are to the nearest centroid, distances to it; returns the assignment."""
        centroids = self.load("c/centroids.npy").astype(np.float64)
        assignment, distance = self.load("c/assignment.npy"), self.load("c/distance.npy")
        self.assertEqual((assignment.dtype, distance.dtype), (np.int32, np.float64))
        if spherical:
            rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
            np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1.0, atol=1e-6)
            table = 1.0 - rows @ centroids.T
        else:
            table = ((rows[:, None] - centroids[None]) ** 2).sum(axis=2)
        np.testing.assert_allclose(distance, table.min(axis=1), atol=1e-6)
        np.testing.assert_allclose(distance, table[np.arange(len(rows)), assignment], atol=1e-6)
        return assignment

    def test_folder_of_each_geometry(self):
        for geometry in ("spherical", "euclidean"):
            with self.subTest(geometry):
                told = self.cluster("--clusters", 6, "--geometry", geometry, "--force")
                assignment = self.check_folder(self.rows.astype(np.float64),
                                               geometry == "spherical")
                sizes = np.sort(np.bincount(assignment, minlength=6))
                self.assertEqual(told["sizes"], {"smallest": sizes[0], "median": sizes[3],
                                                 "largest": sizes[-1]})
                self.assertEqual(told["empty_clusters"], (sizes == 0).sum())
                self.assertAlmostEqual(told["objective"], self.load("c/distance.npy").mean(),
                                       places=12)
                sidecar = self.read_json("c/clustering.json")
                self.assertEqual([sidecar[key] for key in ("kind", "n", "d", "clusters",
                                                           "geometry", "fingerprint")],
                                 ["clustering", 300, 8, 6, geometry, "unknown"])
                self.assertEqual(len(sidecar["objective"]), told["iterations"] + 1)
                self.assertEqual(sidecar["inputs"][0]["path"], "emb.npy")

    def test_same_as_score(self):
        self.cluster("--clusters", 9, "--iterations", 3, "--seed", 4)
        self.succeed("score", "--metric", "self-prototypes", "--embeddings", "emb.npy",
                     "--clusters", 9, "--iterations", 3, "--seed", 4, "--out", "s.npy")
        np.testing.assert_array_equal(self.load("c/distance.npy"), self.load("s.npy"))

    def test_same_bytes_for_any_threads_and_kernels(self):
        def content():
            return [(self.folder / "c" / name).read_bytes() for name in
                    ("centroids.npy", "assignment.npy", "distance.npy", "clustering.json")]
        self.cluster("--clusters", 7)
        first = content()
        for flags in (("--threads", 1), ("--threads", 3), ("--isa", "scalar")):
            self.cluster("--clusters", 7, *flags, "--force")
            self.assertEqual(content(), first, flags)

    def test_printed_text(self):
        text = self.succeed("cluster", "--embeddings", "emb.npy", "--clusters", 6,
                            "--iterations", 2, "--out", "c").out
        for part in ("c: 300 rows, 2 iterations", "6 clusters, sizes", "median", "0 empty",
                     "objective 0."):
            self.assertIn(part, text)

    def test_default_clusters_and_a_dataset(self):
        images, labels = fixtures.write_idx(self.folder / "idx", n=100, n_test=10)
        self.assertEqual(len(labels), 100)
        told = self.succeed_json("cluster", "--data", "mnist:idx", "--encoder", "pixels",
                                 "--iterations", 2, "--out", "c")
        self.assertEqual(told["clusters"], 10)  # sqrt(100)
        self.assertEqual(self.read_json("c/clustering.json")["fingerprint"],
                         self.succeed_json("info", "mnist:idx")["fingerprint"])
        self.refuse("cluster", "--embeddings", "emb.npy", "--data", "mnist:idx", "--out", "d",
                    mentions=["emb.npy", "300", "mnist:idx", "100"])

    def test_info(self):
        self.cluster("--clusters", 6)
        told = self.succeed_json("info", "c")
        self.assertEqual((told["kind"], told["n"], told["clusters"], told["geometry"]),
                         ("clustering", 300, 6, "spherical"))
        self.save("c/assignment.npy", np.full(300, 6, np.int32))
        self.refuse("info", "c", mentions=["c/assignment.npy", "row 0 is 6"])

    def test_levels(self):
        told = self.cluster("--clusters", "60,12,3", "--iterations", 5)
        self.assertEqual([level["clusters"] for level in told["levels"]], [60, 12, 3])
        self.check_folder(self.rows.astype(np.float64), True)
        self.assertEqual(self.read_json("c/clustering.json")["levels"], [60, 12, 3])
        for level, (n, k) in enumerate(((60, 12), (12, 3)), start=1):
            below = self.load("c/centroids.npy" if level == 1 else "c/levels/1/centroids.npy")
            centroids = self.load(f"c/levels/{level}/centroids.npy")
            self.assertEqual((len(below), len(centroids)), (n, k))
            np.testing.assert_array_equal(self.load(f"c/levels/{level}/assignment.npy"),
                                          (below @ centroids.T).argmax(axis=1))
        finest = self.load("c/assignment.npy")
        self.assertEqual(self.succeed_json("info", "c/levels/1")["n"], 60)
        # The finest level is k-means alone, and further levels go with the folder they belong to.
        self.cluster("--clusters", 60, "--iterations", 5, "--force")
        np.testing.assert_array_equal(self.load("c/assignment.npy"), finest)
        self.assertFalse((self.folder / "c/levels").exists())
        self.cluster("--clusters", "60", "--finest-resampling-steps", 2, "--force")
        self.assertEqual(self.read_json("c/clustering.json")["options"]["finest-resampling-steps"],
                         2)

    def test_select_balanced_over_levels(self):
        self.cluster("--clusters", "60,12,3", "--iterations", 5)
        self.save("s.npy", np.linspace(0, 1, 300))
        self.succeed("select", "--scores", "s.npy", "--policy", "balanced", "--clustering", "c",
                     "--keep-count", 90, "--out", "kept")
        kept = self.load("kept/keep.npy")
        self.assertEqual(len(kept), 90)
        groups = self.load("c/assignment.npy")
        sizes = np.bincount(groups, minlength=60)
        found = np.bincount(groups[kept], minlength=60)
        self.assertEqual(self.read_json("kept/keep.json")["cluster_budgets"][0], found.tolist())
        for level in (1, 2):  # siblings with rows left differ by one at most
            above = self.load(f"c/levels/{level}/assignment.npy")
            for a in range(len(above)):
                if found[a] < sizes[a]:
                    self.assertLessEqual(found[above == above[a]].max(), found[a] + 1)
            sizes, found = (np.bincount(above, weights=w) for w in (sizes, found))
        one, other = ([*self.load(f"kept-{leaf}/keep.npy")] for leaf in ("nearest", "farthest")
                      if self.succeed("select", "--scores", "s.npy", "--policy", "balanced",
                                      "--clustering", "c", "--keep-count", 90, "--leaf", leaf,
                                      "--out", f"kept-{leaf}"))
        distance = self.load("c/distance.npy")
        self.assertLess(distance[one].sum(), distance[other].sum())
        self.refuse("select", "--scores", "s.npy", "--policy", "balanced", "--out", "none",
                    mentions=["balanced", "--clustering"])
        self.refuse("select", "--scores", "s.npy", "--leaf", "nearest", "--out", "none",
                    mentions=["--leaf", "policy = hard", "balanced"])

    def test_levels_refused(self):
        def refuse(*arguments, mentions):
            self.refuse("cluster", "--embeddings", "emb.npy", "--out", "c", *arguments,
                        mentions=mentions)
        refuse("--clusters", "60,x", mentions=["clusters = '60,x'", "10000,1000,100"])
        refuse("--clusters", "12,60", mentions=["60 after 12"])
        refuse("--clusters", "60,0", mentions=["clusters = 0"])
        refuse("--clusters", "6,3", "--resampling-steps", -1, mentions=["resampling-steps = -1"])
        self.save("init.npy", self.rows[:6])
        refuse("--clusters", "6,3", "--init", "init.npy", mentions=["init.npy", "k-means++"])

    def test_init(self):
        self.save("init.npy", self.rows[:4])
        told = self.cluster("--init", "init.npy", "--iterations", 0)
        self.assertEqual((told["clusters"], told["options"]["init"]), (4, "init.npy"))
        unit = self.rows / np.linalg.norm(self.rows, axis=1, keepdims=True)
        np.testing.assert_allclose(self.load("c/centroids.npy"), unit[:4], atol=1e-6)
        self.refuse("cluster", "--embeddings", "emb.npy", "--init", "init.npy", "--clusters", 5,
                    "--out", "d", mentions=["clusters = 5", "init.npy", "4"])
        self.assertEqual(self.cluster("--init", "random", "--clusters", 3, "--force")["clusters"],
                         3)

    def test_refused(self):
        self.refuse("cluster", "--out", "c", mentions=["--embeddings", "--data"])
        self.refuse("cluster", "--embeddings", "emb.npy", mentions=["--out is missing"])
        self.refuse("cluster", "--embeddings", "emb.npy", "--clusters", 301, "--out", "c",
                    mentions=["emb.npy", "clusters = 301", "at most 300"])
        self.refuse("cluster", "--embeddings", "emb.npy", "--clusters", 0, "--out", "c",
                    mentions=["clusters = 0"])
        zero = self.rows.copy()
        zero[17] = 0.0
        self.save("zero.npy", zero)
        self.refuse("cluster", "--embeddings", "zero.npy", "--clusters", 3, "--out", "c",
                    mentions=["zero.npy", "row 17"])
        self.cluster("--clusters", 3)
        self.refuse("cluster", "--embeddings", "emb.npy", "--clusters", 3, "--out", "c",
                    mentions=["c exists", "--force"])


if __name__ == "__main__":
    unittest.main()
