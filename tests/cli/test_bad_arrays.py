"""Arrays and labels that cannot be used: exit code 2, a message with the place, nothing written."""

import unittest

import numpy as np

import fixtures
from helpers import WinnowTest

FINGERPRINT_A = "xxh3:000000000000000a"
FINGERPRINT_B = "xxh3:000000000000000b"


class BadArrayTest(WinnowTest):
    def setUp(self):
        super().setUp()
        self.rows, self.labels = fixtures.blobs(n=90, d=6, n_classes=3)
        self.save("emb.npy", self.rows)
        self.save("y.npy", self.labels)
        self.save("s.npy", np.linspace(0.0, 1.0, 90))

    def write(self, name, content):
        (self.folder / name).write_bytes(content)
        return name

    def refuse_everywhere(self, name, mentions):
        """A file that is no array at all is refused wherever an array is read."""
        for arguments in (["score", "--embeddings", name, "--out", "o.npy"],
                          ["score", "--embeddings", "emb.npy", "--labels", name, "--out", "o.npy"],
                          ["score", "--embeddings", "emb.npy", "--centroids-in", name,
                           "--out", "o.npy"],
                          ["select", "--scores", name, "--out", "o"],
                          ["select", "--scores", "s.npy", "--labels", name, "--out", "o"],
                          ["prune", "--embeddings", name, "--out", "o"],
                          ["embed", "--data", f"npy:{name}", "--out", "o.npy"],
                          ["info", name]):
            with self.subTest(arguments[0], file=name):
                self.refuse(*arguments, mentions=[name, *mentions])


class WrongFileTest(BadArrayTest):
    def test_missing(self):
        self.refuse_everywhere("none.npy", [])

    def test_empty(self):
        self.refuse_everywhere(self.write("empty.npy", b""), ["empty"])

    def test_truncated_data(self):
        content = fixtures.npy_bytes(self.rows)[:-7]
        self.refuse_everywhere(self.write("cut.npy", content),
                               [f"{90 * 6 * 4} bytes", f"{90 * 6 * 4 - 7}", "truncated"])

    def test_truncated_header(self):
        self.refuse_everywhere(self.write("head.npy", fixtures.npy_bytes(self.rows)[:50]),
                               ["truncated"])
        self.refuse_everywhere(self.write("magic.npy", fixtures.npy_bytes(self.rows)[:4]), [])

    def test_oversized(self):
        content = fixtures.npy_bytes(self.rows) + b"\0" * 3
        self.refuse_everywhere(self.write("long.npy", content),
                               [f"{90 * 6 * 4} bytes", f"{90 * 6 * 4 + 3}", "longer"])

    def test_wrong_magic(self):
        self.refuse_everywhere(self.write("text.npy", b"1.0, 2.0\n" * 20), ["not a .npy file"])
        self.refuse_everywhere(self.write("zip.npy", b"PK\3\4" + b"\0" * 200), [".npz"])

    def test_huge_header_claims(self):
        header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 16), }"
        header = header.ljust(117) + "\n"
        content = b"\x93NUMPY\1\0" + bytes([len(header), 0]) + header.encode()
        self.refuse_everywhere(self.write("huge.npy", content), [])

    def test_dtypes_that_are_no_real_numbers(self):
        for name, array in (("complex.npy", self.rows.astype(np.complex64)),
                            ("text.npy", np.array([["a", "b"]])),
                            ("record.npy", np.zeros(3, dtype=[("a", "f4"), ("b", "i4")])),
                            ("swapped.npy", self.rows.astype(">f4"))):
            self.refuse_everywhere(self.save(name, array), ["dtype", "expected"])

    def test_pickled_objects(self):
        np.save(self.folder / "object.npy", np.array([None, {}]), allow_pickle=True)
        self.refuse_everywhere("object.npy", [])

    def test_folder_instead_of_a_file(self):
        (self.folder / "d.npy").mkdir()
        self.refuse("select", "--scores", "d.npy", "--out", "o", mentions=["d.npy"])
        self.refuse("score", "--embeddings", "d.npy", "--out", "o.npy", mentions=["d.npy"])


