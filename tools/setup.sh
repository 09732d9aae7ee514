#!/usr/bin/env bash
# Installs the Debian packages that FILES list and this machine lacks; does nothing when all are
# there. One package a line, `#` starts a comment; `PACKAGE ?COMMAND` is needed only while COMMAND
# is not on the PATH.
#
# usage: tools/setup.sh FILES...
set -euo pipefail

readonly oldest_node=18

say() { printf 'setup: %s\n' "$*" >&2; }

# wanted_packages FILES...: the packages that this machine needs, one a line.
wanted_packages() {
  local package condition
  sed 's/#.*//' -- "$@" | while read -r package condition; do
    [[ -n $package ]] || continue
    if [[ -n $condition ]] && command -v "${condition#\?}" >/dev/null; then continue; fi
    printf '%s\n' "$package"
  done
}

# missing_packages PACKAGES...: those of them that are not installed, one a line.
missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qxF "installed $package" <<<"$installed" || printf '%s\n' "$package"
  done
}

install_packages() {
  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      say "not root, and there is no sudo; have an administrator run:"
      say "  apt-get install --no-install-recommends $*"
      return 1
    fi
    as_root=(sudo)
  fi
  say "installing $*"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  "${apt[@]}" update >&2
  "${apt[@]}" install --yes --no-install-recommends "$@" >&2
}

warn_of_old_node() {
  local version
  version=$(node --version 2>/dev/null) || return 0
  version=${version#v}
  if ((${version%%.*} < oldest_node)); then
    say "node on the PATH is $version; the report's plots need $oldest_node or newer"
  fi
}

main() {
  if (($# == 0)); then
    say "no package list named; usage: tools/setup.sh FILES..."
    return 2
  fi
  local list wanted missing
  list=$(wanted_packages "$@")
  mapfile -t wanted <<<"$list"
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system; install the equivalents of: ${wanted[*]}"
    return 0
  fi
  list=$(missing_packages "${wanted[@]}")
  if [[ -n $list ]]; then
    mapfile -t missing <<<"$list"
    install_packages "${missing[@]}"
  fi
  warn_of_old_node
}

main "$@"
