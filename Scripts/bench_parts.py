"""The parts of bench.py that need real networks: engine, reload, memory."""
import os
import random
import re
import statistics
import struct
import subprocess
import sys
import threading
import time

import bench_clients as clients
import bench_machine as machine
from bench_servers import ROOT, Sluice, build_models, call, statistics_of

MODELS = os.path.join(ROOT, ".demo/networks")
DEMO = os.path.join(ROOT, ".demo/models")
PYTHON = os.path.join(ROOT, ".venv/bin/python")
MIB = 2**20


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# --- engine -------------------------------------------------------------------------------------

# The bare loop: library version, session settings, threads, core and batch are the server's.
BARE = '''
import sys, time, numpy, onnxruntime as ort
file, batch, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.enable_mem_pattern = False
for key, value in (("session.intra_op.allow_spinning", "0"),
                   ("session.inter_op.allow_spinning", "0"),
                   ("session.set_denormal_as_zero", "1"),
                   ("session.use_device_allocator_for_initializers", "1")):
    options.add_session_config_entry(key, value)
session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
x, y = session.get_inputs()[0], session.get_outputs()[0]
shape = lambda tensor: [batch] + [size for size in tensor.shape[1:]]
values = numpy.random.RandomState(1).standard_normal(shape(x)).astype(numpy.float32)
given = ort.OrtValue.ortvalue_from_numpy(values)
taken = ort.OrtValue.ortvalue_from_shape_and_type(shape(y), numpy.float32)
binding = session.io_binding()
binding.bind_ortvalue_input(x.name, given)
binding.bind_ortvalue_output(y.name, taken)
warm = time.monotonic() + 1
while time.monotonic() < warm: session.run_with_iobinding(binding)
count, began, used = 0, time.monotonic(), time.process_time()
while time.monotonic() - began < seconds:
    session.run_with_iobinding(binding)
    count += 1
items, span = count * batch, time.monotonic() - began
print(items / span, (time.process_time() - used) / items, (time.process_time() - used) / span)
'''