class EmbeddingsTest(BadArrayTest):
    def refuse_rows(self, name, *mentions):
        for command in (["score", "--out", "o.npy"], ["prune", "--out", "o"]):
            self.refuse(*command, "--embeddings", name, mentions=[name, *mentions])

    def test_not_two_dimensional(self):
        self.refuse_rows(self.save("flat.npy", self.rows[:, 0]), "[90]", "two-dimensional")
        self.refuse_rows(self.save("cube.npy", self.rows[None]), "[1, 90, 6]", "two-dimensional")
        self.refuse_rows(self.save("scalar.npy", np.float32(1.0)), "two-dimensional")

    def test_no_rows_or_columns(self):
        self.refuse_rows(self.save("zero.npy", self.rows[:0]), "[0, 6]", "at least one row")
        self.refuse_rows(self.save("thin.npy", self.rows[:, :0]), "[90, 0]", "one column")

    def test_not_finite(self):
        for value, text in ((np.nan, "NaN"), (np.inf, "Inf"), (-np.inf, "-Inf")):
            for dtype in (np.float16, np.float32, np.float64):
                for order in "CF":
                    rows = np.array(self.rows, dtype=dtype, order=order)
                    rows[81, 3] = rows[81, 5] = rows[89, 0] = value
                    self.refuse_rows(self.save("bad.npy", rows), f"row 81 column 3 is {text}",
                                     "finite")

    def test_overflow_of_float32(self):
        rows = self.rows.astype(np.float64)
        rows[7, 5] = 1e300
        self.refuse_rows(self.save("big.npy", rows), "row 7 column 5", "float32")

    def test_row_without_direction(self):
        rows = self.rows.copy()
        rows[9] = 0.0
        self.refuse_rows(self.save("zero.npy", rows), "row 9", "norm 0", "--geometry euclidean")
        self.succeed("score", "--embeddings", "zero.npy", "--geometry", "euclidean",
                     "--out", "o.npy")

    def test_shards_that_differ(self):
        self.save("a.npy", self.rows)
        self.refuse("score", "--embeddings", "a.npy,none.npy", "--out", "o.npy",
                    mentions=["none.npy: no such file"])
        self.save("b.npy", self.rows[:, :5])
        self.refuse("score", "--embeddings", "a.npy,b.npy", "--out", "o.npy",
                    mentions=["b.npy", "[90, 5]", "a.npy", "[90, 6]"])
        self.save("c.npy", self.rows.astype(np.float64))
        self.refuse("score", "--embeddings", "a.npy,c.npy", "--out", "o.npy",
                    mentions=["c.npy", "float64", "a.npy", "float32"])
        rows = self.rows.copy()
        rows[3, 2] = np.nan
        self.save("d.npy", rows)
        self.refuse("score", "--embeddings", "a.npy,d.npy", "--out", "o.npy",
                    mentions=["d.npy: row 3 column 2 is NaN"])
        self.refuse("score", "--embeddings", "no*.npy", "--out", "o.npy", mentions=["no*.npy"])
        (self.folder / "none").mkdir()
        self.refuse("score", "--embeddings", "none", "--out", "o.npy", mentions=["none", ".npy"])

    def test_centroids_of_another_width_or_number(self):
        self.save("c.npy", self.rows[:4, :5])
        self.refuse("score", "--embeddings", "emb.npy", "--centroids-in", "c.npy",
                    "--out", "o.npy", mentions=["emb.npy", "[4, 5]", "6 columns"])
        self.save("c.npy", self.rows[:4])
        self.refuse("score", "--embeddings", "emb.npy", "--centroids-in", "c.npy", "--clusters", 5,
                    "--out", "o.npy", mentions=["clusters = 5", "c.npy", "4"])


class LabelsTest(BadArrayTest):
    def refuse_labels(self, name, *mentions):
        self.refuse("score", "--embeddings", "emb.npy", "--labels", name, "--out", "o.npy",
                    mentions=[name, *mentions])
        self.refuse("select", "--scores", "s.npy", "--labels", name, "--out", "o",
                    mentions=[name, *mentions])
        self.refuse("prune", "--embeddings", "emb.npy", "--labels", name, "--out", "o",
                    mentions=[name, *mentions])

    def csv(self, text, name="y.csv"):
        return self.write(name, text.encode())

    def test_out_of_range(self):
        for value in (-1, 1_000_000, 2**40):
            labels = self.labels.copy()
            labels[5] = labels[8] = value
            self.refuse_labels(self.save("bad.npy", labels), f"row 5: label is {value}", "[0, ")

    def test_not_integers(self):
        self.refuse_labels(self.save("bad.npy", self.labels.astype(float)), "float64", "integers")

    def test_not_one_dimensional(self):
        self.refuse_labels(self.save("bad.npy", self.labels[:, None]), "[90, 1]",
                           "one-dimensional")

    def test_another_length(self):
        self.refuse_labels(self.save("bad.npy", self.labels[:50]), "90 rows", "50")
        self.refuse_labels(self.save("bad.npy", self.labels[:0]), "no labels")
        self.refuse_labels(self.csv("label\n1\n2\n"), "90 rows", "2")

    def test_csv(self):
        self.refuse_labels(self.csv("label\n1\n-2\n"), "line 3", "row 1", "'-2'")
        self.refuse_labels(self.csv("label\n1\n1.5\n"), "line 3", "'1.5'")
        self.refuse_labels(self.csv("label\n1\nant\n"), "line 3", "'ant'")
        self.refuse_labels(self.csv("label\n1\n\n2\n"), "line 3")
        self.refuse_labels(self.csv("a,b\n1,2\n"), "2 columns", "'label'")
        self.refuse_labels(self.csv("a,label\n1,2\n3\n"), "line 3", "1 fields")
        self.refuse_labels(self.csv('label\n"ant\n'), "line 2")
        self.refuse_labels(self.csv(""), "empty")
        self.refuse_labels(self.csv("label\n"), "no labels")
        self.refuse_labels(self.csv("1\n", "y.txt"), ".npy, .csv")

    def test_missing_where_the_metric_needs_them(self):
        self.refuse("score", "--metric", "supervised-prototypes", "--embeddings", "emb.npy",
                    "--out", "o.npy", mentions=["supervised-prototypes", "--labels"])


