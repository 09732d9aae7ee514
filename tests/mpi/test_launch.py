"""Many ranks, by mpirun: what they tell each other, who speaks, how they end."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "cli"))

from helpers import Done, WinnowTest  # noqa: E402 pylint: disable=wrong-import-position

BUILD = pathlib.Path(os.environ["WINNOW"]).parent
PLUGIN = BUILD / "libwinnow_mpi.so"
# More ranks than cores; and containers have no other user.
OPEN_MPI = {"OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
            "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

ENVIRONMENT = {**os.environ, **OPEN_MPI}
ENVIRONMENT.pop("OMP_NUM_THREADS", None)
IS_NAN = "emb.npy: row 3 column 1 is NaN"


def own_lines(err):
    """What winnow wrote to stderr, without mpirun's remarks."""
    return [line for line in err.splitlines() if line.startswith("winnow:")]


@unittest.skipUnless(shutil.which("mpirun") and PLUGIN.exists(), "needs mpirun and the plug-in")
class LaunchTest(WinnowTest):

    def setUp(self):
        super().setUp()
        (self.folder / "no-plugin").mkdir()

    def launch(self, ranks, *command, env=None, prefix=()):
        """Runs a command by mpirun; any exit code is fine."""
        done = subprocess.run(
            [*prefix, "mpirun", "-n", str(ranks), *map(str, command)], cwd=self.folder,
            env={**ENVIRONMENT, **(env or {})},
            capture_output=True, text=True, check=False, timeout=self.timeout_seconds)
        return Done(done.returncode, done.stdout, done.stderr)

    def winnow(self, ranks, *arguments, **how):
        return self.launch(ranks, os.environ["WINNOW"], *arguments, **how)

    def refuse_launch(self, ranks, *arguments, says, code=2, **how):
        """Launches winnow, which must say `says`, once, and end with `code`."""
        before = self.listing()
        done = self.winnow(ranks, *arguments, **how)
        self.assertEqual((done.code, done.out), (code, ""), done.err)
        self.assertEqual(len(own_lines(done.err)), 1, done.err)
        self.assertIn(says, done.err)
        self.assertEqual(self.listing(), before)


class CollectivesTest(LaunchTest):

    def test_contract(self):
        for ranks in (1, 2, 3, 4):
            with self.subTest(ranks=ranks):
                done = self.launch(ranks, BUILD / "test_mpi")
                self.assertEqual(done.code, 0, done.out + done.err)
                self.assertEqual(done.out.count("[  PASSED  ]"), ranks, done.out)


