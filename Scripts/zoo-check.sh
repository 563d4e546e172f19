#!/usr/bin/env bash
# Every zoo network (or those named) against python onnxruntime: first the file by itself, then
# what a server answers for it. Files stay in .zoo/ for the next time. The server has one network
# loaded at a time, so the check fits in a few GiB of memory; the files take 1.5 GB.
#
#   Scripts/zoo-check.sh [NAME...]
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
sluice=${SLUICE_BINARY:-.build/release/sluice}
[ -x "$python" ] || { echo "zoo-check: .venv is missing; run make setup" >&2; exit 1; }
[ -x "$sluice" ] || { echo "zoo-check: $sluice is missing; run make release" >&2; exit 1; }
exec "$python" Scripts/zoo_check.py "$@"
