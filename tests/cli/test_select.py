"""winnow select against a plain Python reference, and every format it writes, read back."""

import csv
import fractions
import io
import json
import math
import tarfile
import unittest

import numpy as np
from PIL import Image

import fixtures
from helpers import WinnowTest


def reference(scores, labels, policy, balance, balance_by, keep=None, keep_count=None):
    """Ids that stay, by the definition in decimal arithmetic; policy hard or easy."""
    n = len(scores)
    fraction = fractions.Fraction(keep_count, n) if keep is None else fractions.Fraction(str(keep))
    half = fractions.Fraction(1, 2)
    kept = keep_count if keep is None else max(1, math.floor(fraction * n + half))
    sign = -1.0 if policy == "hard" else 1.0
    order = sorted(range(n), key=lambda i: (sign * scores[i], i))
    chosen = set()
    if labels is not None:
        sizes = {c: sum(1 for label in labels if label == c) for c in set(labels)}
        for c, size in sizes.items():
            part = (fraction * size if balance_by == "fraction"
                    else min(fractions.Fraction(kept, len(sizes)), size))
            floor = math.floor(fractions.Fraction(str(balance)) * part)
            chosen.update([i for i in order if labels[i] == c][:floor])
    for i in order:
        if len(chosen) == kept:
            break
        chosen.add(i)
    return sorted(chosen)


class ReferenceTest(WinnowTest):
    def test_random_cases(self):
        random = np.random.default_rng(5)
        for case in range(40):
            n = int(random.integers(1, 400))
            classes = int(random.integers(1, 8))
            scores = random.normal(size=n)
            if case % 2:
                scores = np.round(scores, 1)  # many ties
            share = random.dirichlet(np.full(classes, 0.5))
            labels = random.choice(classes, size=n, p=share)
            policy = ("hard", "easy")[case % 2]
            balance = (0.5, 0.0, 1.0, round(float(random.uniform()), 2))[case % 4]
            balance_by = ("fraction", "count")[int(random.integers(2))]
            size = ({"keep": round(float(random.uniform(0.01, 1.0)), 2)} if random.integers(2)
                    else {"keep_count": int(random.integers(1, n + 1))})
            use_labels = case % 5 != 0
            self.save("s.npy", scores)
            self.save("y.npy", labels)
            arguments = ["--policy", policy, "--class-balance", balance, "--balance-by", balance_by]
            arguments += [f"--{key.replace('_', '-')}={value}" for key, value in size.items()]
            if use_labels:
                arguments += ["--labels", "y.npy"]
            with self.subTest(case=case, n=n, arguments=" ".join(map(str, arguments))):
                told = self.succeed_json("select", "--scores", "s.npy", "--out", "kept", "--force",
                                         *arguments)
                expected = reference(scores.tolist(), labels.tolist() if use_labels else None,
                                     policy, balance, balance_by, **size)
                ids = self.load("kept/keep.npy")
                self.assertEqual(ids.dtype, np.int64)
                self.assertEqual(ids.tolist(), expected)
                self.assertEqual((told["n"], told["kept"]), (n, len(expected)))

    def test_balance_is_a_half_with_labels_by_default(self):
        scores = np.arange(100.0)
        labels = np.repeat([0, 1], 50)  # class 1 is harder throughout
        self.save("s.npy", scores)
        self.save("y.npy", labels)
        done = self.succeed("select", "--scores", "s.npy", "--labels", "y.npy", "--keep", 0.4,
                            "--out", "a")
        self.assertEqual(np.bincount(labels[self.load("a/keep.npy")]).tolist(), [10, 30])
        without = self.succeed("select", "--scores", "s.npy", "--keep", 0.4, "--out", "b")
        self.assertEqual(self.load("b/keep.npy").tolist(), list(range(60, 100)))
        self.assertIn("no class balance: no labels", without.out)
        self.assertNotIn("no class balance", done.out)

    def test_random_policy(self):
        n = 4000
        self.save("s.npy", np.arange(float(n)))
        self.save("y.npy", np.arange(n) % 4)
        chosen = []
        for seed in (1, 1, 2):
            self.succeed("select", "--scores", "s.npy", "--policy", "random", "--keep", 0.25,
                         "--seed", seed, "--out", "k", "--force")
            chosen.append(self.load("k/keep.npy"))
        self.assertEqual(chosen[0].tolist(), chosen[1].tolist())
        # Two random quarters share n / 16 ids; five standard deviations of that count.
        common = len(np.intersect1d(chosen[0], chosen[2]))
        self.assertLess(abs(common - n / 16), 5 * math.sqrt(n / 16))
        # The mean id of a random subset, five standard deviations.
        self.assertLess(abs(chosen[0].mean() - n / 2), 5 * n / math.sqrt(12 * n / 4))
        self.succeed("select", "--scores", "s.npy", "--labels", "y.npy", "--policy", "random",
                     "--class-balance", 1, "--keep", 0.25, "--out", "k", "--force")
        self.assertEqual(np.bincount(self.load("k/keep.npy") % 4).tolist(), [250] * 4)

    def test_same_bits_for_any_number_of_threads(self):
        random = np.random.default_rng(8)
        self.save("s.npy", np.round(random.normal(size=70_000), 3))
        self.save("y.npy", random.integers(0, 10, size=70_000))
        for policy in ("hard", "easy", "random"):
            for threads in (1, 2):
                self.succeed("select", "--scores", "s.npy", "--labels", "y.npy", "--policy", policy,
                             "--write", "mask,csv", "--threads", threads, "--out", threads,
                             "--force")
            for name in ("keep.npy", "mask.npy", "keep.csv", "keep.json"):
                self.assertEqual((self.folder / "1" / name).read_bytes(),
                                 (self.folder / "2" / name).read_bytes(), name)


