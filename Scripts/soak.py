#!/usr/bin/env python3
"""Holds a server at 80 % load for a while and watches its memory: soak.py [SECONDS]

First each demo model's own rate is found (closed loop, 5 s each); then all run at once in open
loops (Poisson), each at 80 % of its rate divided by the number of models, so that together they
ask for 80 % of the machine. Resident memory is looked at every second. It is flat when the mean of
the last quarter is at most 3 % above that of the second; the first quarter is for caches to fill.

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
        rates[name] = max(0.5, SHARE * line["throughput"] / len(names))
        print(f"{name}: {line['throughput']:.0f}/s alone, {rates[name]:.1f}/s in the soak",
              file=sys.stderr, flush=True)
    samples, stop = [], threading.Event()

    def watch():
        while not stop.wait(1):
            samples.append(machine.rss_bytes(server.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    used, busy, began = machine.cpu_seconds([server.pid]), machine.busy_seconds(), time.time()
    try:
        report = clients.sluice_load(
            port, *[word for name in names for word in ("--model", f"{name}:rate={rates[name]:g}")],
            seconds=seconds, limit=seconds + 300)
    finally:
        stop.set()
        watcher.join()
    wall = time.time() - began
    used = (machine.cpu_seconds([server.pid]) - used) / wall / os.cpu_count()
    busy = (machine.busy_seconds() - busy) / wall / os.cpu_count()
    return tell(report, samples, used, busy)


def tell(report, samples, used, busy):
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
    print("\n| resident MiB, mean of the quarters | | | | last / second | highest |")
    print("| --- | --- | --- | --- | --- | --- |")
    print("| " + " | ".join(f"{mean:.1f}" for mean in means) +
          f" | {growth:.3f} | {max(samples) / MIB:.1f} |")
    failed = report["total"]["failed"]
    flat = growth <= ALLOWED
    print(f"\nprocessors: {busy * 100:.0f} % busy, {used * 100:.0f} % by the server; memory is "
          + ("flat" if flat else f"NOT flat (allowed {ALLOWED})")
          + (f"; {failed} requests FAILED: {report['total']['errors'][:2]}" if failed else ""))
    return flat and not failed


if __name__ == "__main__":
    main()
