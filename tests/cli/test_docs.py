"""What README.md and docs/ tell people to type: blocks marked sh run, and every option exists.

A fenced block marked `sh` starts with the line `# tested` and is run as a whole by bash, in order
with the others of its page, in one folder, with `winnow` and the tests' own Python on the PATH. The
folder is empty, but for docs/data.md, whose datasets are there; and the patch dictionary is a small
one, since a true one takes half a minute. Blocks marked `console` are only looked at.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

import documented_data
from helpers import WinnowTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [page for page in (ROOT / "README.md", ROOT / "HACKING.md",
                           *sorted((ROOT / "docs").rglob("*.md"))) if page.exists()]


def blocks(page, language):
    """Contents of the fenced blocks of a page that are marked so."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands(page):
    """Every `winnow COMMAND ...` in a block or in inline code, continued lines joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = "".join(blocks(page, "(?:sh|console)")).replace("\\\n", " ")
    in_blocks = re.findall(r"^(?:\$ )?(?:build/release/)?(winnow [a-z].*)$", fenced,
                           flags=re.MULTILINE)
    inline = re.findall(r"`(winnow [a-z][^`]*)`", text)
    return [line for line in in_blocks + inline if "COMMAND" not in line]


class DocsTest(WinnowTest):
    def test_blocks_run(self):
        tools = self.folder / "bin"
        tools.mkdir()
        program = pathlib.Path(os.environ["WINNOW"]).resolve()
        (tools / "winnow").write_text(
            "#!/bin/sh\ncase $1 in prune|embed) set -- \"$@\" --words 50 --patches 5000;; esac\n"
            f"exec '{program}' \"$@\"\n", encoding="utf-8")
        (tools / "winnow").chmod(0o755)
        (tools / "python3").symlink_to(sys.executable)
        environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        for page in PAGES:
            name = str(page.relative_to(ROOT))
            folder = self.folder / name.replace("/", "-")
            folder.mkdir()
            if name == "docs/data.md":
                documented_data.write(folder)
            for block in blocks(page, "sh"):
                with self.subTest(page=name, block=block.splitlines()[:2]):
                    self.assertTrue(block.startswith("# tested\n"),
                                    "sh blocks are run; mark others console")
                    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder,
                                          env=environment, capture_output=True, text=True,
                                          check=False, timeout=self.timeout_seconds)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def names_in(self, *command):
        """Subcommands of a command, as its help lists them."""
        return re.findall(r"(?m)^  ([a-z]+)  +[A-Z]", self.succeed(*command, "--help").out)

    def test_commands_and_options_exist(self):
        known = {}
        for name in self.names_in():
            for words in ((name,), *((name, inner) for inner in self.names_in(name))):
                known[words] = set(re.findall(r"--[a-z][a-z-]*",
                                              self.succeed(*words, "--help").out))
        self.assertIn(("prune",), known)
        self.assertIn(("theory", "solve"), known)
        for page in PAGES:
            for line in commands(page):
                with self.subTest(page=str(page.relative_to(ROOT)), line=line):
                    words = shlex.split(line, comments=True)
                    name = tuple(words[1:3]) if tuple(words[1:3]) in known else (words[1],)
                    self.assertIn(name, known)
                    for word in words[2:]:
                        if word.startswith("--"):
                            self.assertIn(word.split("=")[0], known[name])

    def test_links_inside_the_project_lead_somewhere(self):
        for page in PAGES:
            text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"),
                          flags=re.MULTILINE | re.DOTALL)
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
                if "://" in target or target.startswith("mailto:"):
                    continue
                with self.subTest(page=str(page.relative_to(ROOT)), target=target):
                    self.assertTrue((page.parent / target).exists())


if __name__ == "__main__":
    unittest.main()
