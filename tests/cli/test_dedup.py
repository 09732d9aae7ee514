"""winnow dedup: who stays, against NumPy, the groups it lists, and what it refuses."""

import csv
import unittest

import fixtures
import numpy as np
from helpers import WinnowTest


def reference(rows, assignment, distance, epsilon, farthest=True):
    """The paper's order: ids that stay, from the whole matrix of similarities of each cluster."""
    unit = rows.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    kept = []
    for cluster in np.unique(assignment):
        ids = np.flatnonzero(assignment == cluster)
        ids = ids[np.argsort(-distance[ids] if farthest else distance[ids], kind="stable")]
        similarity = np.triu(unit[ids] @ unit[ids].T, k=1)
        similarity[np.tril_indices(len(ids))] = -np.inf
        kept.extend(ids[~(similarity.max(axis=0) > 1 - epsilon)])
    return sorted(kept)


class DedupTest(WinnowTest):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(3)
        rows, self.labels = fixtures.blobs(n=200, d=8, n_classes=5)
        noise = 10.0 ** random.uniform(-5, 0, size=(150, 1))
        copies = rows[:150] + noise * random.normal(size=(150, 8)) / 3
        self.rows = np.concatenate([rows, copies, rows[:50]]).astype(np.float32)
        self.n = len(self.rows)
        self.save("emb.npy", self.rows)
        self.succeed("cluster", "--embeddings", "emb.npy", "--clusters", 6, "--iterations", 5,
                     "--out", "clusters")

    def dedup(self, *arguments):
        return self.succeed_json("dedup", "--embeddings", "emb.npy", "--out", "kept", "--force",
                                 *arguments)

    def kept(self):
        return self.load("kept/keep.npy").tolist()

    def groups(self):
        with open(self.folder / "kept/groups.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_the_papers_order(self):
        for epsilon in (0.002, 0.03, 0.2):
            for representative in ("farthest", "nearest"):
                with self.subTest(epsilon=epsilon, representative=representative):
                    told = self.dedup("--clustering", "clusters", "--epsilon", epsilon,
                                      "--representative", representative)
                    wanted = reference(self.rows, self.load("clusters/assignment.npy"),
                                       self.load("clusters/distance.npy"), epsilon,
                                       representative == "farthest")
                    self.assertEqual(self.kept(), wanted)
                    self.assertEqual((told["kept"], told["dropped"]),
                                     (len(wanted), self.n - len(wanted)))

    def test_own_clusters_are_those_of_cluster(self):
        self.dedup("--clusters", 6, "--iterations", 5)
        own = self.kept()
        self.dedup("--clustering", "clusters")
        self.assertEqual(self.kept(), own)
        self.assertLess(len(own), self.n)
        for geometry in ("euclidean", "spherical"):
            self.dedup("--clusters", 1, "--iterations", 0, "--geometry", geometry, "--epsilon",
                       1e-16)  # equal rows alone
            self.assertEqual(len(self.kept()), self.n - 50)

    def check_groups(self, told):
        """groups.csv against what stays; returns {kept: ids}."""
        kept = self.kept()
        groups = {}
        for row in self.groups():
            if row["kept"] == "1":
                self.assertEqual(int(row["group"]), len(groups))
                head = int(row["id"])
                groups[head] = [head]
                self.assertEqual((row["match"], row["similarity"]), ("", ""))
                continue
            groups[head].append(int(row["id"]))
            pair = self.rows[[int(row["id"]), int(row["match"]), head]].astype(np.float64)
            pair /= np.linalg.norm(pair, axis=1, keepdims=True)
            self.assertAlmostEqual(float(row["similarity"]), pair[0] @ pair[1], places=6)
            self.assertAlmostEqual(float(row["similarity_to_kept"]), pair[0] @ pair[2], places=6)
            self.assertGreater(float(row["similarity"]), 1 - told["epsilon"])
        self.assertEqual(list(groups), sorted(groups))
        self.assertLessEqual(set(groups), set(kept))
        dropped = [i for ids in groups.values() for i in ids[1:]]
        self.assertEqual(sorted(dropped + kept), list(range(self.n)))
        self.assertEqual(told["groups"], len(groups))
        self.assertEqual(told["largest_group"], max(map(len, groups.values())))
        return groups

    def test_groups(self):
        told = self.dedup("--clustering", "clusters", "--epsilon", 0.08)
        self.check_groups(told)
        n_ordered = told["kept"]
        told = self.dedup("--clustering", "clusters", "--epsilon", 0.08, "--groups", "transitive")
        self.check_groups(told)
        self.assertLess(told["kept"], n_ordered)
        # Components by SciPy.
        from scipy.sparse.csgraph import connected_components
        unit = self.rows.astype(np.float64)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        assignment = self.load("clusters/assignment.npy")
        near = (unit @ unit.T > 0.92) & (assignment[:, None] == assignment[None])
        self.assertEqual(len(self.kept()), connected_components(near)[0])

    def test_keep(self):
        for groups in ("ordered", "transitive"):
            told = self.dedup("--clustering", "clusters", "--keep", 0.6, "--groups", groups)
            kept = self.kept()
            self.assertEqual(len(kept), 240)
            self.dedup("--clustering", "clusters", "--epsilon", told["epsilon"], "--groups",
                       groups)
            self.assertEqual(self.kept(), kept)
        done = self.succeed("dedup", "--embeddings", "emb.npy", "--clustering", "clusters",
                            "--keep", 0.001, "--out", "few")
        self.assertIn("6 examples stay, not 1", done.err)

    def test_same_bytes_for_any_threads_and_kernels(self):
        def content():
            return [(self.folder / "kept" / name).read_bytes() for name in
                    ("keep.npy", "keep.json", "groups.csv")]
        for groups in ("ordered", "transitive"):
            base = ("--clusters", 4, "--epsilon", 0.03, "--groups", groups)
            self.dedup(*base)
            first = content()
            for flags in (("--threads", 1), ("--threads", 3), ("--isa", "scalar")):
                self.dedup(*base, *flags)
                self.assertEqual(content(), first, flags)

    def test_sidecar_and_info(self):
        self.dedup("--clustering", "clusters", "--epsilon", 0.05)
        sidecar = self.read_json("kept/keep.json")
        self.assertEqual([sidecar[key] for key in ("kind", "n", "policy", "epsilon", "grouping",
                                                   "representative", "clusters")],
                         ["selection", self.n, "dedup", 0.05, "ordered", "farthest", 6])
        self.assertEqual([entry["path"] for entry in sidecar["inputs"]],
                         ["emb.npy", "clusters/centroids.npy", "clusters/assignment.npy",
                          "clusters/distance.npy"])
        self.assertEqual(self.succeed_json("info", "kept/keep.npy")["kind"], "selection")

    def test_a_dataset_gives_keys_labels_and_files(self):
        keys = fixtures.write_image_folder(self.folder / "images", per_class=4)
        rows = self.rows[:len(keys)].copy()
        rows[7] = rows[2]
        self.save("images.npy", rows)
        told = self.succeed_json("dedup", "--embeddings", "images.npy", "--data", "images:images",
                                 "--clusters", 1, "--epsilon", 1e-6, "--write", "keys,dropped",
                                 "--files", "copy", "--out", "kept")
        self.assertEqual(told["equal_rows"], 1)
        self.assertEqual([row["key"] for row in self.groups()], [keys[2], keys[7]])
        self.assertEqual(len((self.folder / "kept/keep.txt").read_text().splitlines()), 11)
        self.assertFalse((self.folder / "kept/files" / keys[7]).exists())
        self.assertTrue((self.folder / "kept/files" / keys[2]).exists())
        self.assertIn(",duplicate\n", (self.folder / "kept/dropped.csv").read_text())
        self.assertEqual([c["kept"] for c in told["audit"]["classes"]], [4, 3, 4])
        # The files of one run do not outlive it.
        self.save("s.npy", np.arange(12.0))
        self.succeed("select", "--scores", "s.npy", "--out", "kept", "--force")
        self.assertEqual({path for path, _ in self.listing("kept")}, {"keep.npy", "keep.json"})

    def test_dry_run(self):
        before = self.listing()
        text = self.succeed("dedup", "--embeddings", "emb.npy", "--clusters", 6, "--dry-run").out
        self.assertEqual(self.listing(), before)
        for part in ("epsilon 0.05", f"of {self.n} examples", "6 clusters", "50 have rows equal"):
            self.assertIn(part, text)

    def test_refused(self):
        def refuse(*arguments, mentions, embeddings="emb.npy"):
            self.refuse("dedup", "--embeddings", embeddings, "--out", "kept", *arguments,
                        mentions=mentions)
        refuse("--epsilon", -1, mentions=["epsilon = -1"])
        refuse("--keep", 0, mentions=["keep = 0"])
        refuse("--keep", 0.5, "--epsilon", 0.1, mentions=["--keep", "--epsilon"])
        refuse("--clustering", "clusters", "--clusters", 3, mentions=["--clustering"])
        refuse("--clustering", "none", mentions=["none", "no such folder"])
        refuse("--write", "key", mentions=["'key'", "keys"])
        refuse("--write", "keys", mentions=["--data"])
        self.save("short.npy", self.rows[:-1])
        refuse("--clustering", "clusters", embeddings="short.npy",
               mentions=["clusters has 400 rows", "short.npy has 399"])
        self.save("wide.npy", np.concatenate([self.rows, self.rows], axis=1))
        refuse("--clustering", "clusters", embeddings="wide.npy",
               mentions=["clusters", "8 numbers", "wide.npy", "16"])
        zero = self.rows.copy()
        zero[5] = 0
        self.save("zero.npy", zero)
        for more in (("--clusters", 2), ("--clustering", "clusters"),
                     ("--clusters", 2, "--geometry", "euclidean")):
            refuse(*more, embeddings="zero.npy", mentions=["zero.npy", "row 5"])
        zero[5, 3] = np.nan
        self.save("nan.npy", zero)
        refuse(embeddings="nan.npy", mentions=["nan.npy", "row 5 column 3 is NaN"])
        self.refuse("dedup", "--embeddings", "emb.npy", mentions=["--out is missing"])


if __name__ == "__main__":
    unittest.main()
