"""Real data: skipped unless $WINNOW_TEST_DATA names the folder that holds it."""

import csv
import os
import pathlib
import unittest

from helpers import WinnowTest

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")


class RealDataTest(WinnowTest):
    def data(self, *parts):
        folder = os.environ.get("WINNOW_TEST_DATA")
        if not folder:
            self.skipTest("WINNOW_TEST_DATA is not set")
        path = pathlib.Path(folder, *parts)
        if not path.exists():
            self.skipTest(f"no {'/'.join(parts)} in WINNOW_TEST_DATA")
        return path

    def test_cifar10_tars(self):
        for name, n in (("train.tar", 50_000), ("test.tar", 10_000)):
            told = self.succeed_json("info", self.data("cifar10-jpeg", name))
            self.assertEqual(told["n"], n)
            self.assertEqual(list(told["classes"].values()), [n // 10] * 10)
            self.assertEqual(sorted(told["classes"]), list(told["classes"]))
            self.assertEqual(told["image"], {"height": 32, "width": 32, "channels": 3})

    def test_cifar10_keys_are_those_of_the_label_table(self):
        tar = self.data("cifar10-jpeg", "train.tar")
        with open(self.data("cifar10-jpeg", "human_labels.csv"), newline="",
                  encoding="utf-8") as file:
            known = {row["file"].removeprefix("./"): row["label"] for row in csv.DictReader(file)}
        self.succeed("score", "--metric", "random", "--labels", f"images:{tar}", "--out", "s.npy")
        self.succeed("select", "--scores", "s.npy", "--data", f"images:{tar}", "--keep", 1,
                     "--write", "csv", "--out", "all")
        classes = sorted({key.split("/")[0] for key in known})
        with open(self.folder / "all/keep.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 50_000)
        self.assertEqual({row["key"] for row in rows}, set(known))
        for row in rows:
            self.assertEqual(classes[int(row["label"])], row["key"].split("/")[0])

    def test_tiny_imagenet_tars(self):
        for name, n in (("train.tar", 25_000), ("val.tar", 2_500)):
            told = self.succeed_json("info", self.data("tiny-imagenet-50", name))
            self.assertEqual((told["n"], len(told["classes"])), (n, 50))
            self.assertEqual(told["image"], {"height": 64, "width": 64, "channels": 3})


@unittest.skipUnless(FASHION.exists(), "Debian's dataset-fashion-mnist is not installed")
class FashionMnistTest(WinnowTest):
    def test_splits(self):
        for split, n in (("", 60_000), ("#train", 60_000), ("#test", 10_000)):
            told = self.succeed_json("info", f"fashion-mnist{split}")
            self.assertEqual(told["n"], n)
            self.assertEqual(list(told["classes"].values()), [n // 10] * 10)
            self.assertEqual(told["image"], {"height": 28, "width": 28, "channels": 1})

    def test_pieces_of_the_main_job(self):
        self.succeed("score", "--metric", "random", "--labels", "fashion-mnist", "--out", "s.npy")
        told = self.succeed_json("select", "--scores", "s.npy", "--data", "fashion-mnist",
                                 "--keep", 0.3, "--dry-run")
        self.assertEqual((told["n"], told["kept"]), (60_000, 18_000))
        self.assertEqual([c["floor"] for c in told["audit"]["classes"]], [900] * 10)


if __name__ == "__main__":
    unittest.main()
