"""The command line itself: help, mistakes in it, --config, --json, --quiet, places not writable."""

import os
import subprocess
import unittest

import fixtures
from helpers import WinnowTest

COMMANDS = ("prune", "embed", "score", "cluster", "dedup", "select", "train", "report", "info")


class HelpTest(WinnowTest):
    def test_help_lists_every_command_and_the_exit_codes(self):
        for arguments in ((), ("--help",), ("-h",)):
            text = self.succeed(*arguments).out
            for command in COMMANDS:
                self.assertRegex(text, rf"(?m)^  {command} ")
            self.assertIn("130 interrupted", text)

    def test_help_of_every_command_has_examples_and_common_options(self):
        for command in COMMANDS:
            text = self.succeed(command, "--help").out
            self.assertIn("Example", text)
            self.assertIn(f"winnow {command}", text)
            for option in ("--seed", "--threads", "--json", "--quiet", "--config", "--isa"):
                self.assertIn(option, text)

    def test_help_lines_fit_a_hundred_columns(self):
        for command in COMMANDS:
            for line in self.succeed(command, "--help").out.splitlines():
                self.assertLessEqual(len(line), 100, line)

    def test_version(self):
        self.assertRegex(self.succeed("--version").out, r"\Awinnow \d+\.\d+\.\d+\n\Z")


class MistakeTest(WinnowTest):
    """Wrong words; nothing is read, so no files are needed."""

    def test_unknown_command(self):
        self.refuse("slect", mentions=["'slect'", "did you mean 'select'", "prune, embed, score, cluster"])
        self.refuse("xylophone", mentions=["'xylophone'", "prune, embed, score, cluster"])

    def test_unknown_option(self):
        self.refuse("select", "--kepe", 0.5, "--scores", "s.npy",
                    mentions=["'--kepe'", "did you mean '--keep'", "winnow select --help"])
        self.refuse("info", "a", "b", mentions=["'b'"])

    def test_option_before_the_command(self):
        self.refuse("--quiet", "select", mentions=["--quiet before the command"])
        self.refuse("--verison", mentions=["did you mean '--version'"])

    def test_missing_out(self):
        for command, arguments in (("score", ["--embeddings", "e.npy"]), ("train", []),
                                   ("select", ["--scores", "s.npy"]), ("prune", []),
                                   ("embed", ["--data", "fashion-mnist"]), ("report", ["run"])):
            with self.subTest(command):
                self.refuse(command, *arguments, mentions=["--out is missing", "path"])

    def test_missing_input(self):
        self.refuse("select", "--out", "o", mentions=["--scores"])
        self.refuse("embed", "--out", "o.npy", mentions=["--data"])
        self.refuse("info", mentions=["FILE"])
        self.refuse("score", "--out", "o.npy", mentions=["--embeddings"])
        self.refuse("score", "--metric", "random", "--out", "o.npy", mentions=["--embeddings"])
        self.refuse("prune", "--out", "o", mentions=["--data", "--embeddings"])
        self.refuse("prune", "--out", "o", "--data", "fashion-mnist", "--embeddings", "e.npy",
                    mentions=["either"])
        self.refuse("train", "--out", "o", mentions=["--data", "--embeddings"])

    def test_value_missing(self):
        self.refuse("select", "--scores", "s.npy", "--out", "o", "--keep", mentions=["--keep"])

    def test_seed(self):
        for seed in ("-1", "x", "1.5", "", str(2**64)):
            self.refuse("select", "--scores", "s.npy", "--out", "o", "--seed", seed,
                        mentions=["--seed", f"'{seed}'", "whole number"])

    def test_threads(self):
        for threads in (0, -2):
            self.refuse("select", "--scores", "s.npy", "--out", "o", "--threads", threads,
                        mentions=[f"threads = {threads}", "at least 1"])
        self.refuse("select", "--scores", "s.npy", "--out", "o", "--threads", "all",
                    mentions=["--threads", "all", "whole number"])

    def test_isa(self):
        self.refuse("select", "--scores", "s.npy", "--out", "o", "--isa", "avx",
                    mentions=["isa = 'avx'", "did you mean", "avx2, avx512"])


