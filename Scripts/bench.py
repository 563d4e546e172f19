#!/usr/bin/env python3
"""Measures Sluice on this machine; every part prints one table of Docs/BENCHMARKS.md.

Everything runs on 127.0.0.1, bounded in count and time, against .build/release/sluice (or the
binary that SLUICE_BINARY names). Clients: wrk (Debian's package wrk), h2load (nghttp2-client) and
sluice load.

    bench.py wire     CPU per request, requests/s and latency of the tiny model on all three wires
    bench.py engine   items/s of mobilenet_v2 and resnet50 against a bare loop of the engine
    bench.py reload   p99 of a model while another is loaded and unloaded
    bench.py memory   resident memory of an idle server with the demo models

CPU per request is the servers' own user and system time over a run. `foreign` is the share of the
machine that neither the server nor the client used; the numbers count only where it is small (with
other work on the machine rates fall, and so does CPU per request: fewer wake-ups serve more).

--triton names the folder of packages (a virtual environment's site-packages, or the target of
`pip install --target`) in which nvidia-pytriton, numpy<2 and onnxruntime are installed; then a
real Triton with its Python backend is measured in turn with Sluice.
"""
import argparse
import os
import statistics
import sys
import time

import bench_clients as clients
import bench_machine as machine
import bench_parts as parts
from bench_servers import ROOT, Sluice, Triton, build_models, statistics_of

CASES = {
    "http-binary": (clients.drive_wrk, "http://127.0.0.1:{http}/v2/models/tiny/infer",
                    clients.tiny_binary),
    "http-json": (clients.drive_wrk, "http://127.0.0.1:{http}/v2/models/tiny/infer",
                  clients.tiny_json),
    "grpc": (clients.drive_h2load,
             "http://127.0.0.1:{grpc}/inference.GRPCInferenceService/ModelInfer",
             clients.tiny_grpc),
}
CONNECTIONS = (1, 8, 64)


def measure(server, case, connections, seconds):
    """One run; what the server answered by its own count is held against the client's."""
    drive, url, body = CASES[case]
    content, headers = body()
    pids = machine.family(server.pid)
    counted = statistics_of(server.ports["http"], "tiny")
    used, busy = machine.cpu_seconds(pids), machine.busy_seconds()
    mine, began = os.times(), time.time()
    row = drive(url.format(**server.ports), content, headers, connections, seconds)
    wall = time.time() - began
    used, busy = machine.cpu_seconds(pids) - used, machine.busy_seconds() - busy
    after = os.times()
    client = sum(after[:4]) - sum(mine[:4])
    served = statistics_of(server.ports["http"], "tiny")["served"] - counted["served"]
    row["bad"] += max(0, row["n"] - served)
    row["cpu_us"] = used * 1e6 / max(1, row["n"])
    row["rate"] = row["n"] / row["seconds"]
    row["foreign"] = max(0, busy - used - client) / wall / os.cpu_count()
    return row


def wire(arguments):
    models = os.path.join(ROOT, ".demo/bench")
    build_models(models, "tiny")
    servers, rows = [Sluice(models, *arguments.flag)], {}
    try:
        if arguments.triton:
            servers.append(Triton(os.path.abspath(arguments.triton),
                                  f"{models}/tiny/1/model.onnx", arguments.triton_python))
        for server in servers:
            measure(server, "http-binary", 8, 2)
        for round in range(arguments.rounds):
            for case in arguments.case or CASES:
                for connections in CONNECTIONS:
                    # In turn, and the other way round the next time.
                    for server in servers if round % 2 == 0 else reversed(servers):
                        row = measure(server, case, connections, arguments.seconds)
                        rows.setdefault((server.name, case, connections), []).append(row)
                        print(f"{server.name} {case} {connections}: {row['cpu_us']:.1f} us, "
                              f"{row['rate']:.0f}/s", file=sys.stderr, flush=True)
    finally:
        for server in servers:
            server.stop()
    print("| server | case | connections | CPU us/request | requests/s | p50 ms | p99 ms | bad |"
          " foreign |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (name, case, connections), found in sorted(
            rows.items(), key=lambda entry: (list(CASES).index(entry[0][1]), entry[0][2])):
        def middle(key):
            return statistics.median(row[key] for row in found)
        print(f"| {name} | {case} | {connections} | {middle('cpu_us'):.1f} |"
              f" {middle('rate'):.0f} | {middle('p50'):.3f} | {middle('p99'):.3f} |"
              f" {sum(row['bad'] for row in found)} | {middle('foreign'):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = {"wire": wire, "engine": parts.engine, "reload": parts.reload, "memory": parts.memory}
    parser.add_argument("what", choices=what)
    parser.add_argument("--seconds", type=int, help="length of one run; wire 5, others 10")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind (3)")
    parser.add_argument("--case", action="append", choices=CASES, help="wire: only this one")
    parser.add_argument("--model", action="append", help="engine: only this network")
    parser.add_argument("--batch", type=int, default=4, help="engine: items in a batch (4)")
    parser.add_argument("--rate", type=float, default=200,
                        help="reload: requests per second of the watched model (200)")
    parser.add_argument("--triton", metavar="FOLDER", help="wire: measure this Triton in turn")
    parser.add_argument("--triton-python", metavar="FILE",
                        help="the Python that FOLDER belongs to, if it isn't a virtual environment")
    parser.add_argument("--flag", action="append", default=[], help="a further flag of serve")
    arguments = parser.parse_args()
    arguments.seconds = arguments.seconds or (5 if arguments.what == "wire" else 10)
    if not 1 <= arguments.seconds <= 600 or not 1 <= arguments.rounds <= 100:
        sys.exit("bench: --seconds must be 1 to 600, --rounds 1 to 100")
    print("Scripts/bench.py " + " ".join(sys.argv[1:]) + "  # " + machine.describe() + "\n",
          flush=True)
    what[arguments.what](arguments)


if __name__ == "__main__":
    main()
