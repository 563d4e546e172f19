#!/usr/bin/env bash
# The live experiments of Docs/BENCHMARKS.md: servers on this machine under load, 25 minutes at most.
# LIVE=short takes 10 at most; PART=a,c runs these parts; TRITON=FOLDER measures a real Triton beside.
# The report goes to .demo/live.html, the rows and checks to .demo/live.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

words=()
case "${LIVE:-whole}" in
    short) words+=(--quick) ;;
    whole) ;;
    *) echo "live: LIVE='$LIVE' is not known; use LIVE=short, or leave it out" >&2; exit 64 ;;
esac
[ -z "${PART:-}" ] || words+=(--part "$PART")
[ -z "${TRITON:-}" ] || words+=(--triton "$TRITON")
mkdir -p .demo
.build/release/sluice reproduce live "${words[@]}" --report .demo/live.html | tee .demo/live.txt
