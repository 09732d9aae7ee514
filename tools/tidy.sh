#!/usr/bin/env bash
# clang-tidy over the sources that changed since BASE, uncommitted changes included. BASE is HEAD's
# parent unless named; without a parent, and when .clang-tidy changed, every source is checked. A
# changed header is checked through the source of the same name, or else one that includes it.
#
# usage: tools/tidy.sh [--all | BASE]     (after ./test: reads build/release/compile_commands.json)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly build=build/release
readonly base=${1:-HEAD~1}

# Compiled sources. Those of src/train/torch use a precompiled header that only g++ can read.
compiled_sources() {
  git ls-files -- 'src/*.cpp' 'tests/*.cpp' 'bench/*.cpp' | grep -v '^src/train/torch/' |
    while read -r source; do
      if grep -qF "\"file\": \"$PWD/$source\"" "$build/compile_commands.json"; then
        echo "$source"
      fi
    done
}

# source_for HEADER SOURCES: the source through which a header is checked, if any.
source_for() {
  local include=${1#include/} sources=$2 twin
  include=${include#src/}
  twin=src/${include#winnow/}
  twin=${twin%.hpp}.cpp
  if grep -xF "$twin" <<<"$sources"; then return; fi
  xargs -r grep -lF "#include \"$include\"" <<<"$sources" | head -n 1 || true
}

# changed_sources SOURCES: those of them that changed themselves or through a header.
changed_sources() {
  local changed file
  if [[ $base == --all ]] || ! changed=$(git diff --name-only --diff-filter=d "$base" 2>/dev/null); then
    echo "$1"
    return
  fi
  if grep -qxF .clang-tidy <<<"$changed"; then
    echo "$1"
    return
  fi
  while read -r file; do
    case $file in
      *.cpp) grep -xF "$file" <<<"$1" || true ;;
      *.hpp) source_for "$file" "$1" ;;
    esac
  done <<<"$changed" | sort -u
}

# check_one SOURCE: prints what clang-tidy says only when it objects.
check_one() {
  local said
  if ! said=$(clang-tidy -p "$1" --quiet --extra-arg=-Wno-unknown-warning-option "$2" 2>&1); then
    printf '%s\n' "$said"
    return 1
  fi
}
export -f check_one

sources=$(changed_sources "$(compiled_sources)")
if [[ -z $sources ]]; then
  echo "tidy: no changed sources"
  exit 0
fi
xargs -n 1 -P "$(nproc)" bash -c 'check_one "$@"' check_one "$build" <<<"$sources"
echo "tidy: $(wc -l <<<"$sources") sources in order"
