"""The program of the preset torch-only: what it links, what works, and what it says of the rest."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "cli"))

from helpers import WinnowTest  # noqa: E402 pylint: disable=wrong-import-position

SYSTEM = {"libgomp", "libstdc++", "libm", "libgcc_s", "libc", "ld-linux-x86-64"}


def needed(file):
    """Names of the libraries that a program or plug-in asks for by itself."""
    done = subprocess.run(["readelf", "-d", file], check=True, capture_output=True, text=True)
    return {name.split(".so")[0] for name in re.findall(r"NEEDED.*\[(.*)\]", done.stdout)}


def bands(random, n, side, channels):
    """Noise with one bright band of rows, whose place is the class: [n, side, side, channels]."""
    labels = random.integers(0, 4, n)
    images = random.integers(0, 100, (n, side, side, channels), dtype=np.uint8)
    for image, label in zip(images, labels):
        image[label * side // 4:(label + 1) * side // 4] += 130
    return images, labels


class TorchOnlyTest(WinnowTest):

    def write_cifar(self):
        random = np.random.default_rng(1)
        for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
            images, labels = bands(random, 100, 32, 3)
            rows = np.concatenate([labels[:, None].astype(np.uint8),
                                   images.transpose(0, 3, 1, 2).reshape(100, -1)], axis=1)
            rows.tofile(self.folder / name)

    def test_links_nothing_else(self):
        program = pathlib.Path(os.environ["WINNOW"])
        self.assertLessEqual(needed(program), SYSTEM)
        torch = {name for name in needed(program.parent / "libwinnow_torch.so")
                 if not name.startswith(("libtorch", "libc10"))}
        self.assertLessEqual(torch, SYSTEM)

    def test_trains_on_cifar(self):
        self.write_cifar()
        told = self.succeed_json("train", "--data", "cifar10:.", "--model", "resnet8",
                                 "--iterations", "60", "--batch-size", "64", "--out", "run")
        self.assertLess(told["test_error"], 0.2)
        self.assertTrue((self.folder / "run" / "model.safetensors").exists())

    def test_trains_on_arrays_and_scores_and_selects(self):
        random = np.random.default_rng(2)
        labels = random.integers(0, 4, 400)
        rows = random.normal(size=(400, 32)).astype(np.float32)
        rows[np.arange(400), labels] += 4.0
        np.save(self.folder / "x.npy", rows)
        np.save(self.folder / "y.npy", labels)
        told = self.succeed_json("train", "--data", "npy:x.npy,labels=y.npy", "--test-data",
                                 "npy:x.npy,labels=y.npy", "--encoder", "pixels", "--model",
                                 "linear", "--iterations", "200", "--out", "run")
        self.assertLess(told["test_error"], 0.1)
        self.succeed("score", "--metric", "self-prototypes", "--embeddings", "x.npy", "--clusters",
                     "4", "--out", "s.npy")
        self.succeed("select", "--scores", "s.npy", "--keep", "0.5", "--policy", "hard", "--out",
                     "kept")

    def test_says_what_is_missing(self):
        (self.folder / "photos" / "a").mkdir(parents=True)
        (self.folder / "photos" / "a" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
        (self.folder / "photos.tar").write_bytes(bytes(1024))
        (self.folder / "svhn").mkdir()
        for split in ("train", "test"):
            (self.folder / "svhn" / f"{split}_32x32.mat").write_bytes(bytes(200))
        idx = self.folder / "mnist"
        idx.mkdir()
        for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3",
                     "t10k-labels-idx1"):
            (idx / f"{name}-ubyte.gz").write_bytes(b"\x1f\x8b" + bytes(30))
        for data, mentions in [("images:photos", ("1.png", "WINNOW_IMAGES")),
                               ("images:photos.tar", ("photos.tar", "WINNOW_LIBARCHIVE")),
                               ("svhn:svhn", ("_32x32.mat", "WINNOW_MATIO")),
                               ("mnist:mnist", ("-ubyte.gz", "WINNOW_ZLIB"))]:
            with self.subTest(data):
                self.refuse("embed", "--data", data, "--encoder", "pixels", "--out", "e.npy",
                            mentions=(*mentions, "rebuild"))
        self.refuse("theory", "solve", "--alpha-tot", "3", mentions=("Boost", "WINNOW_THEORY"))
        self.refuse("score", "--isa", "amx", "--metric", "self-prototypes", "--embeddings", "x.npy",
                    "--out", "s.npy", mentions=("WINNOW_ONEDNN",))


if __name__ == "__main__":
    unittest.main()
