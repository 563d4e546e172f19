#!/usr/bin/env bash
# Serves the demo repository (`serve`), or serves it, drives it with sluice load and stops (`drive`).
set -euo pipefail
cd "$(dirname "$0")/.."
http=${HTTP_PORT:-8000} grpc=${GRPC_PORT:-8001} metrics=${METRICS_PORT:-8002}
serve=(.build/release/sluice serve --model-repository .demo/models --http-port "$http"
    --grpc-port "$grpc" --metrics-port "$metrics" --http-address 127.0.0.1
    --grpc-address 127.0.0.1 --drain-seconds 1)

hint() {
    cat <<TEXT

When the server says "ready", ask the digits model what it sees (a held-out handwritten digit; classification of the best three):

  curl -s http://127.0.0.1:$http/v2/models/digits/infer -d @.demo/digits-request.json

Ask the smallest model, from any folder:

  curl -s http://127.0.0.1:$http/v2/models/tiny/infer -d '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,16],"data":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}]}'

Put load on it from another terminal, or run make demo:

  .build/release/sluice load --url http://127.0.0.1:$http --model digits --rate 500 --duration 10

Ctrl-C stops the server.
TEXT
}

echo "== serving .demo/models"
case ${1:-serve} in
serve)
    hint
    echo
    exec "${serve[@]}"
    ;;
drive)
    out=$(mktemp)
    "${serve[@]}" > "$out" &
    server=$!
    trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -f "$out"' EXIT
    for _ in $(seq 600); do
        grep -qE '^(not )?ready' "$out" && break
        kill -0 "$server" 2>/dev/null || { echo "the server ended at its start" >&2; exit 1; }
        sleep 0.1
    done
    cat "$out"
    load=(.build/release/sluice load --duration "${SECONDS_OF_LOAD:-10}")
    echo "== closed loop, 8 clients, tiny over HTTP"
    "${load[@]}" --url "http://127.0.0.1:$http" --model tiny --concurrency 8
    echo "== the same over gRPC"
    "${load[@]}" --url "127.0.0.1:$grpc" --protocol grpc --model tiny --concurrency 8
    echo "== open loop: digits 300/s at high priority with 50 ms, squeezenet 10/s, mobilenet_v2 5/s"
    "${load[@]}" --url "http://127.0.0.1:$http" \
        --model digits:rate=300,priority=1,timeout-ms=50 --model squeezenet:rate=10 \
        --model mobilenet_v2:rate=5
    ;;
*)
    echo "usage: run-demo.sh serve|drive" >&2
    exit 64
    ;;
esac
