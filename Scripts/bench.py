#!/usr/bin/env python3
"""Measures a v2 server on this machine: CPU per request, requests per second, latency.

Everything runs on 127.0.0.1, bounded in count and time. The clients are wrk (HTTP/1.1) and h2load
(gRPC) of Debian's packages wrk and nghttp2-client. CPU per request is the server's own user and
system time over the run, so it is much less sensitive to other work on the machine than rates are;
`foreign` is the share of the machine that neither server nor client used.

    bench.py wire [--seconds 5] [--rounds 3] [--triton DIR]   the wire table of Docs/BENCHMARKS.md
    bench.py engine [--seconds 10]                            items/s against a bare engine loop

--triton names a folder in which `pip install --target DIR nvidia-pytriton 'numpy<2' onnxruntime` was
run; then a real Triton with its Python backend is measured in turn with Sluice.
"""
import argparse
import http.client
import json
import os
import re
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SLUICE = os.environ.get("SLUICE_BINARY", os.path.join(ROOT, ".build/release/sluice"))
TICKS = os.sysconf("SC_CLK_TCK")
LUA = """
function init(args)
  wrk.method = "POST"
  local file = assert(io.open(args[1], "rb")); wrk.body = file:read("*a"); file:close()
  for i = 2, #args do
    local key, value = args[i]:match("^([^:]+):%s*(.*)$"); wrk.headers[key] = value
  end
  prepared = wrk.format()
end
function request() return prepared end
function done(summary, latency, requests)
  io.write(string.format('RESULT {"n":%d,"seconds":%.3f,"p50":%.3f,"p99":%.3f,"bad":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, summary.errors.status + summary.errors.timeout
    + summary.errors.connect + summary.errors.read))
end
"""


def varint(number):
    out = b""
    while True:
        low = number & 127
        number >>= 7
        out += bytes([low | (128 if number else 0)])
        if not number:
            return out


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


ROW = struct.pack("<16f", *[i / 16 for i in range(16)])


def binary_body(model):
    head = json.dumps({"inputs": [{"name": "x", "shape": [1, 16], "datatype": "FP32",
                                   "parameters": {"binary_data_size": 64}}],
                       "outputs": [{"name": "y", "parameters": {"binary_data": True}}]},
                      separators=(",", ":")).encode()
    return head + ROW, {"Content-Type": "application/octet-stream",
                        "Inference-Header-Content-Length": str(len(head))}


def json_body(model):
    values = [i / 16 for i in range(16)]
    return json.dumps({"inputs": [{"name": "x", "shape": [1, 16], "datatype": "FP32",
                                   "data": values}]}, separators=(",", ":")).encode(), {
        "Content-Type": "application/json"}


def grpc_body(model):
    tensor = field(1, b"x") + field(2, b"FP32") + field(3, varint(1) + varint(16))
    message = field(1, model.encode()) + field(5, tensor) + field(7, ROW)
    return b"\0" + struct.pack(">I", len(message)) + message, {
        "content-type": "application/grpc", "te": "trailers"}


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        try:
            parts = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(parts[11]) + int(parts[12])
    return total / TICKS


def busy_seconds():
    values = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(values) - values[3] - values[4]) / TICKS


def family(pid):
    """The process and all its children."""
    pids = [pid]
    for found in pids:
        try:
            for task in os.listdir(f"/proc/{found}/task"):
                children = open(f"/proc/{found}/task/{task}/children").read().split()
                pids += [int(child) for child in children if int(child) not in pids]
        except OSError:
            pass
    return pids


def drive_wrk(url, body, headers, connections, seconds):
    with tempfile.TemporaryDirectory() as folder:
        open(f"{folder}/body", "wb").write(body)
        open(f"{folder}/post.lua", "w").write(LUA)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s",
                   f"{folder}/post.lua", url, "--", f"{folder}/body"]
        command += [f"{key}: {value}" for key, value in headers.items()]
        out = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60).stdout
    found = re.search(r"RESULT (.*)", out)
    if not found:
        raise SystemExit("wrk gave no result: " + out[-300:])
    return json.loads(found[1])


