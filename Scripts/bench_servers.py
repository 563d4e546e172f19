"""Starts and stops the servers that are measured, on 127.0.0.1 only."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SLUICE = os.environ.get("SLUICE_BINARY", os.path.join(ROOT, ".build/release/sluice"))
START_SECONDS = 300


def call(port, method, path, body=None, timeout=120):
    """One HTTP request; its JSON answer, or an error with the server's own words."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        link.request(method, path, body)
        reply = link.getresponse()
        text = reply.read()
    finally:
        link.close()
    if reply.status != 200:
        words = text[:300].decode("utf8", "replace")
        raise SystemExit(f"{method} {path} gave {reply.status}: {words}")
    return json.loads(text) if text.strip() else {}


def statistics_of(port, model):
    """A model's own count: served inferences, batches, and when the last one ended (ms)."""
    found = call(port, "GET", f"/v2/models/{model}/stats")["model_stats"][0]
    return {"served": found["inference_count"], "batches": found["execution_count"],
            "last": found["last_inference"],
            "failed": found["inference_stats"]["fail"]["count"]}


def build_models(folder, *names):
    """Writes zoo networks that are not there yet."""
    missing = [name for name in names if not os.path.exists(f"{folder}/{name}/1/model.onnx")]
    if missing:
        subprocess.run([SLUICE, "zoo", "build", *missing, "--output", folder], check=True,
                       stdout=sys.stderr)


def free_ports(count):
    """Ports that nobody listens on, for a server that can't be told to take any free one."""
    sockets = [socket.socket() for _ in range(count)]
    for place in sockets:
        place.bind(("127.0.0.1", 0))
    ports = [place.getsockname()[1] for place in sockets]
    for place in sockets:
        place.close()
    return ports


class Sluice:
    name = "sluice"

    def __init__(self, models, *flags):
        if not os.path.exists(SLUICE):
            raise SystemExit(f"{SLUICE} is missing; run make release first")
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [SLUICE, "serve", "--model-repository", models, "--http-address",
             "127.0.0.1", "--http-port", "0", "--grpc-address", "127.0.0.1", "--grpc-port", "0",
             "--metrics-address", "127.0.0.1", "--metrics-port", "0", "--drain-seconds", "0",
             *flags],
            stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=ROOT)
        self.pid = self.process.pid
        self.ports = {}
        guard = threading.Timer(START_SECONDS, self.process.kill)
        guard.start()
        ready = False
        for line in self.process.stdout:
            found = re.match(r"\s*(HTTP|gRPC)\s.*:(\d+)", line)
            if found:
                self.ports[found[1].lower()] = int(found[2])
            ready = line.strip() == "ready"
            if ready or line.startswith("not ready: "):
                break
        guard.cancel()
        if not ready or len(self.ports) < 2:
            self.process.kill()
            self.process.wait()
            raise SystemExit("sluice did not become ready: " + self.last_words())

    def last_words(self):
        self.log.seek(0)
        return " / ".join(self.log.read().strip().split("\n")[-3:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise SystemExit("sluice did not stop within a minute of SIGTERM")


class Triton:
    """A real Triton in its Python-backend form, from the packages in `folder`.

    The wheel's stub is linked against the libpython of one Python version, and the packages in
    `folder` are built for the same one; so that Python is asked where its library is.
    """
    name = "triton-python"

    def __init__(self, folder, onnx, python=None):
        self.folder = tempfile.TemporaryDirectory()
        triton = f"{folder}/pytriton/tritonserver"
        if not os.path.exists(f"{triton}/bin/tritonserver"):
            raise SystemExit(f"no Triton in {folder}; see --triton in Docs/BENCHMARKS.md")
        python = python or self.interpreter(folder)
        version, libraries = subprocess.run(
            [python, "-c", "import sys, sysconfig as s;"
             "print('%d.%d' % sys.version_info[:2], s.get_config_var('LIBDIR'))"],
            capture_output=True, text=True, check=True).stdout.split()
        stub = f"{triton}/python_backend_stubs/{version}/triton_python_backend_stub"
        if not os.path.exists(stub):
            raise SystemExit(f"this Triton has no stub for Python {version}; name another "
                             "interpreter with --triton-python")
        models, backends = f"{self.folder.name}/models", f"{self.folder.name}/backends"
        os.makedirs(f"{models}/tiny/1")
        with open(f"{models}/tiny/config.pbtxt", "w") as config:
            config.write(TRITON_CONFIG)
        with open(f"{models}/tiny/1/model.py", "w") as model:
            model.write(TRITON_MODEL.replace("ONNX", onnx))
        subprocess.run(["cp", "-r", f"{triton}/backends", backends], check=True)
        subprocess.run(["cp", stub, f"{backends}/python/"], check=True)
        environment = dict(
            os.environ, PYTHONPATH=folder, PYTHONDONTWRITEBYTECODE="1",
            PATH=os.path.dirname(os.path.abspath(python)) + ":" + os.environ.get("PATH", ""),
            LD_LIBRARY_PATH=f"{folder}/nvidia_pytriton.libs:{libraries}")
        self.ports = dict(zip(("http", "grpc"), free_ports(2)))
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [f"{triton}/bin/tritonserver", f"--model-repository={models}",
             f"--backend-directory={backends}", "--http-address=127.0.0.1",
             "--grpc-address=127.0.0.1", f"--http-port={self.ports['http']}",
             f"--grpc-port={self.ports['grpc']}", "--allow-metrics=false",
             "--allow-gpu-metrics=false", "--disable-auto-complete-config"], env=environment,
            stdout=self.log, stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        self.await_ready()

    @staticmethod
    def interpreter(folder):
        """The Python of the virtual environment around `folder`, else the one that runs this."""
        beside = os.path.abspath(f"{folder}/../../../bin/python")
        return beside if os.path.exists(beside) else sys.executable

    def await_ready(self):
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                link = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=1)
                link.request("GET", "/v2/health/ready")
                if link.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        self.process.kill()
        self.process.wait()
        self.log.seek(0)
        words = " / ".join(self.log.read().strip().split("\n")[-3:])
        raise SystemExit("triton did not become ready within a minute: " + words)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


TRITON_CONFIG = '''name: "tiny"
backend: "python"
max_batch_size: 8
input [{ name: "x", data_type: TYPE_FP32, dims: [ 16 ] }]
output [{ name: "y", data_type: TYPE_FP32, dims: [ 16 ] }]
instance_group [{ count: 1, kind: KIND_CPU }]
dynamic_batching { }
'''

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
