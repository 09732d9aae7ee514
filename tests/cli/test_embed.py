"""winnow embed: what comes out, what it depends on, and datasets that cannot be read."""

import gzip
import tarfile
import unittest

import numpy as np

import fixtures
from helpers import WinnowTest

SMALL = ("--words", 16, "--patches", 2000, "--dictionary-iterations", 4, "--dimensions", 12)


class EmbedTest(WinnowTest):
    def embed(self, data, out, *arguments):
        return self.succeed_json("embed", "--data", data, *arguments, "--out", out)

    def bits(self, data, out, *arguments):
        self.embed(data, out, *arguments)
        return (self.folder / out).read_bytes()

    def test_patch_kmeans_learns_more_than_pixels(self):
        fixtures.write_idx(self.folder / "idx", n=200, n_test=200)
        told = self.embed("mnist:idx", "emb.npy", "--test-out", "test.npy", "--words", 40,
                          "--patches", 5000, "--dimensions", 64)
        rows, test = self.load("emb.npy"), self.load("test.npy")
        self.assertEqual((rows.shape, rows.dtype), ((200, 64), np.float32))
        self.assertEqual((test.shape, test.dtype), ((200, 64), np.float32))
        knn = told["knn"]
        self.assertEqual((told["n"], told["dimensions"]), (200, 64))
        self.assertEqual((knn["k"], knn["queries"], knn["leave_one_out"]), (20, 200, False))
        self.assertGreater(knn["encoder"], knn["pixels"] + 0.15)
        self.assertAlmostEqual(knn["encoder"], self.neighbour_accuracy(rows, test), delta=0.011)
        sidecar = self.read_json("emb.json")
        self.assertEqual((sidecar["kind"], sidecar["n"], sidecar["knn"]), ("embeddings", 200, knn))
        self.assertEqual(sidecar["fingerprint"],
                         self.succeed_json("info", "mnist:idx")["fingerprint"])
        self.assertEqual(self.read_json("test.json")["fingerprint"],
                         self.succeed_json("info", "mnist:idx#test")["fingerprint"])

    def neighbour_accuracy(self, rows, test, k=20):
        """Majority of the k nearest by cosine, ties by the sum of cosines."""
        _, labels = fixtures.shapes(200, seed=0)
        _, truth = fixtures.shapes(200, seed=1000)
        rows, test = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (rows, test))
        cosines = test @ rows.T
        right = 0
        for cosine, label in zip(cosines, truth):
            nearest = np.argsort(-cosine, kind="stable")[:k]
            votes = [(np.sum(labels[nearest] == c), cosine[nearest][labels[nearest] == c].sum())
                     for c in range(10)]
            right += max(range(10), key=lambda c: votes[c]) == label
        return right / len(truth)

    def test_shards_belong_to_their_dataset(self):
        fixtures.write_idx(self.folder / "idx", n=50, n_test=50)
        self.embed("mnist:idx", "emb/", "--encoder", "pixels", "--shard-rows", 20)
        print_of = self.succeed_json("info", "mnist:idx")["fingerprint"]
        for shards in ("emb", "emb/*.npy"):
            self.succeed("score", "--metric", "supervised-prototypes", "--embeddings", shards,
                         "--labels", "mnist:idx", "--out", "s.npy", "--force")
            self.assertEqual(self.read_json("s.json")["fingerprint"], print_of)
            self.refuse("score", "--metric", "supervised-prototypes", "--embeddings", shards,
                        "--labels", "mnist:idx#test", "--out", "t.npy", mentions=["two different datasets"])
        (self.folder / "emb/emb_00002.npy").unlink()
        self.refuse("score", "--embeddings", "emb", "--out", "t.npy",
                    mentions=["emb.json", "50", "40"])

    def test_pixels_are_centred_pixels(self):
        images, _ = fixtures.write_idx(self.folder / "idx", n=50, n_test=10)
        told = self.embed("mnist:idx", "emb.npy", "--encoder", "pixels")
        self.assertEqual(told["knn"]["encoder"], told["knn"]["pixels"])
        pixels = images.reshape(50, -1).astype(np.float64)
        pixels -= pixels.mean(axis=0)
        rows = self.load("emb.npy").astype(np.float64)
        # The same up to one scale.
        scale = (rows * pixels).sum() / (pixels * pixels).sum()
        np.testing.assert_allclose(rows, scale * pixels, atol=1e-4 * scale * 255)

    def test_same_bits_for_any_number_of_threads_and_for_the_seed(self):
        fixtures.write_idx(self.folder / "idx", n=130, n_test=20)
        first = self.bits("mnist:idx", "a.npy", *SMALL, "--threads", 1)
        self.assertEqual(first, self.bits("mnist:idx", "b.npy", *SMALL, "--threads", 2))
        self.assertNotEqual(first, self.bits("mnist:idx", "c.npy", *SMALL, "--seed", 1))

    def test_compressed_idx_is_the_same_dataset(self):
        fixtures.write_idx(self.folder / "idx", n=60, n_test=20)
        fixtures.write_idx(self.folder / "gz", n=60, n_test=20, compressed=True)
        self.assertEqual(self.bits("mnist:idx", "a.npy", *SMALL),
                         self.bits("mnist:gz", "b.npy", *SMALL))

    def test_folder_and_tar_are_the_same_dataset(self):
        fixtures.write_image_folder(self.folder / "images")
        fixtures.write_tar(self.folder / "images", self.folder / "images.tar")
        self.assertEqual(self.bits("images:images", "a.npy", *SMALL),
                         self.bits("images:images.tar", "b.npy", *SMALL))
        self.assertEqual(self.read_json("a.json")["fingerprint"],
                         self.read_json("b.json")["fingerprint"])

    def test_splits_of_a_folder(self):
        fixtures.write_image_folder(self.folder / "images", splits=("train", "test"))
        told = self.embed("images:images", "a.npy", *SMALL, "--test-out", "t.npy")
        self.assertEqual((told["n"], told["knn"]["queries"]), (36, 36))
        self.assertEqual(self.load("t.npy").shape, (36, 12))
        self.assertEqual(self.embed("images:images#test", "b.npy", *SMALL)["n"], 36)
        self.assertFalse(told["knn"]["leave_one_out"])
        self.assertTrue(self.read_json("b.json")["knn"]["leave_one_out"])

    def test_images_in_an_array(self):
        images, labels = fixtures.shapes(60)
        self.save("images.npy", images)
        self.save("y.npy", labels.astype(np.int64))
        done = self.succeed("embed", "--data", "npy:images.npy", *SMALL, "--out", "a.npy")
        self.assertIn("no labels", done.out)
        told = self.embed("npy:images.npy,labels=y.npy", "b.npy", *SMALL)
        self.assertTrue(told["knn"]["leave_one_out"])
        self.assertEqual((self.folder / "a.npy").read_bytes(), (self.folder / "b.npy").read_bytes())


