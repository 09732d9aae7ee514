"""winnow embed --encoder swav|simclr: what is written, resuming, and using the weights."""

import csv
import os
import subprocess
import time
import unittest

import numpy as np

import fixtures
from helpers import WinnowTest

SMALL = ("--ssl-epochs", 2, "--ssl-batch-size", 40, "--ssl-hidden", 16, "--ssl-outputs", 8,
         "--ssl-small-crops", 1, "--ssl-prototypes", 6)
DATA = ("--data", "npy:images.npy,labels=y.npy", "--test-data", "npy:test.npy,labels=test-y.npy")


class LearnedTest(WinnowTest):
    def setUp(self):
        super().setUp()
        for name, n, seed in (("images", 130, 1), ("test", 40, 2)):
            images, labels = fixtures.shapes(n, side=12, seed=seed)
            self.save(f"{name}.npy", images)
            self.save("y.npy" if name == "images" else "test-y.npy", labels.astype(np.int64))
        done = self.run_winnow("embed", *DATA, "--encoder", "simclr", "--ssl-epochs", 0.01,
                               "--out", "try.npy")
        if "need LibTorch" in done.err:
            self.skipTest("this winnow is built without LibTorch")
        self.assertEqual(done.code, 0, done.err)

    def embed(self, encoder, *options, out="e.npy"):
        return self.succeed_json("embed", *DATA, "--encoder", encoder, *SMALL, *options, "--out",
                                 out)

    def curve(self, name):
        with open(self.folder / name, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def content(self, name):
        return (self.folder / name).read_bytes()

    def test_writes_embeddings_weights_and_a_curve(self):
        for encoder in ("swav", "simclr"):
            with self.subTest(encoder=encoder):
                told = self.embed(encoder, "--test-out", f"{encoder}-test.npy",
                                  out=f"{encoder}.npy")
                self.assertEqual((told["n"], told["dimensions"]), (130, 130))
                rows = self.load(f"{encoder}.npy")
                self.assertEqual(rows.shape, (130, 130))
                self.assertGreater(np.std(rows, axis=0).max(), 1e-3)
                self.assertEqual(self.load(f"{encoder}-test.npy").shape, (40, 130))
                curve = self.curve(f"{encoder}.curves.csv")
                self.assertEqual([row["epoch"] for row in curve], ["1", "2"])
                # All images are checked, as in the end.
                self.assertAlmostEqual(float(curve[-1]["knn_accuracy"]), told["knn"]["encoder"])
                self.assertGreater(float(curve[-1]["spread"]), 0.0)
                sidecar = self.read_json(f"{encoder}.json")
                self.assertEqual((sidecar["network"], sidecar["passes"], sidecar["weights"]),
                                 ("resnet8", 2, f"{encoder}.encoder.safetensors"))
                self.assertFalse((self.folder / f".{encoder}.npy.parts").exists())
                info = self.succeed("info", f"{encoder}.encoder.safetensors").out
                self.assertIn("layer3.0.conv2.weight", info)

    def test_same_bytes_again_and_for_any_number_of_threads(self):
        for i, threads in enumerate((1, 2, 1)):
            self.embed("swav", "--threads", threads, out=f"{i}.npy")
        for kind in (".npy", ".curves.csv", ".encoder.safetensors"):
            for i in (1, 2):
                self.assertEqual(self.content(f"{i}{kind}"), self.content(f"0{kind}"), kind)
        self.embed("swav", "--seed", 1, out="other.npy")
        self.assertNotEqual(self.content("other.npy"), self.content("0.npy"))

    def test_weights_serve_as_an_encoder_and_as_a_start(self):
        self.embed("simclr")
        told = self.succeed_json("embed", *DATA, "--encoder", "e.encoder.safetensors", "--out",
                                 "again.npy")
        self.assertEqual(told["dimensions"], 130)
        np.testing.assert_array_equal(self.load("again.npy"), self.load("e.npy"))
        told = self.succeed_json("embed", *DATA, "--encoder", "e.encoder.safetensors", "--out",
                                 "plain.npy", "--whiten", 0, "--network-features", "last")
        self.assertEqual(told["dimensions"], 64)
        told = self.succeed_json("embed", *DATA, "--encoder", "e.encoder.safetensors", "--out",
                                 "few.npy", "--dimensions", 20)
        self.assertEqual(told["dimensions"], 20)
        self.assertRegex(self.read_json("again.json")["encoder_hash"], "^xxh3:[0-9a-f]{16}$")
        done = self.succeed("train", *DATA, "--model", "resnet8", "--iterations", 2, "--init",
                            "e.encoder.safetensors", "--out", "run")
        self.assertIn("starts anew", done.err)
        # A training's own weights are an encoder, too.
        told = self.succeed_json("embed", *DATA, "--encoder", "run/model.safetensors", "--out",
                                 "trained.npy")
        self.assertEqual(told["dimensions"], 130)
        images, _ = fixtures.shapes(9, side=16)
        self.save("large.npy", images)
        self.refuse("embed", "--data", "npy:large.npy", "--encoder", "e.encoder.safetensors",
                    "--out", "l.npy", mentions=["16 x 16", "12 x 12", "--image-size 12"])

    def test_goes_on_after_a_kill(self):
        arguments = ("embed", *DATA, "--encoder", "swav", *SMALL, "--ssl-epochs", 40, "--threads",
                     1, "--out", "e.npy")
        with subprocess.Popen([os.environ["WINNOW"], *map(str, arguments)], cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            checkpoint = self.folder / ".e.npy.parts/checkpoint.safetensors"
            deadline = time.monotonic() + self.timeout_seconds
            while process.poll() is None and not checkpoint.exists():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.001)
            self.assertIsNone(process.poll(), "winnow was faster than the kill")
            process.kill()
        self.assertFalse((self.folder / "e.npy").exists())
        self.refuse(*arguments, mentions=["exists", "--resume", "--force"])
        self.refuse(*arguments, "--ssl-jitter", 0.1, "--resume",
                    mentions=["checkpoint", "another training", "--force"])
        done = self.succeed(*arguments, "--resume")
        self.assertNotIn("starting over", done.err)
        self.succeed(*arguments[:-1], "whole.npy")
        for kind in (".npy", ".curves.csv", ".encoder.safetensors"):
            self.assertEqual(self.content(f"e{kind}"), self.content(f"whole{kind}"), kind)
        self.assertFalse((self.folder / ".e.npy.parts").exists())
        told = self.succeed_json(*arguments, "--resume")
        self.assertEqual(told["rows_taken_over"], 130)

    def test_without_labels_there_is_a_curve_without_neighbours(self):
        self.succeed("embed", "--data", "npy:images.npy", "--encoder", "simclr", *SMALL, "--out",
                     "e.npy")
        self.assertEqual([row["knn_accuracy"] for row in self.curve("e.curves.csv")], ["", ""])

    def test_shards_keep_their_companions(self):
        self.embed("simclr", "--shard-rows", 100, out="shards")
        names = [name for name, _ in self.listing("shards")]
        self.assertEqual(names, ["curves.csv", "emb.json", "emb_00000.npy", "emb_00001.npy",
                                 "encoder.safetensors"])

    def test_prune_takes_it_too(self):
        told = self.succeed_json("prune", *DATA, "--encoder", "simclr", *SMALL, "--keep", 0.5,
                                 "--out", "run")
        self.assertEqual(told["kept"], 65)
        self.assertTrue((self.folder / "run/embeddings.encoder.safetensors").exists())
        self.assertEqual(len(self.curve("run/embeddings.curves.csv")), 2)

    def test_bad_input(self):
        self.save("rows.npy", np.ones((9, 4), np.float32))
        for data, options, mentions in (
                ("npy:rows.npy", (), ["needs images", "--encoder pixels"]),
                ("npy:images.npy", ("--ssl-epochs", 0), ["ssl-epochs = 0"]),
                ("npy:images.npy", ("--ssl-small-crop-size", 13), ["ssl-small-crop-size = 13"]),
                ("npy:images.npy", ("--network", "vit-ti"), ["--ssl-small-crops 0"]),
                ("npy:images.npy", ("--ssl-epsilon", 0), ["ssl-epsilon = 0"])):
            with self.subTest(options=options):
                self.refuse("embed", "--data", data, "--encoder", "swav", *options, "--out",
                            "bad.npy", mentions=mentions)
        (self.folder / "w.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
        self.refuse("embed", "--data", "npy:images.npy", "--encoder", "w.safetensors", "--out",
                    "bad.npy", mentions=["w.safetensors", "winnow train"])
        self.refuse("embed", "--data", "npy:images.npy", "--encoder", "none.safetensors", "--out",
                    "bad.npy", mentions=["none.safetensors", "no such file"])


if __name__ == "__main__":
    unittest.main()
