#!/usr/bin/env bash
# Runs the fuzzers: each reads its corpus again, then looks for new inputs for SECONDS (default 60)
# or 5 million executions. Two run side by side. Exits 1 when one has a finding; the input that
# shows it is kept.
#
# usage: fuzz/run.sh [SECONDS] [FUZZER...]     e.g. fuzz/run.sh 600 tar image
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

readonly build=build/fuzz seconds=${1:-60}
readonly executions=5000000 seconds_an_input=10 memory_mib=2048 side_by_side=2
shift || true

# A killed fuzzer may leave a folder here.
export TMPDIR=$PWD/$build
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:allocator_may_return_null=0
export UBSAN_OPTIONS=print_stacktrace=1

# fuzz NAME: one fuzzer, one line of verdict. What it found before is in $build/corpus/NAME.
fuzz() {
  local name=$1 start=$SECONDS log=$build/$1.log found=$build/corpus/$1 options=() verdict runs
  mkdir -p "$found" "$build/findings"
  if [[ -e fuzz/corpus/$name.dict ]]; then options+=(-dict="fuzz/corpus/$name.dict"); fi
  if [[ -e fuzz/corpus/$name.options ]]; then
    mapfile -t -O "${#options[@]}" options <"fuzz/corpus/$name.options"
  fi
  if "$build/fuzz_$name" -seed=1 -max_total_time="$seconds" -runs="$executions" \
    -timeout="$seconds_an_input" -rss_limit_mb="$memory_mib" \
    -artifact_prefix="$build/findings/$name-" -print_final_stats=1 \
    "${options[@]}" "$found" "fuzz/corpus/$name" >"$log" 2>&1; then
    verdict=passed
  else
    verdict=FINDING
    tail -n 60 "$log"
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf 'fuzz %-12s %s: %s executions, %s, %d s\n' "$name" "$verdict" "${runs:-0}" \
    "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)" "$((SECONDS - start))"
  [[ $verdict == passed ]]
}

export -f fuzz
export build seconds executions seconds_an_input memory_mib

tools/build.sh fuzz "$build" || exit
if (($# == 0)); then
  programs=("$build"/fuzz_*)
  set -- "${programs[@]#"$build/fuzz_"}"
fi
# shellcheck disable=SC2016 # $1 is the inner shell's
printf '%s\0' "$@" | xargs -0 -n 1 -P "$side_by_side" bash -c 'fuzz "$1"' fuzz || exit 1