class OutputTest(WinnowTest):
    def setUp(self):
        super().setUp()
        rows, labels = fixtures.blobs()
        self.save("emb.npy", rows)
        self.save("y.npy", labels)
        self.score = ("score", "--embeddings", "emb.npy", "--clusters", 4, "--out")
        self.succeed(*self.score, "s.npy")
        self.select = ("select", "--scores", "s.npy", "--out")

    def test_output_that_exists_needs_force(self):
        self.refuse(*self.score, "s.npy", mentions=["s.npy exists", "--force"])
        self.succeed(*self.score, "s.npy", "--force")
        self.succeed(*self.select, "kept")
        self.refuse(*self.select, "kept", mentions=["kept exists", "--force"])
        self.succeed(*self.select, "kept", "--force")

    def test_sidecar_that_exists_needs_force(self):
        (self.folder / "mine.json").write_text("{}", encoding="utf-8")
        self.refuse(*self.score, "mine.npy", mentions=["mine.json exists", "--force"])

    def test_second_output_that_exists_needs_force(self):
        self.refuse(*self.score, "t.npy", "--centroids-out", "s.npy",
                    mentions=["s.npy exists", "--force"])

    def test_prune_that_exists_offers_resume(self):
        self.succeed(*self.select, "run")
        self.refuse("prune", "--embeddings", "emb.npy", "--out", "run",
                    mentions=["run exists", "--force", "--resume"])

    def test_empty_folder_may_be_written_into(self):
        (self.folder / "kept").mkdir()
        self.succeed(*self.select, "kept")

    def test_file_where_a_folder_belongs_and_the_other_way_round(self):
        for force in ((), ("--force",)):
            self.refuse(*self.select, "s.npy", *force, mentions=["s.npy", "a file"])
            (self.folder / "d").mkdir(exist_ok=True)
            self.refuse(*self.score, "d", *force, mentions=["d", "a folder"])

    def test_array_with_another_extension(self):
        self.refuse(*self.score, "scores.json", mentions=["scores.json", ".npy"])

    def test_missing_folders_are_made(self):
        self.succeed(*self.score, "a/b/s.npy")
        self.assertTrue((self.folder / "a/b/s.json").is_file())

    def test_place_that_cannot_be_written_is_a_failure_while_working(self):
        self.refuse(*self.score, "s.npy/below/t.npy", code=1, mentions=["s.npy"])
        self.refuse(*self.select, "/proc/winnow", code=1, mentions=["/proc/winnow"])
        self.refuse(*self.score, "/proc/s.npy", code=1, mentions=["/proc/s."])

    def test_full_stdout(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([os.environ["WINNOW"], "info", "s.npy"], cwd=self.folder,
                                  stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)

    def test_closed_pipe_kills_no_file(self):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            done = subprocess.run(
                [os.environ["WINNOW"], *map(str, self.select), "kept"], cwd=self.folder,
                stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(self.load("kept/keep.npy")), 60)


class ReportingTest(WinnowTest):
    def setUp(self):
        super().setUp()
        rows, labels = fixtures.blobs()
        self.save("emb.npy", rows)
        self.save("y.npy", labels)

    def test_json_is_one_object_and_nothing_else(self):
        score = self.succeed_json("score", "--embeddings", "emb.npy", "--labels", "y.npy",
                                  "--out", "s.npy")
        self.assertEqual(score["n"], 120)
        self.assertEqual(score["clusters"], 4)
        self.assertEqual(score["iterations"], 20)
        self.assertEqual(score["ranks"], 1)
        self.assertIsInstance(score["objective"], float)
        self.assertLessEqual({"read", "seed", "iterate", "score"}, set(score["seconds"]))
        select = self.succeed_json("select", "--scores", "s.npy", "--labels", "y.npy",
                                   "--out", "kept")
        self.assertEqual((select["n"], select["kept"]), (120, 60))
        self.assertEqual(self.succeed_json("info", "s.npy")["kind"], "scores")
        prune = self.succeed_json("prune", "--embeddings", "emb.npy", "--keep", 0.25,
                                  "--out", "run")
        self.assertEqual((prune["n"], prune["kept"]), (120, 30))
        self.assertEqual(self.succeed_json("report", "run", "--out", "r.html")["out"], "r.html")
        train = self.succeed_json("train", "--embeddings", "emb.npy", "--labels", "y.npy",
                                  "--test-embeddings", "emb.npy", "--test-labels", "y.npy",
                                  "--iterations", 20, "--out", "fit")
        self.assertEqual((train["model"], train["iterations"]), ("linear", 20))

    def test_quiet_leaves_only_results_and_warnings(self):
        loud = self.succeed("score", "--embeddings", "emb.npy", "--out", "a.npy")
        self.assertIn("k-means", loud.err)
        quiet = self.succeed("score", "--embeddings", "emb.npy", "--out", "b.npy", "--quiet")
        self.assertEqual(quiet.err, "")
        self.assertIn("b.npy: 120 scores", quiet.out)
        self.save("same.npy", self.load("emb.npy")[:1].repeat(9, axis=0))
        warned = self.succeed("score", "--embeddings", "same.npy", "--clusters", 3,
                              "--out", "c.npy", "--quiet")
        self.assertIn("warning: 2 of 3 clusters are empty", warned.err)

    def test_info_and_dry_run_print_on_stdout_only(self):
        self.succeed("score", "--embeddings", "emb.npy", "--out", "s.npy")
        self.assertEqual(self.succeed("info", "s.npy").err, "")
        self.assertIn("kept 60 of 120",
                      self.succeed("select", "--scores", "s.npy", "--dry-run", "--quiet").out)


class ConfigTest(WinnowTest):
    def setUp(self):
        super().setUp()
        self.save("s.npy", fixtures.np.arange(20.0))
        self.save("y.npy", fixtures.np.arange(20) % 2)

    def configure(self, *lines, name="c.toml"):
        (self.folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def test_values_flags_and_lists(self):
        self.configure('scores = "s.npy"', 'labels = "y.npy"', "keep = 0.25", "seed = 7",
                       'write = ["mask", "csv"]', "quiet = true", "force = false", 'out = "kept"')
        done = self.succeed("select", "--config", "c.toml", "--json")
        self.assertEqual(done.err, "")
        self.assertEqual(len(self.load("kept/keep.npy")), 5)
        self.assertEqual(self.load("kept/mask.npy").sum(), 5)
        self.assertTrue((self.folder / "kept/keep.csv").is_file())

    def test_table_of_the_command_and_of_others(self):
        self.configure('scores = "s.npy"', "[select]", "keep = 0.1", "[score]", "keep = 0.9",
                       "clusters = 3")
        self.assertEqual(self.succeed_json("select", "--config=c.toml", "--dry-run")["kept"], 2)

    def test_typed_options_win_wherever_they_stand(self):
        self.configure('scores = "s.npy"', "keep = 0.1")
        for arguments in (("--keep", 0.5, "--config", "c.toml"),
                          ("--config", "c.toml", "--keep", 0.5)):
            self.assertEqual(self.succeed_json("select", *arguments, "--dry-run")["kept"], 10)

    def test_mistakes_name_file_and_place(self):
        self.configure('scores = "s.npy"', "keep = = 3")
        self.refuse("select", "--config", "c.toml", "--dry-run", mentions=["c.toml", "line 2"])
        self.configure("kepe = 0.5")
        self.refuse("select", "--config", "c.toml", "--scores", "s.npy", "--dry-run",
                    mentions=["'kepe'", "c.toml", "line 1", "did you mean 'keep'"])
        self.configure("keep = 2.5")
        self.refuse("select", "--config", "c.toml", "--scores", "s.npy", "--dry-run",
                    mentions=["keep = 2.5", "(0, 1]"])
        self.configure("keep = 1979-05-27")
        self.refuse("select", "--config", "c.toml", "--scores", "s.npy", "--dry-run",
                    mentions=["c.toml", "line 1", "'keep'"])
        self.refuse("select", "--config", "none.toml", "--dry-run", mentions=["none.toml"])
        self.refuse("select", "--scores", "s.npy", "--dry-run", "--config", mentions=["--config"])


if __name__ == "__main__":
    unittest.main()
