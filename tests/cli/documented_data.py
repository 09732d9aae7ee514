"""The datasets that docs/data.md uses in its examples, small, in their true formats."""

import io
import json
import pathlib
import shutil
import tarfile

import numpy as np
from PIL import Image
from scipy.io import savemat

import fixtures


def _colour(images):
    """[n, h, w] grey to [n, h, w, 3]."""
    return np.stack([images, images // 2, 255 - images], axis=-1)


def _encoded(pixels, kind):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def _cifar(folder, names, label_bytes, n=40):
    folder.mkdir()
    for part, name in enumerate(names):
        images, labels = fixtures.shapes(n, side=32, seed=part)
        planes = _colour(images).transpose(0, 3, 1, 2).reshape(n, -1)
        first = np.repeat(labels[:, None], label_bytes, axis=1)
        np.hstack([first, planes]).astype(np.uint8).tofile(folder / name)


def _shards(folder):
    images, labels = fixtures.shapes(40, side=32, seed=5)
    for shard in range(2):
        with tarfile.open(folder / f"shards-{shard:04}.tar", "w") as tar:
            for i in range(20 * shard, 20 * shard + 20):
                for name, data in ((f"{i:06}.jpg", _encoded(_colour(images)[i], "JPEG")),
                                   (f"{i:06}.json", json.dumps({"label": int(labels[i])}).encode())):
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))


def _lists(folder, keys):
    rows = [(f"photos/{key}", key.split("/")[0]) for key in reversed(keys)]
    (folder / "list.csv").write_text(
        "path,label\n" + "".join(f"{path},{label}\n" for path, label in rows), encoding="utf-8")
    (folder / "list.jsonl").write_text(
        "".join(json.dumps({"path": path, "label": label}) + "\n" for path, label in rows),
        encoding="utf-8")
    (folder / "votes.csv").write_text(
        "file,label,majority\n" + "".join(f"{key},x,{key.split('/')[0]}\n"
                                          for key in reversed(keys)), encoding="utf-8")


def write(folder):
    """Writes all of them into an empty folder."""
    folder = pathlib.Path(folder)
    keys = fixtures.write_image_folder(folder / "photos", per_class=14, side=32)
    fixtures.write_tar(folder / "photos", folder / "photos.tar")
    shutil.copytree(folder / "photos", folder / "damaged")
    (folder / "damaged" / keys[3]).write_bytes(b"\xff\xd8\xff no longer a picture")
    _shards(folder)
    _lists(folder, keys)
    _cifar(folder / "cifar-10-batches-bin",
           [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"], 1)
    _cifar(folder / "cifar-100-binary", ["train.bin", "test.bin"], 2)
    (folder / "svhn").mkdir()
    for part, name in enumerate(("train_32x32.mat", "test_32x32.mat")):
        images, labels = fixtures.shapes(30, side=32, seed=part)
        savemat(folder / "svhn" / name, do_compression=True,
                mdict={"X": _colour(images).transpose(1, 2, 3, 0),
                       "y": np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]})
    fixtures.write_idx(folder / "mnist", n=40, n_test=20)
    images, labels = fixtures.shapes(40, side=28)
    np.save(folder / "images.npy", images)
    (folder / "labels.csv").write_text("label\n" + "".join(f"{i}\n" for i in labels),
                                       encoding="utf-8")
    (folder / "img_emb").mkdir()
    for shard in range(12):
        rows, _ = fixtures.blobs(n=20, d=16, seed=shard)
        np.save(folder / "img_emb" / f"img_emb_{shard}.npy", rows.astype(np.float16))
