#!/usr/bin/env bash
# Puts in place what Sluice needs beside the sources: the C library zlib, the engine's shared
# library (.engine/) and, for tests and scripts, a Python environment (.venv/). Quick when all of
# it is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '== %s\n' "$*"; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 1; }

command -v swift >/dev/null || fail "swift is missing; install Swift 6.3 and put it on PATH"

packages=()
[ -e /usr/include/zlib.h ] || packages+=(zlib1g-dev)
command -v python3 >/dev/null || packages+=(python3 python3-pip python3-venv)
if command -v python3 >/dev/null && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    packages+=(python3-pip python3-venv)
fi
if [ ${#packages[@]} -gt 0 ]; then
    root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    say "installing ${packages[*]}"
    { "${root[@]}" apt-get update -q && "${root[@]}" apt-get install -qy "${packages[@]}"; } ||
        fail "could not install ${packages[*]}; install them by hand and try again"
fi

Scripts/setup-engine.sh

wanted=$(cat Scripts/requirements*.txt | sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/requirements.sha256 2>/dev/null || true)" != "$wanted" ]; then
    say "Python environment for tests and scripts (.venv)"
    [ -x .venv/bin/python ] || python3 -m venv .venv ||
        fail "python3 can't make a virtual environment; install python3-venv"
    arguments=()
    for file in Scripts/requirements*.txt; do arguments+=(-r "$file"); done
    .venv/bin/python -m pip install -q --disable-pip-version-check "${arguments[@]}" ||
        fail "pip could not install the packages of Scripts/requirements*.txt"
    echo "$wanted" > .venv/requirements.sha256
fi

[ -e .demo/digits.json ] || .venv/bin/python Scripts/export-digits.py
