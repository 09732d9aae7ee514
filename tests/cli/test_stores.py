"""Images in every place they may lie: folders, tars, WebDataset shards, manifests."""

import csv
import io
import json
import os
import tarfile
import unittest

import numpy as np

import fixtures
from helpers import WinnowTest


def write_members(path, members):
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


class Stores(WinnowTest):

    def setUp(self):
        super().setUp()
        self.keys = fixtures.write_image_folder(self.folder / "images")
        self.labels = [("ant", "bee", "cat").index(key.split("/")[0]) for key in self.keys]

    def write_shards(self):
        """Three shards that keep the folder's order; labels as .cls and as .json."""
        for shard in range(3):
            members = []
            for i in range(shard * 12, shard * 12 + 12):
                data = (self.folder / "images" / self.keys[i]).read_bytes()
                members.append((f"{i:04}{self.keys[i][-4:]}", data))
                members.append((f"{i:04}.txt", f"image {i}".encode()))
                if i % 2:
                    members.append((f"{i:04}.cls", str(self.labels[i]).encode()))
                else:
                    members.append((f"{i:04}.json", json.dumps({"label": self.labels[i]}).encode()))
            # Byte order would put 10 before 9.
            write_members(self.folder / f"shard-{shard + 8}.tar", members)

    def write_manifest(self):
        with open(self.folder / "list.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label"])
            for key in self.keys:
                writer.writerow([f"images/{key}", key.split("/")[0]])

    def embed(self, location, *options):
        self.succeed("embed", "--data", f"images:{location}", "--encoder", "pixels", "--force",
                     "--out", "e.npy", *options)
        return self.load("e.npy")

    def test_every_form_gives_the_same_images_and_labels(self):
        self.write_shards()
        self.write_manifest()
        fixtures.write_tar(self.folder / "images", self.folder / "images.tar")
        expected = self.embed("images")
        self.assertEqual(len(expected), 36)
        for location in ("images.tar", "shard-*.tar", "shard-{8..10}.tar", "list.csv",
                         "shard-8.tar,shard-9.tar,shard-10.tar"):
            with self.subTest(location):
                np.testing.assert_array_equal(self.embed(location), expected)
                counts = self.succeed_json("info", f"images:{location}")["classes"]
                self.assertEqual(list(counts.values()), [12, 12, 12])

    def test_kept_examples_are_a_shard(self):
        self.write_shards()
        self.succeed("score", "--metric", "random", "--labels", "images:shard-*.tar", "--out",
                     "s.npy")
        self.succeed("select", "--scores", "s.npy", "--data", "images:shard-*.tar", "--keep", 0.5,
                     "--files", "tar", "--out", "run")
        keep = self.load("run/keep.npy")
        self.assertEqual(len(keep), 18)
        with tarfile.open(self.folder / "run/kept.tar") as tar:
            names = tar.getnames()
            self.assertEqual([name for name in names if name.endswith(".txt")],
                             [f"{i:04}.txt" for i in keep])
            for i in keep:
                self.assertEqual(tar.extractfile(f"{i:04}{self.keys[i][-4:]}").read(),
                                 (self.folder / "images" / self.keys[i]).read_bytes())
        counts = self.succeed_json("info", "images:run/kept.tar")["classes"]
        self.assertEqual(list(counts.values()), np.bincount(np.array(self.labels)[keep]).tolist())

    def test_images_without_labels(self):
        for i, key in enumerate(self.keys):
            os.rename(self.folder / "images" / key, self.folder / f"images/{i:03}{key[-4:]}")
        for name in ("ant", "bee", "cat"):
            os.rmdir(self.folder / "images" / name)
        self.assertEqual(self.embed("images").shape[0], 36)
        self.assertNotIn("classes", self.succeed_json("info", "images:images"))

    def test_unreadable_images(self):
        for key in (self.keys[20], self.keys[7]):
            path = self.folder / "images" / key
            path.write_bytes(path.read_bytes()[:60])
        whole = self.succeed_json("info", "images:images,image-size=16")
        self.refuse("embed", "--data", "images:images,image-size=16", "--encoder", "pixels",
                    "--out", "e.npy", mentions=[self.keys[7], "--skip-unreadable"])
        done = self.succeed("embed", "--data", "images:images,image-size=16,skip-unreadable",
                            "--encoder", "pixels", "--out", "e.npy")
        self.assertIn(self.keys[7], done.err)
        self.assertIn(self.keys[20], done.err)
        self.assertIn("2 of 36", done.err)
        self.assertEqual(len(self.load("e.npy")), 34)
        left = self.succeed_json("info", "images:images,image-size=16,skip-unreadable")
        self.assertEqual(left["n"], 34)
        self.assertNotEqual(left["fingerprint"], whole["fingerprint"])

    def test_names_that_are_not_utf8(self):
        name = os.fsdecode(b"images/ant/\xff\xfe.png")
        os.rename(self.folder / "images" / self.keys[0], self.folder / name)
        self.succeed("score", "--metric", "random", "--labels", "images:images", "--out", "s.npy")
        self.succeed("select", "--scores", "s.npy", "--data", "images:images", "--keep", 1,
                     "--write", "keys,csv,jsonl", "--files", "tar", "--out", "run")
        keys = (self.folder / "run/keep.txt").read_bytes().split(b"\n")
        self.assertIn(b"ant/\xff\xfe.png", keys)
        prints = [self.succeed_json("info", f"images:{location}")["fingerprint"]
                  for location in ("images", "run/kept.tar")]
        self.assertEqual(prints[0], prints[1])

    def test_refusals(self):
        write_members(self.folder / "bad.tar", [("1.cls", b"0")])
        self.refuse("info", "images:bad.tar", mentions=["bad.tar", "1.cls", "without an image"])
        self.refuse("info", "images:no-*.tar", mentions=["no-*.tar"])
        self.refuse("info", "images:no-{1..2}.tar", mentions=["no-1.tar"])
        self.refuse("info", "images:no.csv", mentions=["no.csv"])


if __name__ == "__main__":
    unittest.main()
