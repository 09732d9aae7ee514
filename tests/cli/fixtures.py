"""Small inputs for the tests of the program, all made here with NumPy and Pillow."""

import gzip
import io
import json
import pathlib
import struct
import tarfile

import numpy as np
from PIL import Image


def blobs(n=120, d=8, n_classes=4, seed=0, spread=0.35):
    """Embeddings [n, d] float32 around one random direction per class, and their labels [n]."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(n_classes, d))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    labels = random.integers(0, n_classes, size=n)
    labels[:n_classes] = np.arange(n_classes)  # every class is there
    rows = centres[labels] + spread * random.normal(size=(n, d))
    return rows.astype(np.float32), labels.astype(np.int64)


def with_sidecar(path, array, **entries):
    """Saves `array` with a sidecar of these entries."""
    path = pathlib.Path(path)
    np.save(path, array)
    path.with_suffix(".json").write_text(json.dumps(entries), encoding="utf-8")


def shapes(n, side=28, n_classes=10, seed=0):
    """Images [n, side, side] uint8 that an encoder can tell apart, and their labels [n] uint8.

    Class c is a bar at angle c pi / n_classes through a random centre, over noise.
    """
    random = np.random.default_rng(seed)
    labels = (np.arange(n) % n_classes).astype(np.uint8)
    random.shuffle(labels)
    y, x = np.mgrid[0:side, 0:side]
    images = np.empty((n, side, side), np.uint8)
    for i, label in enumerate(labels):
        angle = np.pi * label / n_classes
        row, column = side / 2 + random.uniform(-side / 4, side / 4, size=2)
        distance = np.abs((x - column) * np.sin(angle) - (y - row) * np.cos(angle))
        bar = 150.0 * np.exp(-(distance / (side / 12)) ** 2)
        images[i] = np.clip(bar + random.normal(40, 40, size=(side, side)), 0, 255)
    return images, labels


def idx_bytes(array):
    """The IDX form of a uint8 array."""
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx(folder, n=240, n_test=80, seed=0, compressed=False, side=28):
    """The four files of an MNIST-like dataset in `folder`; returns training images and labels."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    result = None
    for prefix, count, part in (("train", n, seed), ("t10k", n_test, seed + 1000)):
        images, labels = shapes(count, side, seed=part)
        if prefix == "train":
            result = images, labels
        for name, array in ((f"{prefix}-images-idx3-ubyte", images),
                            (f"{prefix}-labels-idx1-ubyte", labels)):
            if compressed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array)))
            else:
                (folder / name).write_bytes(idx_bytes(array))
    return result


def write_image_folder(folder, classes=("ant", "bee", "cat"), per_class=12, side=16, seed=0,
                       splits=("",)):
    """An ImageFolder of PNG and JPEG files, RGB; returns the keys of the first split, in order."""
    folder = pathlib.Path(folder)
    keys = []
    for part, split in enumerate(splits):
        images, _ = shapes(per_class * len(classes), side, n_classes=1, seed=seed + part)
        for c, name in enumerate(classes):
            (folder / split / name).mkdir(parents=True)
            for i in range(per_class):
                grey = images[c * per_class + i].astype(float)
                colour = np.stack([grey * (1.0 if k == c % 3 else 0.4) for k in range(3)], axis=-1)
                path = folder / split / name / (f"{i:03}.png" if i % 2 == 0 else f"{i:03}.jpg")
                Image.fromarray(colour.astype(np.uint8)).save(path)
                if part == 0:
                    keys.append(str(path.relative_to(folder)))
    return keys


def write_tar(folder, path, prefix="./"):
    """The files below `folder` as a tar whose names start with `prefix`."""
    folder = pathlib.Path(folder)
    with tarfile.open(path, "w") as tar:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                data = file.read_bytes()
                info = tarfile.TarInfo(prefix + str(file.relative_to(folder)))
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def npy_bytes(array):
    """What numpy.save writes."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