class ScoresTest(BadArrayTest):
    def refuse_scores(self, name, *mentions):
        self.refuse("select", "--scores", name, "--out", "o", mentions=[name, *mentions])

    def test_not_one_dimensional(self):
        self.refuse_scores("emb.npy", "[90, 6]", "one-dimensional")

    def test_not_finite(self):
        for value, text in ((np.nan, "NaN"), (np.inf, "Inf"), (-np.inf, "-Inf")):
            scores = np.linspace(0.0, 1.0, 90)
            scores[41] = scores[60] = value
            self.refuse_scores(self.save("bad.npy", scores), f"row 41 is {text}", "finite")

    def test_none(self):
        self.refuse_scores(self.save("none.npy", np.zeros(0)), "no scores")


class SidecarTest(BadArrayTest):
    def test_two_datasets(self):
        fixtures.with_sidecar(self.folder / "ea.npy", self.rows, n=90, fingerprint=FINGERPRINT_A)
        fixtures.with_sidecar(self.folder / "yb.npy", self.labels, fingerprint=FINGERPRINT_B)
        fixtures.with_sidecar(self.folder / "sa.npy", np.zeros(90), n=90, metric="random",
                              fingerprint=FINGERPRINT_A)
        both = [FINGERPRINT_A, FINGERPRINT_B, "two different datasets"]
        self.refuse("score", "--embeddings", "ea.npy", "--labels", "yb.npy", "--out", "o.npy",
                    mentions=["ea.npy", "yb.npy", *both])
        self.refuse("select", "--scores", "sa.npy", "--labels", "yb.npy", "--out", "o",
                    mentions=["sa.npy", "yb.npy", *both])
        self.refuse("prune", "--embeddings", "ea.npy", "--labels", "yb.npy", "--out", "o",
                    mentions=["ea.npy", "yb.npy", *both])

    def test_train_on_two_datasets(self):
        fixtures.with_sidecar(self.folder / "ea.npy", self.rows, n=90, fingerprint=FINGERPRINT_A)
        fixtures.with_sidecar(self.folder / "kb.npy", np.arange(10), n=90,
                              fingerprint=FINGERPRINT_B)
        fixtures.with_sidecar(self.folder / "kn.npy", np.arange(10), n=80, fingerprint="unknown")
        train = ["train", "--embeddings", "ea.npy", "--labels", "y.npy", "--test-embeddings",
                 "emb.npy", "--test-labels", "y.npy", "--out", "o"]
        self.refuse(*train, "--subset", "kb.npy",
                    mentions=["kb.npy", FINGERPRINT_A, FINGERPRINT_B])
        self.refuse(*train, "--subset", "kn.npy", mentions=["kn.npy", "80", "90"])

    def test_array_and_sidecar_of_different_lengths(self):
        fixtures.with_sidecar(self.folder / "sa.npy", np.zeros(90), n=91)
        self.refuse("select", "--scores", "sa.npy", "--out", "o",
                    mentions=["sa.npy", "90 rows", "sa.json", "91"])

    def test_scores_the_other_way_round(self):
        fixtures.with_sidecar(self.folder / "sa.npy", np.zeros(90), direction="larger is easier")
        self.refuse("select", "--scores", "sa.npy", "--out", "o",
                    mentions=["sa.json", "larger is easier", "negate"])

    def test_broken_sidecars(self):
        self.save("sa.npy", np.zeros(90))
        for text, mention in (('{"n": 90', "byte 8"), ("[90]", "object"), ('{"n": -1}', "-1"),
                              ('{"fingerprint": "md5:1"}', "md5:1"), ('{"metric": 3}', "metric")):
            self.write("sa.json", text.encode())
            self.refuse("select", "--scores", "sa.npy", "--out", "o", mentions=["sa.json", mention])


