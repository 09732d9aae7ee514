"""check_layers.py on small trees: what is allowed passes, each kind of violation is found."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"


class CheckLayersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, path, *lines):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def check(self):
        done = subprocess.run([sys.executable, str(CHECKER), str(self.root)],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def assert_violation(self, *expected):
        code, output = self.check()
        self.assertEqual(code, 1, output)
        self.assertEqual(len(output.splitlines()), 1, output)
        for text in expected:
            self.assertIn(text, output)

    def test_lower_levels_own_private_headers_and_foreign_headers_pass(self):
        self.write("include/winnow/core/error.hpp", "#include <string>")
        self.write("include/winnow/io/npy.hpp", '#include "winnow/core/error.hpp"')
        self.write("src/io/header.hpp", "#pragma once")
        self.write("src/io/npy.cpp", '#include "winnow/io/npy.hpp"', "#include <fmt/format.h>",
                   '#include "io/header.hpp"', '#include "winnow/numerics/product.hpp"')
        self.write("src/train/torch/resnet.cpp", "#include <torch/torch.h>", "# include <ATen/A.h>")
        self.write("src/cli/main.cpp", '#include "winnow/report/report.hpp"')
        self.assertEqual(self.check(), (0, "layers: 6 files in order\n"))

    def test_higher_level(self):
        self.write("src/core/files.cpp", "#include <cstdio>", '#include "winnow/io/npy.hpp"')
        self.assert_violation("src/core/files.cpp:2:", "core (level 0)", "io is on level 2")

    def test_sibling(self):
        self.write("include/winnow/train/mlp.hpp", '  #  include "winnow/cluster/kmeans.hpp"')
        self.assert_violation("include/winnow/train/mlp.hpp:1:", "cluster is on level 3")

    def test_private_header_of_another_module(self):
        self.write("src/selection/select.cpp", '#include "metrics/ranks.hpp"')
        self.assert_violation("src/selection/select.cpp:1:", "private to src/metrics")

    def test_public_header_with_private_header(self):
        self.write("include/winnow/io/npy.hpp", '#include "io/header.hpp"')
        self.assert_violation("include/winnow/io/npy.hpp:1:", "private to src/io")

    def test_path_relative_to_the_file(self):
        self.write("src/io/header.hpp", "#pragma once")
        self.write("src/io/npy.cpp", '#include "header.hpp"')
        self.assert_violation("src/io/npy.cpp:1:", "relative")

    def test_libtorch_outside_its_folder(self):
        self.write("src/train/linear.cpp", "#include <torch/torch.h>")
        self.assert_violation("src/train/linear.cpp:1:", "only src/train/torch uses LibTorch")

    def test_libtorch_in_a_public_header(self):
        self.write("include/winnow/train/torch/net.hpp", "#include <ATen/ATen.h>")
        self.assert_violation("include/winnow/train/torch/net.hpp:1:", "LibTorch")

    def test_mpi_outside_its_folder(self):
        self.write("src/comm/mpi/mpi_comm.cpp", "#include <mpi.h>")
        self.write("src/comm/launch.cpp", "#include <mpi.h>")
        self.assert_violation("src/comm/launch.cpp:1:", "only src/comm/mpi uses MPI")

    def test_unknown_module_included(self):
        self.write("src/io/npy.cpp", '#include "winnow/utils/strings.hpp"')
        self.assert_violation("src/io/npy.cpp:1:", "utils is no module")

    def test_unknown_module_folder(self):
        self.write("src/utils/strings.cpp", "#include <string>")
        self.assert_violation("src/utils/strings.cpp:1:", "utils is no module")

    def test_file_outside_the_modules(self):
        self.write("src/loose.cpp", "#include <string>")
        self.assert_violation("src/loose.cpp:1:", "lies in no module's folder")

    def test_empty_tree_fails(self):
        self.assertEqual(self.check()[0], 1)


if __name__ == "__main__":
    unittest.main()