def drive_h2load(url, body, headers, connections, seconds):
    with tempfile.TemporaryDirectory() as folder:
        open(f"{folder}/body", "wb").write(body)
        command = ["h2load", "-t1", f"-c{connections}", "-m1", "-D", str(seconds),
                   "-d", f"{folder}/body", f"--log-file={folder}/log"]
        for key, value in headers.items():
            command += ["-H", f"{key}: {value}"]
        subprocess.run(command + [url], capture_output=True, timeout=seconds + 60, check=True)
        rows = [line.split("\t") for line in open(f"{folder}/log")]
    times = sorted(int(row[2]) / 1e3 for row in rows if row[1] == "200")
    bad = sum(row[1] != "200" for row in rows)
    if not times:
        raise SystemExit("h2load gave no result")
    return {"n": len(times), "seconds": seconds, "p50": times[len(times) // 2],
            "p99": times[int(len(times) * 0.99)], "bad": bad}


CASES = {
    "http-binary": (drive_wrk, "http://127.0.0.1:{http}/v2/models/tiny/infer", binary_body),
    "http-json": (drive_wrk, "http://127.0.0.1:{http}/v2/models/tiny/infer", json_body),
    "grpc": (drive_h2load, "http://127.0.0.1:{grpc}/inference.GRPCInferenceService/ModelInfer",
             grpc_body),
}


def measure(pid, ports, case, connections, seconds):
    drive, url, body = CASES[case]
    content, headers = body("tiny")
    pids = family(pid)
    server, busy, mine, began = cpu_seconds(pids), busy_seconds(), os.times(), time.time()
    row = drive(url.format(**ports), content, headers, connections, seconds)
    wall = time.time() - began
    server = cpu_seconds(pids) - server
    after = os.times()
    client = sum(after[:4]) - sum(mine[:4])
    row["cpu_us"] = server * 1e6 / max(1, row["n"])
    row["rate"] = row["n"] / row["seconds"]
    row["foreign"] = max(0, busy_seconds() - busy - server - client) / wall / os.cpu_count()
    return row


class Sluice:
    name = "sluice"

    def __init__(self, models, *flags):
        self.process = subprocess.Popen(
            [SLUICE, "serve", "--model-repository", models, "--http-address", "127.0.0.1",
             "--http-port", "0", "--grpc-address", "127.0.0.1", "--grpc-port", "0",
             "--metrics-port", "0", "--drain-seconds", "0", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
        self.ports = {}
        for line in self.process.stdout:
            found = re.match(r"\s*(HTTP|gRPC)\s.*:(\d+)", line)
            if found:
                self.ports[found[1].lower()] = int(found[2])
            if line.strip() == "ready":
                break
        if len(self.ports) < 2:
            raise SystemExit("sluice did not start")
        self.pid = self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Triton:
    """A real Triton in its Python-backend form, from the packages in `folder`."""
    name = "triton-python"

    def __init__(self, folder, onnx):
        self.folder = tempfile.TemporaryDirectory()
        models = f"{self.folder.name}/models"
        os.makedirs(f"{models}/tiny/1")
        with open(f"{models}/tiny/config.pbtxt", "w") as config:
            config.write('name: "tiny" backend: "python" max_batch_size: 8\n'
                         'input [{ name: "x", data_type: TYPE_FP32, dims: [16] }]\n'
                         'output [{ name: "y", data_type: TYPE_FP32, dims: [16] }]\n'
                         'instance_group [{ count: 1, kind: KIND_CPU }]\ndynamic_batching { }\n')
        with open(f"{models}/tiny/1/model.py", "w") as model:
            model.write(TRITON_MODEL.replace("ONNX", onnx))
        triton = f"{folder}/pytriton/tritonserver"
        backends = f"{self.folder.name}/backends"
        subprocess.run(["cp", "-r", f"{triton}/backends", backends], check=True)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        stub = f"{triton}/python_backend_stubs/{version}/triton_python_backend_stub"
        if os.path.exists(stub):
            subprocess.run(["cp", stub, f"{backends}/python/"], check=True)
        python = subprocess.run(
            [sys.executable, "-c", "import sysconfig;print(sysconfig.get_config_var('LIBDIR'))"],
            capture_output=True, text=True, check=True).stdout.strip()
        environment = dict(os.environ, PYTHONPATH=folder,
                           LD_LIBRARY_PATH=f"{folder}/nvidia_pytriton.libs:{python}")
        self.ports = {"http": 18000, "grpc": 18001}
        self.process = subprocess.Popen(
            [f"{triton}/bin/tritonserver", f"--model-repository={models}",
             f"--backend-directory={backends}", "--http-address=127.0.0.1",
             "--grpc-address=127.0.0.1", "--http-port=18000", "--grpc-port=18001",
             "--allow-metrics=false", "--allow-gpu-metrics=false",
             "--disable-auto-complete-config"], env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        for _ in range(600):
            if self.process.poll() is not None:
                raise SystemExit("triton ended at its start; see the recipe in Docs/BENCHMARKS.md")
            try:
                link = http.client.HTTPConnection("127.0.0.1", 18000, timeout=1)
                link.request("GET", "/v2/health/ready")
                if link.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit("triton did not become ready within a minute")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


TRITON_MODEL = '''
import numpy as np, onnxruntime as ort, triton_python_backend_utils as pb
class TritonPythonModel:
    def initialize(self, args):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession("ONNX", options, providers=["CPUExecutionProvider"])
    def execute(self, requests):
        rows = [pb.get_input_tensor_by_name(r, "x").as_numpy() for r in requests]
        y = self.session.run(["y"], {"x": np.concatenate(rows)})[0]
        replies, start = [], 0
        for row in rows:
            part = y[start:start + len(row)]
            start += len(row)
            replies.append(pb.InferenceResponse([pb.Tensor("y", part)]))
        return replies
'''


def wire(arguments):
    models = os.path.join(ROOT, ".demo/bench")
    if not os.path.exists(f"{models}/tiny"):
        subprocess.run([SLUICE, "zoo", "build", "tiny", "--output", models], check=True)
    servers = [Sluice(models, *arguments.flag)]
    if arguments.triton:
        servers.append(Triton(os.path.abspath(arguments.triton), f"{models}/tiny/1/model.onnx"))
    rows = {}
    try:
        for server in servers:
            measure(server.pid, server.ports, "http-binary", 8, 2)
        for _ in range(arguments.rounds):
            for case in CASES:
                for connections in (1, 8, 64):
                    for server in servers:
                        row = measure(server.pid, server.ports, case, connections,
                                      arguments.seconds)
                        rows.setdefault((server.name, case, connections), []).append(row)
    finally:
        for server in servers:
            server.stop()
    print("| server | case | connections | CPU us/request | requests/s | p50 ms | p99 ms | bad |"
          " foreign |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (name, case, connections), found in rows.items():
        middle = lambda key: statistics.median(row[key] for row in found)
        print(f"| {name} | {case} | {connections} | {middle('cpu_us'):.1f} | {middle('rate'):.0f} |"
              f" {middle('p50'):.3f} | {middle('p99'):.3f} | {sum(r['bad'] for r in found)} |"
              f" {middle('foreign'):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["wire"])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--triton")
    parser.add_argument("--flag", action="append", default=[], help="a further flag of serve")
    arguments = parser.parse_args()
    wire(arguments)


if __name__ == "__main__":
    main()
