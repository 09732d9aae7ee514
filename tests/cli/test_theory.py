"""`winnow theory`: every command's answer against known values, forms of output, bad input."""

import csv
import io
import json
import unittest

from helpers import WinnowTest


class TheoryTest(WinnowTest):
    def theory(self, *arguments):
        return self.succeed_json("theory", *arguments)


class Solve(TheoryTest):
    def test_known_values(self):
        point = self.theory("solve", "--policy", "hard", "--margin", "absolute", "--alpha-tot", "10",
                       "--keep", "0.3", "--probe-angle", "20")
        # From the reference table.
        self.assertAlmostEqual(point["epsilon"], 0.143034716686581, 12)
        self.assertAlmostEqual(point["alpha_prune"], 3.0, 12)
        self.assertTrue(point["converged"])
        self.assertLess(point["error_bound"]["epsilon"], 1e-12)
        for key in ("R", "rho", "kappa", "identity_error", "residual"):
            self.assertIsInstance(point[key], float)

    def test_counts_stand_for_alpha(self):
        by_alpha = self.theory("solve", "--alpha-tot", "2.5", "--keep", "0.5")
        by_count = self.theory("solve", "--parameters", "1000", "--examples", "2500", "--keep", "0.5")
        self.assertEqual(by_alpha["epsilon"], by_count["epsilon"])

    def test_bands(self):
        point = self.theory("solve", "--bands", "0.3:0.9", "--alpha-tot", "10")
        self.assertAlmostEqual(point["epsilon"], 0.04959, 5)
        whole = self.theory("solve", "--bands", "0:inf:0.5", "--alpha-tot", "10")
        random = self.theory("solve", "--policy", "random", "--keep", "0.5", "--alpha-tot", "10")
        self.assertAlmostEqual(whole["epsilon"], random["epsilon"], 12)

    def test_the_printed_lines_say_what_they_are(self):
        result = self.run_winnow("theory", "solve", "--alpha-tot", "10", "--keep", "0.3")
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("test error", result.out)
        self.assertIn("0.0511", result.out)

    def test_bad_input(self):
        good = {"--alpha-tot": "10", "--keep": "0.3", "--probe-angle": "10"}
        for flag, value, expected in (
            ("--keep", "0", "keep = 0; expected a value in (0, 1]"),
            ("--keep", "1.5", "keep = 1.5; expected a value in (0, 1]"),
            ("--keep", "nan", "keep = nan"),
            ("--keep", "x", "expected a number"),
            ("--keep", "0.1,0.2", "2 values; expected one"),
            ("--probe-angle", "-1", "probe-angle = -1; expected a value in [0, 90]"),
            ("--probe-angle", "91", "probe-angle = 91"),
            ("--probe-angle", "nan", "probe-angle = nan"),
            ("--alpha-tot", "0", "alpha-tot = 0"),
            ("--alpha-tot", "-3", "alpha-tot = -3"),
            ("--alpha-tot", "nan", "alpha-tot = nan"),
            ("--alpha-tot", "1e12", "alpha-prune"),
            ("--alpha-tot", "5:1:3", "LOW is not below HIGH"),
            ("--alpha-prune", "2", "several of --alpha-tot, --alpha-prune"),
            ("--parameters", "5", "several"),
            ("--policy", "hrad", "did you mean 'hard'"),
            ("--bands", "0.3:0.1", "excludes"),
        ):
            arguments = [word for item in {**good, flag: value}.items() for word in item]
            result = self.run_winnow("theory", "solve", *arguments)
            self.assertEqual(result.code, 2, (flag, value, result.out))
            self.assertIn(expected, result.err)
        for bands, expected in (("0.3:0.1", "low < high"), ("0.1:0.5,0.4:0.6", "ascending"),
                                ("-1:1", "begins at 0"), ("0:1:2", "weight in (0, 1]"),
                                ("0:1:a", "no number"), ("0.5", "a band has 1 values")):
            result = self.run_winnow("theory", "solve", "--alpha-tot", "2", f"--bands={bands}")
            self.assertEqual(result.code, 2)
            self.assertIn(expected, result.err)
        self.assertIn("none of --alpha-tot", self.run_winnow("theory", "solve").err)
        result = self.run_winnow("theory", "solve", "--parameters", "5")
        self.assertIn("expected both", result.err)