class BadDatasetTest(WinnowTest):
    def refuse_data(self, spec, *mentions, options=()):
        self.refuse("embed", "--data", spec, *SMALL, *options, "--out", "o.npy", mentions=mentions)

    def test_specs(self):
        self.refuse_data("fashon-mnist", "'fashon-mnist'", "did you mean fashion-mnist")
        self.refuse_data("mnist", "mnist:DIR")
        self.refuse_data("mnist:none", "none", "train-images")
        self.refuse_data("images:none", "none", "no such folder")
        self.refuse_data("mnist:idx#valid", "'valid'", "#train or #test")
        self.save("x.npy", np.zeros((4, 5), np.uint8))
        self.refuse_data("x.npy", "x.npy", "did you mean npy:x.npy")
        self.refuse_data("npy:x.npy,labels=", "labels=")

    def test_idx(self):
        fixtures.write_idx(self.folder / "idx", n=30, n_test=10)
        images = self.folder / "idx/train-images-idx3-ubyte"
        labels = self.folder / "idx/train-labels-idx1-ubyte"
        whole_images, whole_labels = images.read_bytes(), labels.read_bytes()
        for file, content, mentions in (
                (images, b"", ["train-images"]),
                (images, whole_images[:10], ["train-images"]),
                (images, whole_images[:-1], ["train-images", str(30 * 28 * 28)]),
                (images, whole_images + b"\0", ["train-images"]),
                (images, b"\0\0\x0d\3" + whole_images[4:], ["train-images"]),
                (images, b"GIF8" + whole_images[4:], ["train-images"]),
                (labels, whole_labels[:-3], ["train-labels"]),
                (labels, fixtures.idx_bytes(np.zeros(29)), ["train-labels", "29", "30"]),
                (labels, whole_labels[:-1] + b"\x0b", ["train-labels", "row 29", "11", "[0, 10)"])):
            with self.subTest(file=file.name, start=content[:8]):
                images.write_bytes(whole_images)
                labels.write_bytes(whole_labels)
                file.write_bytes(content)
                self.refuse_data("mnist:idx", *mentions)

    def test_compressed_idx(self):
        fixtures.write_idx(self.folder / "idx", n=30, n_test=10, compressed=True)
        file = self.folder / "idx/train-images-idx3-ubyte.gz"
        whole = file.read_bytes()
        for content in (b"", whole[:-20], whole[: len(whole) // 2], b"no gzip at all",
                        gzip.compress(b"")):
            with self.subTest(size=len(content)):
                file.write_bytes(content)
                self.refuse_data("mnist:idx", "train-images-idx3-ubyte.gz")

    def test_images(self):
        fixtures.write_image_folder(self.folder / "images", classes=("ant", "bee"), per_class=4)
        file = self.folder / "images/bee/002.png"
        whole = file.read_bytes()
        for content in (b"", whole[:60], whole[:-30], b"GIF89a"):
            with self.subTest(size=len(content)):
                file.write_bytes(content)
                self.refuse_data("images:images", "bee/002.png")

    def test_folders_that_are_no_image_folder(self):
        (self.folder / "void").mkdir()
        self.refuse_data("images:void", "void")
        fixtures.write_image_folder(self.folder / "images", classes=("ant",), per_class=2)
        (self.folder / "images/ant/x.webp").write_bytes(b"RIFF")
        self.refuse_data("images:images", "ant/x.webp", "JPEG, PNG or WebP")

    def test_tars(self):
        fixtures.write_image_folder(self.folder / "images", classes=("ant", "bee"), per_class=3)
        fixtures.write_tar(self.folder / "images", self.folder / "whole.tar")
        whole = (self.folder / "whole.tar").read_bytes()
        for content in (b"", whole[:3000], b"\1" * 2048):
            with self.subTest(size=len(content)):
                (self.folder / "bad.tar").write_bytes(content)
                self.refuse_data("images:bad.tar", "bad.tar")
        with tarfile.open(self.folder / "bad.tar", "w") as tar:
            tar.add(self.folder / "images/ant/000.png", "../../escape/000.png")
        self.refuse_data("images:bad.tar", "bad.tar")

    def test_arrays(self):
        self.save("flat.npy", np.zeros(5, np.uint8))
        self.refuse_data("npy:flat.npy", "flat.npy", "[5]")
        self.save("deep.npy", np.zeros((5, 8, 8), np.float32))
        self.refuse_data("npy:deep.npy", "deep.npy", "float32", "uint8")
        images, labels = fixtures.shapes(20)
        self.save("x.npy", images)
        self.save("y.npy", labels[:-1].astype(np.int64))
        self.refuse_data("npy:x.npy,labels=y.npy", "x.npy", "20", "y.npy", "19")

    def test_options(self):
        fixtures.write_idx(self.folder / "idx", n=30, n_test=10)
        for option, value in (("dimensions", 0), ("words", 1), ("patches", 1), ("patch-size", 1),
                              ("patch-size", 29), ("dictionary-iterations", 0), ("fit-images", 1)):
            self.refuse_data("mnist:idx", f"{option} = {value}", options=(f"--{option}", value))
        self.refuse_data("mnist:idx", "'pixel'", "did you mean 'pixels'",
                         options=("--encoder", "pixel"))
        (self.folder / "idx/t10k-images-idx3-ubyte").unlink()
        self.refuse_data("mnist:idx", "--test-data", options=("--test-out", "t.npy"))


if __name__ == "__main__":
    unittest.main()
