#!/usr/bin/env python3
"""Writes the seed corpora: corpus/<fuzzer>/, a few small files each.

Most are fixtures of the io tests under another name. Files called `regression-*` are inputs that
once were findings; this program leaves them alone. Needs NumPy and SciPy.
"""

import shutil
from pathlib import Path

import numpy as np
from scipy.io import savemat

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests" / "unit" / "io" / "fixtures"

# Fixtures by fuzzer, as patterns.
COPIED = {
    "npy": ["npy/*.npy", "npy/shards/part-10.npy"],
    "labels": ["npy/vector.npy", "npy/uint8.npy", "npy/int64.npy", "csv/bom.csv"],
    "idx": ["idx/plain/train-*", "idx/packed/train-*"],
    "csv": ["csv/*.csv"],
    "tar": ["tar/ustar.tar", "tar/gnu.tar", "tar/pax.tar", "tar/splits.tar", "tar/symlink.tar",
            "tar/flat.tar", "tar/huge.tar", "tar/v7.tar", "tar/sparse.tar", "tar/bytes-gnu.tar",
            "web/part-1.tar", "web/part-10.tar", "web/json-names.tar", "web/no-labels.tar"],
    "mat": ["mat/*.mat"],
    "safetensors": ["safetensors/*.safetensors"],
    "manifest": ["jsonl/*"],
    "image": ["images/*.png", "images/*.jpg", "images/*.webp"],
}

# Written here, by fuzzer and name.
TEXTS = {
    "csv": {
        "manifest": "path,label\ncat/1.png,cat\n\"a, b.png\",dog\n",
        "crlf": "id,x\r\n0,1.5\r\n1,\"two\r\nlines\"\r\n",
        "blank": "label\n\n",
    },
    "labels": {
        "integers.csv": "label\n3\n0\n1\n",
        "texts.csv": "path,label\n1.png,cat\n2.png,dog\n3.png,cat\n",
        "untitled.csv": "class\n1\n2\n",
        "joined.csv": "file,label\n2.png,a\n./cat/1.png,b\ndata/dog/1.png,a\n",
        "joined.jsonl": '{"path": "cat/2.png", "label": 1}\n{"path": "cat/1.png", "label": 0}\n'
                        '{"path": "dog/1.png", "label": 1}\n',
        "ordered.jsonl": '{"label": "a"}\n{"label": "b"}\r\n\n{"label": "a"}\n',
    },
    "manifest": {
        "texts.csv": "path,label\ncat/1.png,cat\n\"a, b.png\",dog\n",
        "class.csv": "class,Image,other\r\n3,./a.png,x\r\n0,b.png,y\r\n",
        "paths.csv": "filename\na.png\nb.png\n",
        "objects.jsonl": '{"path": "a.png", "label": "cat", "class": 1}\n'
                         '{"path": "\\u00e4.png", "label": "dog", "class": 2, "more": [1, {}]}\n',
    },
    "sidecar": {
        "scores": '{"kind": "scores", "metric": "self-prototypes", "direction": "larger is harder",'
                  ' "n": 3, "fingerprint": "xxh3:0123456789abcdef", "options": {"clusters": 10}}\n',
        "unknown": '{"n": 0, "fingerprint": "unknown"}',
        "run": '{"kind": "training", "command": ["winnow", "train"], "version": "0.1.0",'
               ' "options": {"seed": 0}, "inputs": [{"path": "x.npy", "hash": "xxh3:00"}],'
               ' "files": ["model.pt"], "children": [], "results": {"error": 0.25}}\n',
        "nested": "[[[[1.5e300, -0, null, true]]]]",
    },
    "config": {
        "plain": 'data = "fashion-mnist"\nkeep = 0.5\nseed = 7\nforce = true\n[train]\nthreads = 2\n',
        "lists": 'data = ["a.npy", \'b.npy\']\nkeep = [0.1, 0.5]\n[train]\nseed = 0x1F\n',
        "other": "# comment\ntrain.seed = 1_000\nkeep = 1979-05-27\nforce = inf\n",
    },
    "spec": {
        "fashion": "fashion-mnist,image-size=32#test",
        "cifar": "cifar10:data/cifar,labels=y.csv,label-column=fine#train",
        "svhn": "svhn:data#extra",
        "images": "images:a,b#c/d.tar,image-size=224,resize-size=256,skip-unreadable,max-pixels=9",
        "npy": "npy:x.npy,labels=y.npy",
    },
}