class Tables(TheoryTest):
    def test_forms_hold_the_same_numbers(self):
        arguments = ("curve", "--alpha-tot", "0.5:50:4", "--keep", "0.5,1", "--probe-angle", "10")
        out = self.folder / "run"
        rows = self.theory(*arguments, "--out", str(out))["points"]
        self.assertEqual(len(rows), 8)
        written = (out / "curve.csv").read_text()
        printed = self.run_winnow("theory", *arguments, "--csv").out
        self.assertEqual(written, printed)
        for row, cells in zip(rows, csv.DictReader(io.StringIO(written))):
            self.assertEqual(float(cells["epsilon"]), row["epsilon"])
            self.assertEqual(cells["policy"], "hard")
        head = json.loads((out / "run.json").read_text())
        self.assertEqual(head["kind"], "theory")
        self.assertEqual(head["files"], ["curve.csv"])
        again = self.run_winnow("theory", *arguments, "--out", str(out))
        self.assertEqual(again.code, 2)
        self.assertEqual(self.run_winnow("theory", *arguments, "--out", str(out), "--force").code, 0)
        both = self.run_winnow("theory", *arguments, "--csv", "--json")
        self.assertEqual(both.code, 2)

    def test_threads_change_nothing(self):
        arguments = ("phase", "--probe-angle", "15", "--alpha-tot", "1:30:5", "--csv", "--threads")
        self.assertEqual(self.run_winnow("theory", *arguments, "1").out, self.run_winnow("theory", *arguments, "2").out)

    def test_curves_fall(self):
        rows = self.theory("curve", "--alpha-tot", "1:100:10", "--keep", "0.3")["points"]
        errors = [row["epsilon"] for row in rows]
        self.assertEqual(errors, sorted(errors, reverse=True))

    def test_frontier(self):
        result = self.theory("frontier", "--alpha-prune", "1,3")
        self.assertAlmostEqual(result["points"][0]["keep"], 0.950, 2)
        self.assertTrue(result["points"][0]["interior"])
        self.assertFalse(result["points"][1]["interior"])
        self.assertAlmostEqual(result["points"][1]["scaling"], 0.529, 3)
        limited = self.theory("frontier", "--alpha-prune", "3", "--max-alpha-tot", "30")
        self.assertAlmostEqual(limited["points"][0]["keep"], 0.1, 12)
        wrong = self.run_winnow("theory", "frontier", "--alpha-tot", "3")
        self.assertIn("expected --alpha-prune", wrong.err)

    def test_fmin(self):
        point = self.theory("fmin", "--alpha-prune", "4", "--probe-angle", "10")["points"][0]
        self.assertLess(point["smallest_keep"], point["best_keep"])
        self.assertAlmostEqual(point["smallest_epsilon"] / point["best_epsilon"], 2.0, 6)

    def test_phase(self):
        result = self.theory("phase", "--alpha-tot", "1,50", "--keep", "0.5")
        self.assertEqual([row["best"] for row in result["points"]], ["easy", "hard"])
        self.assertAlmostEqual(float(result["transitions"][0]["hard_over_easy"]), 5.0481, 3)

    def test_explain(self):
        result = self.run_winnow("theory", "explain", "--alpha-tot", "20", "--probe-angle", "15")
        self.assertEqual(result.code, 0, result.err)
        for words in ("Keep the hardest 50 %", "A probe of 7.5 degrees", "2.49 %"):
            self.assertIn(words, result.out)
        blind = self.run_winnow("theory", "explain", "--alpha-tot", "1000", "--probe-angle", "90").out
        self.assertIn("every example helps", blind)
        scarce = self.run_winnow("theory", "explain", "--alpha-tot", "1").out
        self.assertIn("Keep the easiest 30 %", scarce)
        self.assertIn("The least error, 24.9 %, takes the easiest 60 %", scarce)


class Information(TheoryTest):
    def test_unpruned_data(self):
        point = self.theory("info", "--alpha-prune", "2")["points"][0]
        self.assertAlmostEqual(point["q"], point["R"], 9)
        self.assertAlmostEqual(point["information"], 0.372, 2)
        self.assertAlmostEqual(point["closure_information"], point["information"], 9)

    def test_pruned_data_and_the_paper_s_closure(self):
        point = self.theory("info", "--alpha-prune", "1", "--keep", "0.2")["points"][0]
        self.assertAlmostEqual(point["information"], 1.061, 3)
        self.assertAlmostEqual(point["closure_information_at_R"], 0.729, 2)
        self.assertAlmostEqual(point["q"], 0.581, 3)

    def test_bad_input(self):
        self.assertIn("keep = 0", self.run_winnow("theory", "info", "--alpha-prune", "1", "--keep",
                                                  "0").err)


