#!/usr/bin/env python3
"""Checks that every module includes only modules on lower levels (HACKING.md, "Levels").

Reads include/winnow/<module>/ and src/<module>/. Prints one line a violation, `file:line: what`,
and exits 1 when there is one.

usage: check_layers.py [ROOT]
"""

import pathlib
import re
import sys

LEVELS = (
    ("core",),
    ("numerics", "comm"),
    ("io",),
    ("theory", "cluster", "train"),
    ("embedding", "metrics"),
    ("selection",),
    ("experiments",),
    ("report",),
    ("cli",),
)
LEVEL = {module: level for level, modules in enumerate(LEVELS) for module in modules}
# Who may include <mpi.h>.
MPI_USER = pathlib.PurePosixPath("src/comm/mpi")
LIBTORCH_USER = pathlib.PurePosixPath("src/train/torch")
LIBTORCH_FOLDERS = ("torch", "ATen", "c10", "caffe2")
SUFFIXES = {".hpp", ".h", ".cpp", ".cc", ".inc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(file):
    """Yields (line number, quoted?, path) of every include of a file."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', pathlib.PurePosixPath(match.group(2))


def own_module(path):
    """Module of an include path, and whether the header is public; (None, _) for foreign headers.

    `winnow/io/npy.hpp` is public, `io/csv.hpp` private to src/io.
    """
    parts = path.parts
    if parts[0] == "winnow":
        return (parts[1] if len(parts) > 2 else str(path)), True
    if len(parts) > 1 and parts[0] in LEVEL:
        return parts[0], False
    return None, False


def check_include(root, file, path, quoted):
    """What is wrong with one include of `file`, or None."""
    relative = file.relative_to(root)
    is_public = relative.parts[0] == "include"
    module = relative.parts[2] if is_public else relative.parts[1]

    if path.parts[0] in LIBTORCH_FOLDERS and LIBTORCH_USER not in relative.parents:
        return f"<{path}>: only {LIBTORCH_USER} uses LibTorch"
    if path.name == "mpi.h" and MPI_USER not in relative.parents:
        return f"<{path}>: only {MPI_USER} uses MPI"
    if quoted and (file.parent / path).exists():
        return f'"{path}" is relative to the file; start from include/ or src/'

    included, included_is_public = own_module(path)
    if included is None:
        return None
    if included not in LEVEL:
        return f'"{path}": {included} is no module; known are {", ".join(LEVEL)}'
    if is_public and not included_is_public:
        return f'"{path}" is private to src/{included}; a public header cannot include it'
    if included == module:
        return None
    if not included_is_public:
        return f'"{path}" is private to src/{included}; include winnow/{included}/ instead'
    if LEVEL[included] >= LEVEL[module]:
        return (f'"{path}": {module} (level {LEVEL[module]}) may include only lower levels, '
                f"but {included} is on level {LEVEL[included]}")
    return None


def check_file(root, file):
    """Yields a message for every violation in one file."""
    relative = file.relative_to(root)
    depth = 2 if relative.parts[0] == "include" else 1
    if len(relative.parts) <= depth + 1:
        yield f"{relative}:1: lies in no module's folder"
        return
    if relative.parts[depth] not in LEVEL:
        yield f"{relative}:1: {relative.parts[depth]} is no module; known are {', '.join(LEVEL)}"
        return
    for number, quoted, path in includes(file):
        problem = check_include(root, file, path, quoted)
        if problem:
            yield f"{relative}:{number}: {problem}"


def source_files(root):
    for top in ("include", "src"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix in SUFFIXES and file.is_file():
                yield file


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent)
    files = list(source_files(root))
    if not files:
        print(f"check_layers: no sources under {root}", file=sys.stderr)
        return 1
    problems = [problem for file in files for problem in check_file(root, file)]
    print("\n".join(problems) if problems else f"layers: {len(files)} files in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