class ProgramTest(LaunchTest):

    def setUp(self):
        super().setUp()
        self.save("a.npy", np.arange(6.0))

    def test_the_first_rank_prints(self):
        alone = self.succeed_json("info", "a.npy")
        for ranks in (2, 3):
            done = self.winnow(ranks, "info", "a.npy", "--json")
            self.assertEqual(done.code, 0, done.err)
            self.assertEqual(json.loads(done.out), alone)
            self.assertEqual(done.err.count(f"{ranks} ranks (mpirun of Open MPI)"), 1, done.err)

    def test_quiet(self):
        done = self.winnow(2, "info", "a.npy", "--quiet")
        self.assertEqual((done.code, done.err), (0, ""))

    def test_help_and_version_once(self):
        self.assertEqual(self.winnow(3, "--version").out.count("winnow "), 1)
        done = self.winnow(2, "--help")
        self.assertEqual((done.code, done.out.count("Start with:")), (0, 1), done.err)

    def test_what_all_ranks_refuse_is_said_once(self):
        self.refuse_launch(3, "info", "missing.npy", says="winnow: missing.npy: no such file")
        self.refuse_launch(2, "inform", says="winnow: command = 'inform' is not known")
        self.refuse_launch(2, "info", "a.npy", "--threads", "0", says="winnow: threads = 0")

    def test_commands_for_one_process_refuse_several(self):
        self.refuse_launch(2, "select", "--scores", "a.npy", "--keep", 0.5, "--out", "kept",
                           says="winnow: select works in one process, but mpirun of Open MPI")
        self.refuse_launch(3, "theory", "solve", "--alpha-tot", 10,
                           says="winnow: theory solve works in one process")

    def test_one_process_by_mpirun_is_no_launch(self):
        done = self.winnow(1, "select", "--scores", "a.npy", "--keep", 0.5, "--out", "kept",
                           env={"WINNOW_PLUGIN_DIR": "no-plugin"})
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue((self.folder / "kept/keep.npy").exists())

    def test_alone_by_wish(self):
        done = self.winnow(2, "theory", "solve", "--alpha-tot", 10, env={"WINNOW_ALONE": "1"})
        self.assertEqual((done.code, done.out.count("epsilon")), (0, 2), done.err)

    def test_without_the_plugin_no_rank_works(self):
        self.refuse_launch(3, "info", "a.npy", env={"WINNOW_PLUGIN_DIR": "no-plugin"},
                           says="the 3 processes that mpirun of Open MPI started need MPI")

    def test_a_launcher_that_mpi_does_not_know(self):
        for env, says in (({"PMI_SIZE": "4", "PMI_RANK": "0"}, "a launcher with PMI"),
                          ({"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "0"}, "srun of Slurm")):
            self.refuse("info", "a.npy", env={**OPEN_MPI, **env},
                        mentions=[f"winnow: {says} started 4 processes, but Open MPI", "counts 1"])

    def test_threads(self):
        cores = len(os.sched_getaffinity(0))
        one_core = ("taskset", "-c", str(min(os.sched_getaffinity(0))))
        for threads, how in ((max(1, cores // 2), {}), (1, {"prefix": one_core}),
                             (3, {"env": {"OMP_NUM_THREADS": "3"}})):
            done = self.winnow(2, "info", "a.npy", **how)
            self.assertIn(f"2 on this machine; threads of each: {threads}\n", done.err)
        done = self.winnow(2, "info", "a.npy", "--threads", 5)
        self.assertIn("threads of each: 5\n", done.err)


class EndTest(LaunchTest):

    def end(self, ranks, scenario):
        return self.launch(ranks, BUILD / "mpi_worker", scenario, "file")

    def wrote(self):
        return (self.folder / "file").exists()

    def test_fine(self):
        done = self.end(3, "fine")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertTrue((self.folder / "file").read_text().startswith("3 ranks"))

    def test_all_fail(self):
        done = self.end(3, "all-fail")
        self.assertEqual((done.code, own_lines(done.err)), (2, ["winnow: emb.npy: no such file"]))

    def test_all_fail_differently(self):
        done = self.end(3, "all-fail-differently")
        self.assertEqual(done.code, 1)
        self.assertEqual(own_lines(done.err), ["winnow: rank 0: shard 0: disk full",
                                               "winnow: rank 2: shard 2: disk full"])

    def test_one_fails_while_others_end_well_or_wait(self):
        for scenario in ("some-fail", "one-throws"):
            done = self.end(3, scenario)
            self.assertEqual(done.code, 2, done.err)
            self.assertEqual(own_lines(done.err), ["winnow: rank 2: " + IS_NAN])
            self.assertEqual(self.wrote(), scenario == "some-fail")
            (self.folder / "file").unlink(missing_ok=True)

    def test_one_is_killed(self):
        done = self.end(3, "one-dies")
        self.assertNotEqual(done.code, 0)
        self.assertIn("signal 9", done.err)
        self.assertFalse(self.wrote())

    def test_interrupted(self):
        for scenario in ("until-interrupted", "others-wait"):
            process = subprocess.Popen(
                ["mpirun", "-n", "3", BUILD / "mpi_worker", scenario, "file"], cwd=self.folder,
                env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True)
            self.assertEqual(process.stderr.readline(), "working\n")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=self.timeout_seconds)
            self.assertNotEqual(process.returncode, 0)
            self.assertEqual(out.strip(), "")
            # What the first rank says, unless it waits for another.
            said = ["winnow: interrupted"] if scenario == "until-interrupted" else []
            self.assertEqual(own_lines(err), said, err)
            self.assertFalse(self.wrote())


if __name__ == "__main__":
    unittest.main()