class Asymptotics(TheoryTest):
    def test_constants_and_amplitudes(self):
        result = self.theory("asymptotics", "--keep", "0.5", "--alpha-prune", "3")
        values = {row["constant"]: row["value"] for row in result["points"]}
        self.assertAlmostEqual(values["max_margin_error"], 0.500488931777, 12)
        self.assertAlmostEqual(values["gibbs_error"], 0.624658192, 9)
        self.assertAlmostEqual(values["bayes_error"], 0.441700044, 9)
        self.assertAlmostEqual(result["amplitudes"][0]["epsilon_alpha_tot"], 0.500488931777, 12)
        self.assertAlmostEqual(result["scaling"][0]["epsilon_alpha_tot"], 0.529, 3)
        # One-sided: no 1 / alpha decay.
        slow = self.theory("asymptotics", "--margin", "signed", "--keep", "0.05", "--probe-angle",
                           "40")
        self.assertIsNone(slow["amplitudes"][0]["epsilon_alpha_prune"])


class Simulate(TheoryTest):
    arguments = ("simulate", "--parameters", "100", "--alpha-tot", "5", "--keep", "0.4",
                 "--repetitions", "20")

    def test_meets_the_theory(self):
        result = self.theory(*self.arguments)
        estimate = result["epsilon"]
        pull = (estimate["mean"] - result["theory"]["epsilon"]) / estimate["standard_error"]
        self.assertLess(abs(pull), 4.0)
        self.assertEqual(len(result["points"]), 20)
        self.assertEqual(result["unconverged"], 0)

    def test_seeds_and_threads(self):
        first = self.theory(*self.arguments, "--threads", "1")
        self.assertEqual(first, self.theory(*self.arguments, "--threads", "2"))
        self.assertNotEqual(first["epsilon"],
                            self.theory(*self.arguments, "--seed", "1")["epsilon"])

    def test_trained_probe(self):
        result = self.theory(*self.arguments, "--probe", "logistic", "--probe-epochs", "2")
        self.assertGreater(result["probe_angle"]["mean"], 5.0)
        self.assertLess(result["probe_angle"]["mean"], 85.0)

    def test_bad_input(self):
        for flag, value, expected in (("--parameters", "0", "parameters = 0"),
                                      ("--repetitions", "0", "repetitions = 0"),
                                      ("--keep", "0", "keep = 0"),
                                      ("--probe", "angel", "did you mean 'angle'")):
            self.refuse("theory", "simulate", flag, value, mentions=[expected])


class Figures(TheoryTest):
    def test_every_figure_and_its_report(self):
        self.succeed("theory", "figures", "--parameters", "20", "--repetitions", "2", "--angles",
                     "0,20", "--out", "figures")
        names = sorted(path.name for path in (self.folder / "figures").glob("*.csv"))
        self.assertEqual(names, ["figure1a.csv", "figure1a_simulation.csv", "figure1b.csv",
                                 "figure1b_transition.csv", "figure1c.csv", "figure1d.csv",
                                 "figure2a.csv", "figure2a_simulation.csv", "figure2b.csv",
                                 "figure2c.csv"])
        with open(self.folder / "figures" / "figure2a.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 2 * 20 * 50)
        self.assertEqual({row["converged"] for row in rows}, {"yes"})
        self.succeed("report", "figures", "--out", "report.html")
        page = (self.folder / "report.html").read_text(encoding="utf-8")
        for title in ("Theory", "Error against the amount of data (figure1a)",
                      "Where hard, easy or random wins", "Information per example",
                      "Least error for what is kept", "Smallest useful share"):
            self.assertIn(title, page)


class Usage(TheoryTest):
    def test_mistakes_in_the_name(self):
        result = self.run_winnow("theory", "sovle")
        self.assertEqual(result.code, 2)
        self.assertIn("did you mean 'solve'", result.err)
        self.assertIn("winnow theory solve --help", self.run_winnow("theory", "solve", "--alhpa-tot", "1").err)
        self.assertIn("--alpha-tot", self.run_winnow("theory", "solve", "--alhpa-tot", "1").err)

    def test_help_without_a_command(self):
        for arguments in ((), ("--help",)):
            result = self.run_winnow("theory", *arguments)
            self.assertEqual(result.code, 0, result.err)
            self.assertIn("frontier", result.out)

    def test_options_from_a_file(self):
        config = self.folder / "c.toml"
        config.write_text('[theory.solve]\nalpha-tot = 10\nkeep = 0.3\n')
        point = self.theory("solve", "--config", str(config))
        self.assertAlmostEqual(point["epsilon"], 0.05114, 4)
        config.write_text('[theory.solve]\nalhpa-tot = 10\n')
        result = self.run_winnow("theory", "solve", "--config", str(config))
        self.assertEqual(result.code, 2)
        self.assertIn("did you mean 'alpha-tot'", result.err)


if __name__ == "__main__":
    unittest.main()