DICTIONARIES = {
    "npy": [r"\x93NUMPY\x01\x00v\x00", r"\x93NUMPY\x02\x00", "'descr': ", "'fortran_order': ",
            "'shape': ", "True", "False", "'<f4'", "'<f2'", "'<f8'", "'<i8'", "'|u1'", "'|b1'",
            "'>f4'", "(3, 4), }", "(9223372036854775807,", "L"],
    "csv": [r"\xef\xbb\xbf", r"\xff\xfe", r"\x0d\x0a", r"\"\"", ",", "label", "path"],
    "labels": ["label", r"\x0d\x0a", r"\"", ",", "-1", "nan", "1e5",
               r"\x93NUMPY\x01\x00v\x00", "cat/1.png", "cat/2.png", "dog/1.png", "path", "./",
              r"{\"path\": \"", r"\", \"label\": "],
    "manifest": ["path", "file", "filename", "file_name", "key", "image", "label", "class", "./",
                 r"\x0d\x0a", r"\"", ",", r"{\"path\": \"", r"\", \"label\": ", r"\xef\xbb\xbf"],
    "safetensors": [r"\"__metadata__\":{", r"\"w\":{", r"\"dtype\":\"F32\"", r"\"F16\"", r"\"BF16\"",
                    r"\"F64\"", r"\"I64\"", r"\"BOOL\"", r"\"F8_E4M3\"", r",\"shape\":[", r"[0,5]",
                    r",\"data_offsets\":[0,", "]}", "9223372036854775807", "18446744073709551615",
                    r"\x02\x00\x00\x00\x00\x00\x00\x00{}", r"\x00\x00\x00\x00\x00\x00\x00",
                    r"\x80\x02", r"PK\x03\x04", r"\\u0061"],
    "sidecar": ["kind", "command", "inputs", "path", "hash", "files", "children", "options",
                "results", "fingerprint", "xxh3:", "unknown", r"\"n\"", r"\\u0000", r"\\ud83d",
                "null", "true", "1e999", "18446744073709551615", "[[[[[[[[", r"{\"a\":"],
    "config": ["[train]", "[[", "keep", "data", "force", r"\"\"\"", "'''", "= ", "{ a = 1 }",
               "1979-05-27T07:32:00Z", "0x", "0b", "inf", "nan", "true", r"\\u", r"\\U", "_"],
    "spec": ["fashion-mnist", "mnist:", "cifar10:", "cifar100:", "svhn:", "images:", "npy:",
             ",labels=", ",label-column=", ",image-size=", ",resize-size=", ",skip-unreadable",
             ",max-pixels=", "#train", "#test", "#extra"],
    "idx": [r"\x00\x00\x08\x01", r"\x00\x00\x08\x03", r"\x1f\x8b\x08\x00", r"\xff\xff\xff\xff"],
    "image": [r"\xff\xd8\xff\xe0", r"\xff\xe1", r"Exif\x00\x00II*\x00\x08\x00\x00\x00",
              r"Exif\x00\x00MM\x00*\x00\x00\x00\x08", r"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00",
              r"\xff\xc0", r"\xff\xc2", r"\xff\xc4", r"\xff\xda", r"\xff\xdb", r"\xff\xdd",
              r"\xff\xd9", r"\xff\xee\x00\x0eAdobe\x00", "JFIF", "IHDR", "PLTE", "tRNS", "IDAT",
              "IEND", "eXIf", "iCCP", "acTL", "RIFF", "WEBP", "VP8 ", "VP8L", "VP8X", "ALPH",
              "ANIM", "ANMF", "EXIF"],
    "mat": [r"\x00\x01IM", r"\x0e\x00\x00\x00", r"\x0f\x00\x00\x00",
            r"\x06\x00\x00\x00\x08\x00\x00\x00", r"\x05\x00\x00\x00\x08\x00\x00\x00",
            r"\x01\x00\x01\x00X\x00\x00\x00", r"\x01\x00\x01\x00y\x00\x00\x00",
            r"\x09\x00\x00\x00", r"\x06\x00\x00\x00", r"\xff\xff\xff\xff", r"\xff\xff\xff\x7f",
            r"\x00\x08\x00\x00", r"\x20\x00\x00\x00\x20\x00\x00\x00\x03\x00\x00\x00", "MATLAB 7.3"],
    "tar": [r"ustar\x00" + "00", "ustar  ", r"\x00\x00\x00\x00\x00\x00\x00\x00", "../", "./",
            "train/", "test/", "val/", ".png", ".jpg", ".json", ".cls", ".webp", "path=", "size=",
            "linkpath=", "GNU.sparse.", r"L\x00", r"x\x00", "0", "1", "2", "5", "77777777777",
            r"\x80\x00\x00\x00\x00\x00\x00\x00"],
}

