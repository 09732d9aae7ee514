"""winnow embed --encoder FILE.ts against torch itself, and files that are no encoder for it."""

import pathlib
import unittest

import numpy as np

import fixtures
import scripts
from helpers import WinnowTest

NATIVE = ("--image-size", 32, "--resize-size", 32)


class ScriptTest(WinnowTest):
    def setUp(self):
        super().setUp()
        if not scripts.USABLE:
            self.skipTest(scripts.WHY_NOT)

    def colour_images(self, n=70, side=32):
        """Saves images.npy [n, side, side, 3] and y.npy; returns the images."""
        images, labels = fixtures.shapes(n, side=side)
        images = np.stack([images, 255 - images, images // 2], axis=-1)
        self.save("images.npy", images)
        self.save("y.npy", labels.astype(np.int64))
        return images

    def embed(self, *arguments, data="npy:images.npy"):
        return self.succeed_json("embed", "--data", data, *arguments)


class EncodeTest(ScriptTest):
    def test_script_and_trace_give_what_torch_gives(self):
        images = self.colour_images()
        expected = scripts.embeddings(scripts.network(), images)
        scripts.save_script(self.folder / "script.ts")
        scripts.save_trace(self.folder / "trace.pt")
        for file in ("script.ts", "trace.pt"):
            with self.subTest(file=file):
                told = self.embed("--encoder", file, *NATIVE, "--out", f"{file}.npy")
                rows = self.load(f"{file}.npy")
                self.assertEqual((told["n"], told["dimensions"]), (70, 8))
                self.assertEqual((rows.shape, rows.dtype), ((70, 8), np.float32))
                np.testing.assert_allclose(rows, expected, atol=1e-5)
                self.assertGreater(np.ptp(rows, axis=0).min(), 0.01)

    def test_sidecar_names_the_encoder(self):
        self.colour_images()
        scripts.save_script(self.folder / "a.ts")
        told = self.embed("--encoder", "a.ts", *NATIVE, "--out", "e.npy",
                          data="npy:images.npy,labels=y.npy")
        sidecar = self.read_json("e.json")
        self.assertEqual((sidecar["n"], sidecar["d"], sidecar["dtype"]), (70, 8, "float32"))
        self.assertEqual((sidecar["encoder_file"], sidecar["options"]["encoder"]), ("a.ts", "a.ts"))
        self.assertRegex(sidecar["encoder_hash"], "^xxh3:[0-9a-f]{16}$")
        self.assertRegex(sidecar["backend"], "^LibTorch [0-9.]+, (cpu|cuda)$")
        self.assertEqual(sidecar["knn"], told["knn"])
        self.assertTrue(told["knn"]["leave_one_out"])
        self.assertEqual(self.succeed_json("info", "e.npy")["fingerprint"], sidecar["fingerprint"])

    def test_224_is_the_default_size_of_files(self):
        fixtures.write_image_folder(self.folder / "photos", per_class=3, side=40)
        torch = scripts.torch

        class Sides(torch.nn.Module):
            def forward(self, x):
                sides = torch.tensor([float(x.size(2)), float(x.size(3))])
                return sides.expand(x.size(0), 2)

        scripts.save_script(self.folder / "sides.ts", Sides())
        for options, side in (((), 224), (("--image-size", 48), 48)):
            self.embed("--encoder", "sides.ts", *options, "--out", "e.npy", "--force",
                       data="images:photos")
            np.testing.assert_array_equal(self.load("e.npy"), np.full((9, 2), side))

    def test_mean_and_std(self):
        images = self.colour_images(n=9)
        torch = scripts.torch

        class Means(torch.nn.Module):
            def forward(self, x):
                return x.mean([2, 3])

        scripts.save_script(self.folder / "means.ts", Means())
        self.embed("--encoder", "means.ts", *NATIVE, "--mean", "0.1,0.2,0.3", "--std", "1,2,4",
                   "--out", "e.npy")
        expected = (images.mean((1, 2)) / 255 - (0.1, 0.2, 0.3)) / (1, 2, 4)
        np.testing.assert_allclose(self.load("e.npy"), expected, atol=1e-6)

    def test_grey_images_are_repeated(self):
        images, _ = fixtures.shapes(20, side=32)
        self.save("grey.npy", images)
        scripts.save_script(self.folder / "a.ts")
        self.embed("--encoder", "a.ts", *NATIVE, "--out", "e.npy", data="npy:grey.npy")
        colour = np.repeat(images[..., None], 3, axis=-1)
        np.testing.assert_allclose(self.load("e.npy"),
                                   scripts.embeddings(scripts.network(), colour), atol=1e-5)

    def test_same_bits_for_any_number_of_threads_and_close_for_any_batch(self):
        self.colour_images(n=150)
        scripts.save_script(self.folder / "a.ts")
        results = []
        for i, options in enumerate((("--threads", 1), ("--threads", 2), ("--threads", 3))):
            self.embed("--encoder", "a.ts", *NATIVE, *options, "--out", f"{i}.npy")
            results.append((self.folder / f"{i}.npy").read_bytes())
        self.assertEqual(results[1:], results[:1] * 2)
        for batch in (1, 7, 1000):
            self.embed("--encoder", "a.ts", *NATIVE, "--batch-size", batch, "--out", f"b{batch}.npy")
            np.testing.assert_allclose(self.load(f"b{batch}.npy"), self.load("0.npy"), atol=1e-6)

    def test_prune_and_train_take_it_too(self):
        fixtures.write_idx(self.folder / "idx", n=60, n_test=20)
        scripts.save_script(self.folder / "a.ts")
        encoder = ("--encoder", "a.ts", "--image-size", 28, "--resize-size", 28)
        told = self.succeed_json("prune", "--data", "mnist:idx", *encoder, "--keep", 0.5, "--out",
                                 "run")
        self.assertEqual((told["n"], told["kept"]), (60, 30))
        self.assertEqual(self.load("run/embeddings.npy").shape, (60, 8))
        told = self.succeed_json("train", "--data", "mnist:idx", *encoder, "--iterations", 20,
                                 "--out", "fit")
        self.assertLess(told["test_error"], 1.0)


class StorageTest(ScriptTest):
    def test_float16(self):
        self.colour_images()
        scripts.save_script(self.folder / "a.ts")
        self.embed("--encoder", "a.ts", *NATIVE, "--out", "single.npy")
        told = self.embed("--encoder", "a.ts", *NATIVE, "--dtype", "float16", "--out", "half.npy")
        half = self.load("half.npy")
        self.assertEqual((half.dtype, told["dtype"]), (np.float16, "float16"))
        np.testing.assert_array_equal(half, self.load("single.npy").astype(np.float16))
        self.assertEqual(self.read_json("half.json")["dtype"], "float16")
        self.succeed("score", "--embeddings", "half.npy", "--clusters", 3, "--out", "s.npy")

    def test_shards(self):
        self.colour_images()
        scripts.save_script(self.folder / "a.ts")
        self.embed("--encoder", "a.ts", *NATIVE, "--out", "whole.npy")
        told = self.embed("--encoder", "a.ts", *NATIVE, "--shard-rows", 32, "--out", "shards")
        names = [f"emb_{i:05}.npy" for i in range(3)]
        self.assertEqual([name for name, _ in self.listing("shards")], ["emb.json", *names])
        self.assertEqual([pathlib.Path(file).name for file in told["files"]], names)
        shards = [self.load(f"shards/{name}") for name in names]
        self.assertEqual([len(shard) for shard in shards], [32, 32, 6])
        np.testing.assert_array_equal(np.concatenate(shards), self.load("whole.npy"))
        sidecar = self.read_json("shards/emb.json")
        self.assertEqual((sidecar["n"], sidecar["shards"]), (70, names))
        self.succeed("score", "--embeddings", "shards", "--clusters", 3, "--out", "a-scores.npy")
        self.succeed("score", "--embeddings", "whole.npy", "--clusters", 3, "--out", "b-scores.npy")
        np.testing.assert_array_equal(self.load("a-scores.npy"), self.load("b-scores.npy"))
        # Fewer shards than before: the old ones go.
        self.embed("--encoder", "a.ts", *NATIVE, "--out", "shards/", "--force")
        self.assertEqual([name for name, _ in self.listing("shards")], ["emb.json", names[0]])
        np.testing.assert_array_equal(self.load(f"shards/{names[0]}"), self.load("whole.npy"))

    def test_float16_overflow_names_the_row(self):
        self.colour_images(n=12)
        torch = scripts.torch

        class Large(torch.nn.Module):
            def forward(self, x):
                return torch.full([x.size(0), 2], 70000.0)

        scripts.save_script(self.folder / "large.ts", Large())
        self.refuse("embed", "--data", "npy:images.npy", "--encoder", "large.ts", *NATIVE,
                    "--dtype", "float16", "--out", "e.npy",
                    mentions=["float16", "row 0", "70000", "--dtype float32"])


class BadScriptTest(ScriptTest):
    def refuse_script(self, file, *mentions, options=NATIVE, data="npy:images.npy", code=2):
        return self.refuse("embed", "--data", data, "--encoder", file, *options, "--out", "o.npy",
                           mentions=[file, *mentions], code=code)

    def test_unknown_operator(self):
        self.colour_images(n=9)
        torch = scripts.torch

        class Relu(torch.nn.Module):
            def forward(self, x):
                return torch.relu(x).mean([2, 3])

        scripts.save_script(self.folder / "a.ts", Relu())
        # Rewritten by zipfile alone, an archive is still one: what fails is the operator.
        scripts.rewrite(self.folder / "a.ts", self.folder / "same.ts", lambda name, data: data)
        self.embed("--encoder", "same.ts", *NATIVE, "--out", "e.npy")
        changed = scripts.replace_in_code(self.folder / "a.ts", self.folder / "new.ts",
                                          b"torch.relu", b"torch.newer_relu")
        self.assertEqual(changed, 1)
        done = self.refuse_script("new.ts", "aten::newer_relu", "LibTorch 1.", "format version",
                                  "reads up to", ".npy", "docs/encoders.md")
        self.assertEqual(done.err.count("\n"), done.err.count("winnow: ") + done.err.count("  "))

    def test_operator_with_unknown_arguments(self):
        self.colour_images(n=9)
        torch = scripts.torch

        class Gelu(torch.nn.Module):
            def forward(self, x):
                return torch.relu(x).mean([2, 3])

        scripts.save_script(self.folder / "a.ts", Gelu())
        scripts.replace_in_code(self.folder / "a.ts", self.folder / "new.ts", b"torch.relu(",
                                b"torch.relu(None, ")
        self.refuse_script("new.ts", "aten::relu", "arguments", "reads up to")

    def test_newer_format(self):
        self.colour_images(n=9)
        scripts.save_script(self.folder / "a.ts")
        scripts.rewrite(self.folder / "a.ts", self.folder / "new.ts",
                        lambda name, data: b"99\n" if name.endswith("/version") else data)
        self.refuse_script("new.ts", "format version 99", "reads up to", "docs/encoders.md")

    def test_files_without_code(self):
        self.colour_images(n=9)
        torch = scripts.torch
        model = scripts.network()
        torch.save(model.state_dict(), self.folder / "weights.pt")
        self.refuse_script("weights.pt", "torch.save", "torch.jit.script(model.eval()).save")
        torch.save(model, self.folder / "model.pt")
        self.refuse_script("model.pt", "torch.save", "torch.jit.trace")
        torch.save(model.state_dict(), self.folder / "old.pt",
                   _use_new_zipfile_serialization=False)
        self.refuse_script("old.pt", "pickle", "torch.jit.script")
        (self.folder / "text.ts").write_text("an encoder")
        self.refuse_script("text.ts", "no TorchScript archive")
        self.refuse_script("none.ts", "no such file")

    def test_damaged_archives(self):
        self.colour_images(n=9)
        scripts.save_script(self.folder / "a.ts")
        whole = (self.folder / "a.ts").read_bytes()
        for size in (0, 10, len(whole) // 2, len(whole) - 30):
            with self.subTest(size=size):
                (self.folder / "b.ts").write_bytes(whole[:size])
                self.refuse_script("b.ts", "archive")
        scripts.replace_in_code(self.folder / "a.ts", self.folder / "b.ts", b"def forward(",
                                b"def forward((")
        self.refuse_script("b.ts", "damaged or foreign", "expected")

    def test_images_of_another_size_or_depth(self):
        self.colour_images(n=9, side=6)
        scripts.save_script(self.folder / "a.ts")
        self.refuse_script("a.ts", "[8, 3, 6, 6]", "Kernel size", "--image-size",
                           options=("--image-size", 6, "--resize-size", 6))
        scripts.save_script(self.folder / "grey.ts", scripts.network(channels=1))
        self.colour_images(n=9)
        self.refuse_script("grey.ts", "[8, 3, 32, 32]", "1 channel", "grey images")
        self.save("deep.npy", np.zeros((4, 32, 32, 4), np.uint8))
        self.save("rows.npy", np.ones((4, 5), np.float32))
        self.refuse_script("a.ts", "needs images", "--encoder pixels", data="npy:rows.npy",
                           options=())

    def test_what_comes_out(self):
        self.colour_images(n=20)
        torch = scripts.torch

        class Map(torch.nn.Module):
            def forward(self, x):
                return x

        class Log(torch.nn.Module):
            def forward(self, x):
                rows = x.mean([2, 3])
                return torch.where(rows == rows.max(), rows / 0.0 - rows / 0.0, rows)

        class Dropout(torch.nn.Module):
            def forward(self, x):
                return torch.dropout(x.mean([2, 3]), 0.5, True)

        for name, model, mentions in (
                ("map.ts", Map(), ["[8, 3, 32, 32]", "pool and flatten"]),
                ("log.ts", Log(), ["images.npy", "nan", "row ", "column "]),
                ("dropout.ts", Dropout(), ["other numbers for the same images", "model.eval()"])):
            scripts.save_script(self.folder / name, model)
            with self.subTest(name=name):
                self.refuse_script(name, *mentions)

    def test_a_nan_late_in_the_dataset_names_its_row_and_keeps_what_is_done(self):
        images = self.colour_images(n=1100, side=8)
        images[1050] = 255
        self.save("images.npy", images)
        torch = scripts.torch

        class Bright(torch.nn.Module):
            def forward(self, x):
                rows = x.mean([2, 3])
                return torch.log(2.6 - rows)  # white is above 2.6 in blue alone

        scripts.save_script(self.folder / "bright.ts", Bright())
        side = ("--image-size", 8, "--resize-size", 8)
        done = self.run_winnow("embed", "--data", "npy:images.npy", "--encoder", "bright.ts", *side,
                               "--out", "o.npy")
        self.assertEqual(done.code, 2, done.err)
        for text in ("images.npy", "row 1050", "nan", "column 2", ".o.npy.parts", "--resume"):
            self.assertIn(text, done.err)
        self.assertFalse((self.folder / "o.npy").exists())
        self.refuse("embed", "--data", "npy:images.npy", "--encoder", "bright.ts", *side, "--out",
                    "o.npy", mentions=[".o.npy.parts", "--resume"])
        images[1050] = 0
        self.save("images.npy", images)
        told = self.embed("--encoder", "bright.ts", *side, "--out", "o.npy", "--resume")
        self.assertEqual(told["rows_taken_over"], 0, "the file's content is another one")

    def test_options(self):
        self.colour_images(n=9)
        scripts.save_script(self.folder / "a.ts")
        for option, value, mentions in (
                ("--mean", "1,2", ["mean = '1,2'", "0.485,0.456,0.406"]),
                ("--std", "1,0,1", ["std = 1,0,1", "above 0"]),
                ("--batch-size", 0, ["batch-size = 0"]),
                ("--shard-rows", -1, ["shard-rows = -1"]),
                ("--shard-rows", 5, ["shard-rows = 5", "o.npy is one file"]),
                ("--device", "gpu", ["'gpu'", "cuda"]),
                ("--dtype", "int8", ["'int8'", "float16"])):
            with self.subTest(option=option, value=value):
                self.refuse("embed", "--data", "npy:images.npy", "--encoder", "a.ts", option, value,
                            "--out", "o.npy", mentions=mentions)
        self.refuse("embed", "--data", "npy:images.npy", "--encoder", "a.ts", "--out", "o.bin",
                    mentions=["o.bin", ".npy", "folder"])
        if not scripts.torch.cuda.is_available():
            self.refuse("embed", "--data", "npy:images.npy", "--encoder", "a.ts", "--device",
                        "cuda", "--out", "o.npy", mentions=["device = cuda", "--device cpu"])


class WithoutPluginTest(WinnowTest):
    def test_says_how_to_get_it(self):
        (self.folder / "a.ts").write_bytes(b"PK")
        images, _ = fixtures.shapes(9, side=32)
        self.save("images.npy", images)
        self.refuse("embed", "--data", "npy:images.npy", "--encoder", "a.ts", "--out", "o.npy",
                    env={"WINNOW_PLUGIN_DIR": "/nowhere"},
                    mentions=["TorchScript", "libtorch-dev", "/nowhere", ".npy"])


if __name__ == "__main__":
    unittest.main()
