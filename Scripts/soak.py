#!/usr/bin/env python3
"""Holds a server at 80 % load for a while and watches its memory: soak.py [SECONDS]

80 % load means: all demo models at once, in open loops (Poisson), with equal shares of the work,
such that the processors are 80 % busy, the load generator included. The rates are found first: each
model's own in a closed loop, then one run at half of that, scaled by how busy it made the machine.

Resident memory is looked at every second. It is flat when the mean of the last quarter is at most
3 % above that of the second; the first quarter is for buffers to find their sizes.

Exit status 1 when memory grows or a request fails. Requests that the server drops since they can't
make their model's objective are counted, not failures.
"""
import os
import statistics
import sys
import threading
import time

import bench_clients as clients
import bench_machine as machine
from bench_parts import DEMO, MIB
from bench_servers import Sluice

SHARE = 0.8
ALLOWED = 1.03


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    if not 20 <= seconds <= 86_400:
        sys.exit("soak: seconds must be 20 to 86400")
    if not os.path.isdir(DEMO):
        sys.exit("soak: .demo/models is missing; run Scripts/demo-models.sh first")
    names = sorted(os.listdir(DEMO))
    print(f"Scripts/soak.py {seconds}  # {machine.describe()}\n", flush=True)
    server = Sluice(DEMO)
    try:
        flat = soak(server, names, seconds)
    finally:
        server.stop()
    sys.exit(0 if flat else 1)


def soak(server, names, seconds):
    port, rates = server.ports["http"], {}
    for name in names:
        line = clients.sluice_load(port, "--model", name, "--concurrency", "4",
                                   seconds=5)["total"]
        rates[name] = max(0.5, line["throughput"] / 2 / len(names))
    _, busy, _ = drive(server, rates, 10)
    factor = min(max(SHARE / busy, 0.25), 1.8)
    for name in names:
        rates[name] *= factor
        print(f"{name}: {rates[name]:.1f}/s", file=sys.stderr, flush=True)
    samples, stop = [], threading.Event()

    def watch():
        while not stop.wait(1):
            samples.append(machine.rss_bytes(server.pid))

    idle = machine.rss_bytes(server.pid)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        report, busy, used = drive(server, rates, seconds)
    finally:
        stop.set()
        watcher.join()
    return tell(report, samples, idle, used, busy)


def drive(server, rates, seconds):
    """One open loop over all models: its report, and how busy the machine and the server were."""
    used, busy, began = machine.cpu_seconds([server.pid]), machine.busy_seconds(), time.time()
    words = [word for name, rate in rates.items() for word in ("--model", f"{name}:rate={rate:g}")]
    report = clients.sluice_load(server.ports["http"], *words, seconds=seconds,
                                 limit=seconds + 300)
    whole = (time.time() - began) * os.cpu_count()
    return (report, (machine.busy_seconds() - busy) / whole,
            (machine.cpu_seconds([server.pid]) - used) / whole)


def tell(report, samples, idle, used, busy):
    print("| model | submitted | served | late | dropped | refused | failed | p50 ms | p99 ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for line in report["models"] + [dict(report["total"], model="all")]:
        latency = line["latencyMs"]
        print(f"| {line['model']} | {line['submitted']} | {line['served']} | {line['late']} |"
              f" {line['dropped']} | {line['refused']} | {line['failed']} |"
              f" {latency.get('p50') or 0:.2f} | {latency.get('p99') or 0:.2f} |")
    quarter = len(samples) // 4
    means = [statistics.mean(samples[i * quarter:(i + 1) * quarter]) / MIB for i in range(4)]
    growth = means[3] / means[1]
    print("\n| resident MiB before | mean of quarter 1 | 2 | 3 | 4 | 4 / 2 | highest |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(f"| {idle / MIB:.1f} | " + " | ".join(f"{mean:.1f}" for mean in means) +
          f" | {growth:.3f} | {max(samples) / MIB:.1f} |")
    failed = report["total"]["failed"]
    flat = growth <= ALLOWED
    print(f"\nprocessors: {busy * 100:.0f} % busy, {used * 100:.0f} % by the server; memory is "
          + ("flat" if flat else f"NOT flat (allowed {ALLOWED})")
          + (f"; {failed} requests FAILED: {report['total']['errors'][:2]}" if failed else ""))
    return flat and not failed


if __name__ == "__main__":
    main()
