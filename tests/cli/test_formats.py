"""CIFAR, SVHN and labels by name, end to end; the readers' own tests are tests/unit/io."""

import json
import pathlib
import unittest

import numpy as np

from helpers import WinnowTest

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "unit/io/fixtures"


class FormatsTest(WinnowTest):
    def test_info_tells_what_is_there(self):
        told = self.succeed_json("info", f"cifar10:{FIXTURES / 'cifar'}")
        self.assertEqual((told["n"], told["classes"]["truck"]), (7, 2))
        self.assertEqual(told["image"], {"height": 32, "width": 32, "channels": 3})
        told = self.succeed_json("info", f"cifar100:{FIXTURES / 'cifar'}#test")
        self.assertEqual((told["n"], len(told["classes"])), (1, 100))
        told = self.succeed_json("info", f"svhn:{FIXTURES / 'svhn/plain'}#extra")
        self.assertEqual((told["n"], told["classes"]["7"]), (1, 1))

    def test_prune(self):
        self.succeed("prune", "--data", f"svhn:{FIXTURES / 'svhn/packed'}", "--encoder", "pixels",
                     "--clusters", 2, "--keep", 0.4, "--out", "run")
        self.assertEqual(len(np.load(self.folder / "run/keep.npy")), 2)

    def test_missing_and_damaged_files(self):
        self.refuse("info", "svhn:.", mentions=["train_32x32.mat", "svhn:DIR"])
        self.refuse("info", "cifar10:.", mentions=["data_batch_1.bin", "cifar-10-batches-bin"])
        (self.folder / "train_32x32.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(512))
        self.refuse("info", "svhn:.", mentions=["version 7.3", "savemat"])


class LabelsTest(WinnowTest):
    """Twelve vectors in two groups."""

    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        self.group = np.arange(12) % 2
        rows = 5 * self.group[:, None] + rng.normal(size=(12, 4))
        np.save(self.folder / "x.npy", rows.astype(np.float32))

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def classes(self, spec):
        return self.succeed_json("info", spec)["classes"]

    def test_tables_in_another_order(self):
        rows = [{"key": str(i), "label": "odd" if i % 2 else "even"} for i in (*range(5, 12),
                                                                              *range(5))]
        self.write("y.csv", "key,label\n" + "".join(f"{r['key']},{r['label']}\n" for r in rows))
        self.write("y.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        scores = []
        for name in ("y.csv", "y.jsonl"):
            spec = f"npy:x.npy,labels={name}"
            self.assertEqual(self.classes(spec), {"even": 6, "odd": 6})
            self.succeed("score", "--metric", "supervised-prototypes", "--embeddings", "x.npy",
                         "--labels", spec, "--out", f"{name}.scores.npy")
            scores.append(np.load(self.folder / f"{name}.scores.npy"))
        np.save(self.folder / "y.npy", self.group)
        self.succeed("score", "--metric", "supervised-prototypes", "--embeddings", "x.npy",
                     "--labels", "y.npy", "--out", "by-order.npy")
        for found in scores:
            np.testing.assert_array_equal(found, np.load(self.folder / "by-order.npy"))

    def test_names_without_a_dataset_are_refused(self):
        self.write("y.csv", "path,label\n" + "".join(f"{i},{i % 2}\n" for i in range(12)))
        self.refuse("score", "--metric", "supervised-prototypes", "--embeddings", "x.npy",
                    "--labels", "y.csv", "--out", "s.npy",
                    mentions=["y.csv", "column 'path'", "SPEC,labels=y.csv"])

    def test_names_that_do_not_fit(self):
        self.write("y.csv", "path,label\n" + "".join(f"{i},{i % 2}\n" for i in range(11)))
        self.refuse("info", "npy:x.npy,labels=y.csv", mentions=["no label for 1 of 12", "'11'"])
        self.write("y.csv", "path,label\n" + "".join(f"{i},{i % 2}\n" for i in range(13)))
        self.refuse("info", "npy:x.npy,labels=y.csv", mentions=["1 of 13 names", "'12' on line 14"])
        self.refuse("info", "npy:x.npy,labels=y.csv,label-column=y",
                    mentions=["no column 'y'", "path, label"])

    def test_one_class_is_fine_without_supervision(self):
        self.write("y.csv", "label\n" + "only\n" * 12)
        spec = "npy:x.npy,labels=y.csv"
        self.assertEqual(self.classes(spec), {"only": 12})
        self.succeed("prune", "--embeddings", "x.npy", "--labels", "y.csv", "--clusters", 2,
                     "--keep", 0.5, "--out", "run")
        self.assertEqual(len(np.load(self.folder / "run/keep.npy")), 6)


if __name__ == "__main__":
    unittest.main()
