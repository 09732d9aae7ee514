"""setup.sh with stand-ins for dpkg-query, apt-get, sudo and node: nothing is installed."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parents[2] / "tools" / "setup.sh"
REAL_COMMANDS = ("bash", "env", "grep", "sed")


class SetupTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.bin = self.root / "bin"
        self.bin.mkdir()
        self.calls = self.root / "calls"
        self.calls.touch()
        for command in REAL_COMMANDS:
            self.link(command)
        self.add_command("apt-get", f'echo "apt-get $*" >> {self.calls}')
        self.installed("g++", "cmake")

    def link(self, command):
        for folder in os.environ["PATH"].split(os.pathsep) + ["/usr/bin", "/bin"]:
            if (pathlib.Path(folder) / command).exists():
                (self.bin / command).symlink_to(pathlib.Path(folder) / command)
                return
        self.fail(f"{command} is not on the PATH")

    def add_command(self, name, script):
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    def installed(self, *packages):
        """dpkg-query knows these, and `gone` as a package that was removed."""
        lines = "".join(f"{package}) echo 'installed {package}';; " for package in packages)
        self.add_command("dpkg-query", f'for name in "$@"; do case $name in {lines} '
                                       "gone) echo 'config-files gone';; esac; done")

    def run_setup(self, *lines):
        listed = self.root / "packages.txt"
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return subprocess.run([str(SETUP), str(listed)], env={"PATH": str(self.bin)},
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    def called(self):
        return self.calls.read_text(encoding="utf-8").splitlines()

    def test_silent_and_idle_when_all_is_there(self):
        done = self.run_setup("# comment", "", "g++  # compiler", "  cmake")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.called(), [])

    @unittest.skipUnless(os.geteuid() == 0, "asks for sudo")
    def test_updates_once_and_installs_only_what_is_missing(self):
        done = self.run_setup("g++", "libfmt-dev", "gone", "cmake")
        self.assertEqual(done.returncode, 0, done.stderr)
        update, install = self.called()
        self.assertTrue(update.endswith(" update"), update)
        self.assertIn("--no-install-recommends", install)
        self.assertTrue(install.endswith(" libfmt-dev gone"), install)
        self.assertEqual(done.stdout, "")

    @unittest.skipUnless(os.geteuid() == 0, "asks for sudo")
    def test_failed_installation_fails(self):
        self.add_command("apt-get", "exit 100")
        self.assertNotEqual(self.run_setup("libfmt-dev").returncode, 0)

    @unittest.skipIf(os.geteuid() == 0, "root needs no sudo")
    def test_uses_sudo_when_not_root(self):
        self.add_command("sudo", f'echo sudo >> {self.calls}; exec "$@"')
        self.assertEqual(self.run_setup("libfmt-dev").returncode, 0)
        self.assertEqual(self.called()[0], "sudo")

    @unittest.skipIf(os.geteuid() == 0, "root needs no sudo")
    def test_says_what_to_run_without_sudo(self):
        done = self.run_setup("libfmt-dev")
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get install --no-install-recommends libfmt-dev", done.stderr)

    def test_package_of_a_command_that_is_there(self):
        self.add_command("npm", "true")
        self.assertEqual(self.run_setup("nodejs ?npm", "npm ?npm").returncode, 0)
        self.assertEqual(self.called(), [])

    @unittest.skipUnless(os.geteuid() == 0, "asks for sudo")
    def test_package_of_a_command_that_is_missing(self):
        self.assertEqual(self.run_setup("nodejs ?npm", "npm ?npm").returncode, 0)
        self.assertTrue(self.called()[1].endswith(" nodejs npm"))

    def test_old_node_is_named(self):
        self.add_command("node", "echo v16.20.1")
        done = self.run_setup("g++")
        self.assertEqual(done.returncode, 0)
        self.assertIn("16.20.1", done.stderr)

    def test_missing_list_fails(self):
        done = subprocess.run([str(SETUP), str(self.root / "none.txt")], capture_output=True,
                              text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("none.txt", done.stderr)


if __name__ == "__main__":
    unittest.main()