# Longest inputs, bytes: short ones run fast. Where nothing is said, libFuzzer's 4096 or the longest
# seed.
MAX_LENGTHS = {"spec": 256, "config": 512, "csv": 512, "labels": 512, "manifest": 512,
               "sidecar": 1024, "safetensors": 1024,
               "npy": 1024, "idx": 1024, "mat": 3584, "tar": 9216}


def write_cifar():
    folder = HERE / "corpus" / "cifar"
    ramp = bytes(i % 256 for i in range(3072))
    (folder / "cifar10").write_bytes(b"\x03" + ramp + b"\x09" + ramp)
    (folder / "cifar100").write_bytes(b"\x05\x63" + ramp)
    (folder / "names").write_text("".join(f"class {i}\n" for i in range(10)), encoding="ascii")


def write_mat():
    folder = HERE / "corpus" / "mat"
    digits = {"X": np.full((32, 32, 3, 2), 7, np.uint8), "y": np.array([[10], [1]], np.uint8)}
    savemat(folder / "svhn.mat", digits, do_compression=True)
    savemat(folder / "one.mat", {"X": digits["X"][..., :1], "y": np.array([[3.0]])})
    arrays = {dtype: np.arange(6).reshape(2, 3).astype(dtype)
              for dtype in ("int8", "uint16", "int32", "int64", "uint64", "float32", "float64")}
    savemat(folder / "dtypes.mat", arrays)
    savemat(folder / "packed.mat", arrays, do_compression=True)
    savemat(folder / "others.mat", {"text": "abc", "c": np.array([1 + 2j]), "s": {"a": 1.0}})
    for path in folder.glob("*.mat"):  # the time of writing
        path.write_bytes(path.read_bytes()[:19].ljust(116, b" ") + path.read_bytes()[116:])


def write_corpus(name):
    folder = HERE / "corpus" / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if not old.name.startswith("regression-"):
            old.unlink()
    for pattern in COPIED.get(name, []):
        for path in sorted(FIXTURES.glob(pattern)):
            shutil.copyfile(path, folder / path.name)
    for title, text in TEXTS.get(name, {}).items():
        (folder / title).write_text(text, encoding="utf-8")


def write_dictionary(name):
    lines = (f'"{entry}"\n' for entry in DICTIONARIES[name])
    (HERE / "corpus" / f"{name}.dict").write_text("".join(lines), encoding="ascii")


def main():
    for name in sorted(COPIED.keys() | TEXTS.keys() | {"cifar"}):
        write_corpus(name)
    write_cifar()
    write_mat()
    for name in DICTIONARIES:
        write_dictionary(name)
    for name, length in MAX_LENGTHS.items():
        (HERE / "corpus" / f"{name}.options").write_text(f"-max_len={length}\n", encoding="ascii")


if __name__ == "__main__":
    main()
