#!/usr/bin/env bash
# Configures and builds a CMake preset; prints nothing when there is nothing to do. All output goes
# to stderr: one line that moves on a terminal, a line a step elsewhere.
#
# usage: tools/build.sh PRESET FOLDER     (FOLDER: the preset's build folder)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly preset=$1 folder=$2
readonly configured=$folder/configured-$preset log=$folder/configure-$preset.log

# Ninja reconfigures by itself when a CMake file changed; presets and installed libraries it does
# not see.
is_configured() {
  [[ -e $configured && -e $folder/build.ninja && ! CMakePresets.json -nt $configured &&
    ! /var/lib/dpkg/status -nt $configured ]]
}

configure() {
  mkdir -p "$folder"
  printf 'build: configuring %s\n' "$preset" >&2
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log" >&2
    return 1
  fi
  touch "$configured"
}

show_progress() {
  local terminal=0
  if [[ -t 2 ]]; then terminal=1; fi
  awk -v terminal="$terminal" -v preset="$preset" '
    /no work to do|Re-checking globbed|^-- / { next }
    /^\[[0-9]+\/[0-9]+\]/ && terminal {
      printf "\r\033[Kbuild %s: %.70s", preset, $0; fflush(); open = 1; next
    }
    { if (open) print ""; open = 0; print; fflush() }
    END { if (open) print "" }' >&2
}

# Clones in other folders share ccache's results.
export CCACHE_BASEDIR=$PWD
is_configured || configure
cmake --build --preset "$preset" 2>&1 | show_progress
