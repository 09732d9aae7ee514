"""winnow info on every kind of artifact, as text and as JSON."""

import json
import struct
import unittest

import numpy as np

import fixtures
from helpers import WinnowTest


class InfoTest(WinnowTest):
    def info(self, name, **expected):
        """What info says, after checking these entries, also that the text has them."""
        told = self.succeed_json("info", name)
        text = self.succeed("info", name).out
        for key, value in expected.items():
            self.assertEqual(told[key], value, f"{name}: {key}")
            if isinstance(value, str):
                self.assertIn(f"{key}: {value}", text)
        return told

    def test_run_and_all_that_is_in_it(self):
        fixtures.write_idx(self.folder / "idx", n=90, n_test=30)
        self.succeed("prune", "--data", "mnist:idx", "--encoder", "pixels", "--evaluate",
                     "--evaluate-models", "linear", "--evaluate-seeds", 1, "--train-iterations", 20,
                     "--keep", 0.5, "--out", "run")
        dataset = self.info("mnist:idx", kind="dataset", split="train", n=90,
                            image={"height": 28, "width": 28, "channels": 1})
        self.assertEqual(sum(dataset["classes"].values()), 90)
        fingerprint = dataset["fingerprint"]
        run = self.info("run", kind="run")["run"]
        self.assertEqual((run["kind"], run["results"]["kept"]), ("prune", 45))
        self.info("run/run.json", kind="prune")
        self.info("run/embeddings.npy", kind="embeddings", dtype="float32", shape=[90, 784],
                  order="C", fingerprint=fingerprint)
        scores = self.info("run/scores.npy", kind="scores", dtype="float64", shape=[90],
                           fingerprint=fingerprint)
        values = self.load("run/scores.npy")
        self.assertEqual((scores["values"]["min"], scores["values"]["max"]),
                         (values.min(), values.max()))
        self.assertAlmostEqual(scores["values"]["mean"], values.mean(), places=12)
        self.assertEqual(scores["sidecar"]["metric"], "self-prototypes")
        self.info("run/scores.json", kind="scores")
        self.info("run/centroids.npy", kind="centroids", shape=[10, 784])
        self.info("run/keep.npy", kind="selection", dtype="int64", shape=[45],
                  fingerprint=fingerprint)
        self.info("run/results.csv", kind="table", rows=7)
        child = self.read_json("run/run.json")["children"][0]
        self.assertEqual(self.info(f"run/{child}", kind="run")["run"]["kind"], "training")
        self.assertEqual(self.info("mnist:idx#test", split="test")["n"], 30)

    def test_safetensors(self):
        header = json.dumps({"__metadata__": {"format": "pt"},
                             "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                             "steps": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]}})
        data = struct.pack("<Q", len(header)) + header.encode() + bytes(32)
        (self.folder / "m.safetensors").write_bytes(data)
        self.info("m.safetensors", kind="safetensors", values=7, bytes=len(data),
                  metadata={"format": "pt"}, tensors={"w": "[2, 3] F32", "steps": "[] I64"})
        (self.folder / "p.safetensors").write_bytes(b"PK\x03\x04" + bytes(40))
        self.refuse("info", "p.safetensors",
                    mentions=["p.safetensors", "zip archive", "safetensors.torch"])

    def test_plain_arrays(self):
        rows, labels = fixtures.blobs()
        self.save("emb.npy", np.asfortranarray(rows.astype(np.float16)))
        self.save("y.npy", labels)
        self.save("s.npy", np.array([1.0, np.nan, 3.0]))
        self.info("emb.npy", dtype="float16", shape=[120, 8], order="Fortran",
                  fingerprint="unknown", kind="embeddings or other matrix")
        self.info("y.npy", dtype="int64", shape=[120], kind="labels, ids or other integers")
        told = self.info("s.npy", kind="scores or other numbers")
        self.assertEqual(told["values"], {"not_finite": 1, "min": 1.0, "mean": 2.0, "max": 3.0})

    def test_image_folder_and_tar(self):
        fixtures.write_image_folder(self.folder / "images", per_class=3)
        fixtures.write_tar(self.folder / "images", self.folder / "images.tar")
        expected = {"kind": "dataset", "n": 9, "classes": {"ant": 3, "bee": 3, "cat": 3},
                    "image": {"height": 16, "width": 16, "channels": 3}}
        of_folder = self.info("images:images", **expected)
        of_tar = self.info("images.tar", **expected)
        self.assertEqual(of_folder["fingerprint"], of_tar["fingerprint"])

    def test_fingerprint_follows_keys_and_labels(self):
        images, labels = fixtures.shapes(20)
        self.save("x.npy", images)
        self.save("y.npy", labels.astype(np.int64))
        self.save("z.npy", 9 - labels.astype(np.int64))
        prints = {self.info(spec)["fingerprint"] for spec in
                  ("npy:x.npy", "npy:x.npy,labels=y.npy", "npy:x.npy,labels=z.npy")}
        self.assertEqual(len(prints), 3)

    def test_what_it_does_not_know(self):
        (self.folder / "a.txt").write_text("text", encoding="utf-8")
        (self.folder / "d").mkdir()
        (self.folder / "bad.json").write_text('{"kind": "scores"', encoding="utf-8")
        (self.folder / "list.json").write_text(json.dumps([1, 2]), encoding="utf-8")
        self.refuse("info", "a.txt", mentions=["a.txt", ".npy"])
        self.refuse("info", "d", mentions=["d", "run.json", "images:d"])
        self.refuse("info", "none.npy", mentions=["none.npy", "no such file"])
        self.refuse("info", "bad.json", mentions=["bad.json", "byte"])
        self.refuse("info", "fashon-mnist", mentions=["did you mean fashion-mnist"])
        self.assertEqual(self.info("list.json", kind="JSON")["content"], [1, 2])


if __name__ == "__main__":
    unittest.main()