def engine(arguments):
    names = arguments.model or ["mobilenet_v2", "resnet50"]
    if os.cpu_count() < 2:
        sys.exit("bench engine: needs two processors, one of them for the client")
    if not os.path.exists(PYTHON):
        sys.exit("bench engine: .venv is missing; run make setup first")
    build_models(MODELS, *names)
    folder = os.path.join(ROOT, ".demo/engine")
    print("| network | batch | mean batch | Sluice items/s | bare loop items/s | ratio (>= 97 %) |"
          " CPU ms/item of lane | of bare loop | share of core 1: lane | bare loop |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        single_model(folder, name, arguments.batch)
        server = Sluice(folder, *arguments.flag)
        served, bare = [], []
        try:
            machine.move_threads(server.pid, {0}, {1}, r"lane-|onnx")
            for round in range(arguments.rounds):
                for turn in (0, 1) if round % 2 == 0 else (1, 0):
                    if turn == 0:
                        served.append(saturate(server, name, arguments))
                    else:
                        bare.append(bare_loop(folder, name, arguments))
                say(f"{name}: served {served[-1]['rate']:.2f}/s, bare {bare[-1]['rate']:.2f}/s")
        finally:
            server.stop()

        def middle(rows, key):
            return statistics.median(row[key] for row in rows)
        # Of neighbours in time, so that a machine that slows down touches both.
        ratio = statistics.median(a["rate"] / b["rate"] for a, b in zip(served, bare))
        print(f"| {name} | {arguments.batch} | {middle(served, 'size'):.2f} |"
              f" {middle(served, 'rate'):.2f} | {middle(bare, 'rate'):.2f} | {ratio * 100:.1f} % |"
              f" {middle(served, 'cpu') * 1e3:.2f} | {middle(bare, 'cpu') * 1e3:.2f} |"
              f" {middle(served, 'share') * 100:.0f} % | {middle(bare, 'share') * 100:.0f} % |",
              flush=True)


def single_model(folder, name, batch):
    """A repository of this one network: the batch as its limit, one thread per run."""
    subprocess.run(["rm", "-rf", folder], check=True)
    os.makedirs(f"{folder}/{name}/1")
    os.link(f"{MODELS}/{name}/1/model.onnx", f"{folder}/{name}/1/model.onnx")
    text = open(f"{MODELS}/{name}/config.pbtxt").read()
    text = re.sub(r"max_batch_size: \d+", f"max_batch_size: {batch}", text)
    text += ('\nparameters { key: "intra_op_thread_count" '
             'value: { string_value: "1" } }\n')
    open(f"{folder}/{name}/config.pbtxt", "w").write(text)


def image_body(port, name):
    """One item of seeded noise as a binary request."""
    tensor = call(port, "GET", f"/v2/models/{name}")["inputs"][0]
    shape = [1, *tensor["shape"][1:]]
    count = 1
    for size in shape:
        count *= size
    dice = random.Random(1)
    return clients.binary(shape, struct.pack(f"<{count}f", *(dice.gauss(0, 1)
                                                              for _ in range(count))))


def saturate(server, name, arguments):
    """Items per second between two ends of batches, mean batch, and the lane's CPU time."""
    port = server.ports["http"]
    body, headers = image_body(port, name)
    marks, stop = [], threading.Event()

    def watch():
        began = time.monotonic()
        while not stop.wait(0.25):
            # The first seconds fill the queue.
            if time.monotonic() - began < 1.5:
                continue
            marks.append((statistics_of(port, name), lane_seconds(server.pid), time.monotonic()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        row = clients.drive_wrk(f"http://127.0.0.1:{port}/v2/models/{name}/infer", body, headers,
                                3 * arguments.batch, arguments.seconds + 3, processors="0")
    finally:
        stop.set()
        watcher.join()
    if row["bad"]:
        sys.exit(f"bench engine: {row['bad']} requests of {name} failed")
    # While clients leave, batches get smaller.
    marks = [mark for mark in marks if mark[2] - marks[0][2] <= arguments.seconds]
    (first, lane_before, from_), (last, lane_after, to) = marks[0], marks[-1]
    span = (last["last"] - first["last"]) / 1e3
    if span <= 0 or last["batches"] <= first["batches"]:
        sys.exit(f"bench engine: fewer than two batches of {name}; give more --seconds")
    items = last["served"] - first["served"]
    used = lane_after - lane_before
    return {"rate": items / span, "size": items / (last["batches"] - first["batches"]),
            "cpu": used / items, "share": used / (to - from_)}


def lane_seconds(pid):
    """Processor time of the lane threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        parts = open(f"/proc/{pid}/task/{task}/stat").read()
        if parts.split("(", 1)[1].startswith("lane-"):
            fields = parts.rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / machine.TICKS


def bare_loop(folder, name, arguments):
    out = subprocess.run(
        ["taskset", "-c", "1", PYTHON, "-c", BARE, f"{folder}/{name}/1/model.onnx",
         str(arguments.batch), str(arguments.seconds)],
        capture_output=True, text=True, timeout=arguments.seconds + 120)
    if out.returncode != 0:
        sys.exit("bench engine: the bare loop failed: " + out.stderr.strip()[-300:])
    return dict(zip(("rate", "cpu", "share"), map(float, out.stdout.split())))


# --- reload -------------------------------------------------------------------------------------


def reload(arguments):
    build_models(MODELS, "tiny", "resnet50")
    server = Sluice(MODELS, "--model-control-mode", "explicit", "--load-model", "tiny",
                    *arguments.flag)
    port, found = server.ports["http"], {"quiet": [], "reloading": []}
    try:
        clients.sluice_load(port, "--model", "tiny", "--rate", str(arguments.rate), seconds=2)
        for round in range(arguments.rounds):
            for kind in list(found) if round % 2 == 0 else reversed(list(found)):
                stop, loads = threading.Event(), []
                worker = threading.Thread(target=load_and_unload, args=(port, stop, loads))
                if kind == "reloading":
                    worker.start()
                    time.sleep(0.2)
                try:
                    total = clients.sluice_load(port, "--model", "tiny", "--rate",
                                                str(arguments.rate),
                                                seconds=arguments.seconds)["total"]
                finally:
                    stop.set()
                    if kind == "reloading":
                        worker.join()
                found[kind].append((total, len(loads)))
                say(f"{kind}: p99 {total['latencyMs']['p99']:.3f} ms, {len(loads)} loads")
    finally:
        server.stop()

    def middle(kind, key):
        return statistics.median(total["latencyMs"][key] for total, _ in found[kind])
    print("| resnet50 beside it | loads | requests | not served | p50 ms | p99 ms | p99.9 ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for kind, runs in found.items():
        bad = sum(total["submitted"] - total["served"] - total["late"] for total, _ in runs)
        print(f"| {kind} | {sum(loads for _, loads in runs)} |"
              f" {sum(total['submitted'] for total, _ in runs)} | {bad} |"
              f" {middle(kind, 'p50'):.3f} | {middle(kind, 'p99'):.3f} |"
              f" {middle(kind, 'p999'):.3f} |")
    ratio = middle("reloading", "p99") / middle("quiet", "p99")
    print(f"\np99 of tiny at {arguments.rate:g}/s while resnet50 is reloaded: {ratio:.2f} times"
          " that without (goal: <= 1.3, no failed request)")


def load_and_unload(port, stop, loads):
    """Loads and unloads resnet50 until told to stop; leaves it unloaded."""
    while not stop.is_set():
        call(port, "POST", "/v2/repository/models/resnet50/load", "{}", timeout=300)
        loads.append(time.monotonic())
        call(port, "POST", "/v2/repository/models/resnet50/unload", "{}", timeout=300)


# --- memory -------------------------------------------------------------------------------------


def memory(arguments):
    if not os.path.isdir(DEMO):
        sys.exit("bench memory: .demo/models is missing; run Scripts/demo-models.sh first")
    names = sorted(os.listdir(DEMO))
    weights = sum(os.path.getsize(f"{DEMO}/{name}/{version}/model.onnx") for name in names
                  for version in os.listdir(f"{DEMO}/{name}") if version.isdigit())
    print("| state | resident MiB | engine library MiB | weights MiB | beside them MiB | goal |")
    print("| --- | --- | --- | --- | --- | --- |")

    def report(state, pid, weights, goal="", settle=5):
        # The lowest of several looks: what stays, not what passes by.
        looks = []
        for _ in range(settle):
            time.sleep(1)
            looks.append((machine.rss_bytes(pid), machine.resident_of(pid, "libonnxruntime")))
        rss, library = min(looks)
        rest = rss - library - weights
        print(f"| {state} | {rss / MIB:.1f} | {library / MIB:.1f} | {weights / MIB:.1f} |"
              f" {rest / MIB:.1f} | {goal} |", flush=True)

    server = Sluice(DEMO, "--model-control-mode", "explicit", *arguments.flag)
    try:
        report("no model loaded", server.pid, 0)
    finally:
        server.stop()
    server = Sluice(DEMO, *arguments.flag)
    try:
        report("demo models, idle from the start", server.pid, weights, "< 150", settle=10)
        words = [word for name in names for word in ("--model", f"{name}:concurrency=4")]
        clients.sluice_load(server.ports["http"], *words, seconds=arguments.seconds)
        report("idle again after load on all", server.pid, weights, settle=10)
    finally:
        server.stop()