class FormatsTest(WinnowTest):
    """Everything that select writes about a folder of images."""

    def setUp(self):
        super().setUp()
        self.keys = fixtures.write_image_folder(self.folder / "images")
        self.n = len(self.keys)
        self.labels = np.arange(self.n) // 12
        self.scores = np.random.default_rng(2).normal(size=self.n)
        self.save("s.npy", self.scores)

    def select(self, *arguments):
        return self.succeed_json("select", "--scores", "s.npy", "--data", "images:images",
                                 "--keep", 0.4, "--out", "kept", *arguments)

    def check_rows(self, rows, ids):
        self.assertEqual([int(row["id"]) for row in rows], list(ids))
        for row in rows:
            i = int(row["id"])
            self.assertEqual(row["key"], self.keys[i])
            self.assertEqual(int(row["label"]), self.labels[i])
            self.assertEqual(float(row["score"]), self.scores[i])

    def test_lists(self):
        told = self.select("--write", "dropped,keys,csv,mask,jsonl")
        self.assertEqual(set(told["files"]), {path for path, _ in self.listing("kept")})
        ids = self.load("kept/keep.npy")
        self.assertEqual(ids.tolist(), reference(self.scores.tolist(), self.labels.tolist(), "hard",
                                                 0.5, "fraction", keep=0.4))
        text = (self.folder / "kept/keep.txt").read_text(encoding="utf-8")
        self.assertEqual(text, "".join(self.keys[i] + "\n" for i in ids))
        with open(self.folder / "kept/keep.csv", newline="", encoding="utf-8") as file:
            self.check_rows(list(csv.DictReader(file)), ids)
        lines = (self.folder / "kept/keep.jsonl").read_text(encoding="utf-8").splitlines()
        self.check_rows([json.loads(line) for line in lines], ids)
        mask = self.load("kept/mask.npy")
        self.assertEqual((mask.dtype, mask.shape), (np.bool_, (self.n,)))
        self.assertEqual(np.flatnonzero(mask).tolist(), ids.tolist())
        with open(self.folder / "kept/dropped.csv", newline="", encoding="utf-8") as file:
            dropped = list(csv.DictReader(file))
        self.check_rows(dropped, [i for i in range(self.n) if i not in set(ids.tolist())])
        self.assertLessEqual({row["reason"] for row in dropped}, {"rank", "class-balance"})

    def test_sidecar(self):
        self.select("--seed", 3)
        sidecar = self.read_json("kept/keep.json")
        self.assertEqual((sidecar["kind"], sidecar["n"], sidecar["kept"]), ("selection", 36, 14))
        fingerprint = self.succeed_json("info", "images:images")["fingerprint"]
        self.assertRegex(fingerprint, r"^xxh3:[0-9a-f]{16}$")
        self.assertEqual(sidecar["fingerprint"], fingerprint)

    def test_copies_and_links(self):
        for mode in ("copy", "link"):
            self.select("--files", mode, "--force")
            root = self.folder / "kept/files"
            ids = self.load("kept/keep.npy")
            self.assertEqual(sorted(str(path.relative_to(root)) for path in root.rglob("*.*")),
                             sorted(self.keys[i] for i in ids))
            for i in ids:
                file = root / self.keys[i]
                self.assertEqual(file.is_symlink(), mode == "link")
                self.assertEqual(file.read_bytes(),
                                 (self.folder / "images" / self.keys[i]).read_bytes())
        self.select("--force")
        self.assertFalse((self.folder / "kept/files").exists(), "stale files of another selection")

    def test_tar(self):
        self.select("--files", "tar")
        ids = self.load("kept/keep.npy")
        with tarfile.open(self.folder / "kept/kept.tar") as tar:
            self.assertEqual(tar.getnames(), [self.keys[i] for i in ids])
            for i in ids:
                self.assertEqual(tar.extractfile(self.keys[i]).read(),
                                 (self.folder / "images" / self.keys[i]).read_bytes())
        # What was written is a dataset again.
        self.assertEqual(self.succeed_json("info", "images:kept/kept.tar")["n"], 14)

    def test_files_of_a_tar_and_of_idx(self):
        fixtures.write_tar(self.folder / "images", self.folder / "images.tar")
        self.succeed("select", "--scores", "s.npy", "--data", "images:images.tar", "--files",
                     "copy", "--keep-count", 3, "--out", "kept")
        for i in self.load("kept/keep.npy"):
            self.assertEqual((self.folder / "kept/files" / self.keys[i]).read_bytes(),
                             (self.folder / "images" / self.keys[i]).read_bytes())
        self.refuse("select", "--scores", "s.npy", "--data", "images:images.tar", "--files", "link",
                    "--out", "linked", mentions=["link"])
        images, _ = fixtures.write_idx(self.folder / "idx", n=self.n, n_test=10)
        self.succeed("select", "--scores", "s.npy", "--data", "mnist:idx", "--files", "tar",
                     "--keep-count", 3, "--out", "digits")
        ids = self.load("digits/keep.npy")
        with tarfile.open(self.folder / "digits/kept.tar") as tar:
            self.assertEqual(tar.getnames(), [f"train/{i}.png" for i in ids])
            for i, name in zip(ids, tar.getnames()):
                pixels = np.asarray(Image.open(io.BytesIO(tar.extractfile(name).read())))
                np.testing.assert_array_equal(pixels, images[i])

    def test_dry_run_writes_nothing(self):
        before = self.listing()
        done = self.succeed("select", "--scores", "s.npy", "--data", "images:images", "--keep", 0.4,
                            "--dry-run", "--write", "keys,csv", "--out", "kept")
        self.assertEqual(self.listing(), before)
        self.assertFalse((self.folder / "kept").exists())
        for text in ("ant", "bee", "cat", "14 of 36"):
            self.assertIn(text, done.out)
        told = self.succeed_json("select", "--scores", "s.npy", "--data", "images:images",
                                 "--keep", 0.4, "--dry-run")
        classes = told["audit"]["classes"]
        self.assertEqual([c["before"] for c in classes], [12] * 3)
        self.assertEqual(sum(c["kept"] for c in classes), 14)
        self.assertEqual([c["floor"] for c in classes], [2] * 3)  # floor(0.5 x 0.4 x 12)

    def test_scores_of_another_dataset(self):
        self.save("short.npy", self.scores[:-1])
        self.refuse("select", "--scores", "short.npy", "--data", "images:images", "--out", "kept",
                    mentions=["short.npy", "35", "images:images", "36"])
        fixtures.with_sidecar(self.folder / "other.npy", self.scores, n=self.n,
                              fingerprint="xxh3:0000000000000001")
        self.refuse("select", "--scores", "other.npy", "--data", "images:images", "--out", "kept",
                    mentions=["other.npy", "images:images", "two different datasets"])

    def test_labels_beside_the_dataset_index_its_classes(self):
        self.save("y.npy", np.zeros(self.n, dtype=np.int64))
        told = self.select("--labels", "y.npy")
        self.assertEqual([c["before"] for c in told["audit"]["classes"]], [36, 0, 0])


if __name__ == "__main__":
    unittest.main()
