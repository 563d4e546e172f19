#!/usr/bin/env bash
# All benchmarks of Docs/BENCHMARKS.md, one table each, about a quarter of an hour.
# TRITON=FOLDER measures a real Triton beside Sluice (see Docs/BENCHMARKS.md).
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3

for tool in wrk h2load taskset; do
    command -v "$tool" >/dev/null || {
        echo "bench: $tool is missing; apt-get install wrk nghttp2-client util-linux" >&2
        exit 1
    }
done

failed=0
part() {
    printf '\n== %s\n' "$1"
    shift
    "$@" || { failed=1; echo "bench: this part failed, the others go on" >&2; }
}

triton=()
[ -z "${TRITON:-}" ] || triton=(--triton "$TRITON")
part "the wire" "$python" Scripts/bench.py wire "${triton[@]}"
part "the engine" "$python" Scripts/bench.py engine
part "reloading" "$python" Scripts/bench.py reload
part "memory" "$python" Scripts/bench.py memory
part "the core, the codecs, decisions and fits" env ROOMS=ServerCore,OpenInference,Simulation,Planning,Experiments swift package \
    --package-path Benchmarks --scratch-path .build-benchmarks --disable-sandbox \
    benchmark --format markdown --no-progress
exit "$failed"