class OptionRangeTest(BadArrayTest):
    def refuse_select(self, *arguments, mentions):
        self.refuse("select", "--scores", "s.npy", "--out", "o", *arguments, mentions=mentions)
        self.refuse("prune", "--embeddings", "emb.npy", "--out", "o", *arguments,
                    mentions=mentions)

    def refuse_score(self, *arguments, mentions):
        self.refuse("score", "--embeddings", "emb.npy", "--out", "o.npy", *arguments,
                    mentions=mentions)
        self.refuse("prune", "--embeddings", "emb.npy", "--out", "o", *arguments,
                    mentions=mentions)

    def test_keep(self):
        for keep in ("0", "-0.1", "1.1", "nan", "inf"):
            self.refuse_select("--keep", keep, mentions=[f"keep = {keep}", "(0, 1]"])
        self.refuse_select("--keep", "half", mentions=["--keep = half", "expected a number"])

    def test_keep_count(self):
        for count in (0, -4):
            self.refuse_select("--keep-count", count, mentions=[f"keep-count = {count}", "[1, "])
        self.refuse_select("--keep-count", 91, mentions=["keep-count = 91", "[1, 90]"])
        self.refuse_select("--keep-count", "1.5",
                           mentions=["--keep-count = 1.5", "expected a whole number"])

    def test_keep_and_keep_count(self):
        self.refuse_select("--keep", 0.5, "--keep-count", 4, mentions=["--keep", "--keep-count"])

    def test_policy_and_balance(self):
        self.refuse_select("--policy", "hrad", mentions=["'hrad'", "did you mean 'hard'",
                                                         "hard, easy, random"])
        self.refuse_select("--policy", "zzz", mentions=["'zzz'", "hard, easy, random"])
        for balance in ("-0.5", "1.5", "nan"):
            self.refuse_select("--class-balance", balance,
                               mentions=[f"class-balance = {balance}", "[0, 1]"])
        self.refuse_select("--balance-by", "counts", mentions=["did you mean 'count'"])

    def test_formats(self):
        self.refuse_select("--write", "mask,cvs", mentions=["'cvs'", "keys, csv, mask"])
        self.refuse_select("--write", "keys", mentions=["keys", "--data"])
        self.refuse("select", "--scores", "s.npy", "--out", "o", "--files", "copy",
                    mentions=["files = copy", "--data"])
        self.refuse("select", "--scores", "s.npy", "--out", "o", "--files", "cpoy",
                    mentions=["did you mean 'copy'"])

    def test_clusters(self):
        for clusters in (0, -3):
            self.refuse_score("--clusters", clusters, mentions=[f"clusters = {clusters}"])
        self.refuse_score("--clusters", 91, mentions=["clusters = 91", "90"])
        self.refuse_score("--clusters", "2.5", mentions=["--clusters = 2.5", "a whole number"])

    def test_other_numbers(self):
        self.refuse_score("--iterations", -1, mentions=["iterations = -1"])
        self.refuse_score("--iterations", 10**20, mentions=["--iterations", "out of range"])
        self.refuse_score("--tolerance", 1, mentions=["tolerance = 1", "[0, 1)"])

    def test_metric_and_geometry(self):
        self.refuse_score("--metric", "self-prototype",
                          mentions=["'self-prototype'", "did you mean 'self-prototypes'"])
        self.refuse_score("--metric", "zzz", mentions=["'zzz'", "supervised-prototypes, random"])
        self.refuse_score("--geometry", "flat", mentions=["'flat'", "spherical, euclidean"])

    def test_centroids_where_the_metric_has_none(self):
        for option in ("--centroids-in", "--centroids-out"):
            self.refuse("score", "--embeddings", "emb.npy", "--metric", "random", option, "c.npy",
                        "--out", "o.npy", mentions=[option[2:], "random", "self-prototypes"])

    def test_evaluation(self):
        prune = ["prune", "--embeddings", "emb.npy", "--out", "o"]
        self.refuse(*prune, "--evaluate", mentions=["--evaluate", "--data"])
        self.refuse(*prune, "--evaluate-models", "linaer",
                    mentions=["'linaer'", "did you mean 'linear'"])
        self.refuse(*prune, "--evaluate-keep", "0.5,x", mentions=["evaluate-keep", "'x'"])
        self.refuse(*prune, "--evaluate-keep", "0.5,0", mentions=["evaluate-keep = 0", "(0, 1]"])
        self.refuse(*prune, "--evaluate-seeds", 0, mentions=["evaluate-seeds = 0"])


if __name__ == "__main__":
    unittest.main()
