#!/usr/bin/env python3
"""Records how a real Triton answers the requests of Tests/Conformance/triton_cases.py.

The server is the one inside PyPI's nvidia-pytriton 0.7.0 (tritonserver 2.51 with the Python
backend), installed with its numpy < 2 into a virtual environment of its own. Its repository is
the conformance tests' own, each ONNX model stood in for by a Python one that does the same.
Run from an environment with Scripts/requirements-test.txt:

    .venv/bin/python Scripts/record-triton.py --triton SITE_PACKAGES --output FILE
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "Conformance"))

import model_files
import triton_cases

START_SECONDS = 120
STOP_SECONDS = 60
SOURCE = "tritonserver of PyPI's nvidia-pytriton {}, Python backend, on a CPU"

# One file for all models: what it does hangs on its name, as the ONNX graphs' names say.
MODEL = """
import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, args):
        name = args["model_name"]
        if name == "add_sub":
            self.run = lambda a, b: {"OUTPUT0": a + b, "OUTPUT1": a - b}
        elif name in ("variable", "reshaped"):
            self.run = lambda a: {"OUTPUT": a + a}
        elif name in ("plain", "versions"):
            amount = np.float32(args["model_version"])
            self.run = lambda a: {"OUTPUT": a + amount}
        else:
            self.run = lambda a: {"OUTPUT": a}

    def execute(self, requests):
        replies = []
        for request in requests:
            inputs = sorted(request.inputs(), key=lambda tensor: tensor.name())
            found = self.run(*(tensor.as_numpy() for tensor in inputs))
            asked = request.requested_output_names()
            tensors = [pb.Tensor(name, found[name]) for name in found if name in asked]
            replies.append(pb.InferenceResponse(tensors))
        return replies
"""


def write_repository(folder):
    """The conformance repository with Python models of the same names and signatures."""
    whole = folder / "onnx"
    whole.mkdir()
    model_files.write_all(whole)
    repository = folder / "models"
    for name in triton_cases.MODELS:
        target = repository / name
        shutil.copytree(whole / name, target)
        config = target / "config.pbtxt"
        text = config.read_text(encoding="utf-8")
        config.write_text(
            text.replace('platform: "onnxruntime_onnx"', 'backend: "python"'), "utf-8"
        )
        for model in target.glob("*/model.onnx"):
            model.unlink()
            (model.parent / "model.py").write_text(MODEL, encoding="utf-8")
    return repository


def library_folder(packages):
    """Where the virtual environment's Python keeps libpython."""
    python = packages.parents[2] / "bin" / "python"
    ask = 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))'
    return subprocess.run(
        [python, "-c", ask], check=True, capture_output=True, text=True
    ).stdout.strip()


def write_backend(packages, folder):
    """The Python backend with the stub of the environment's Python version."""
    triton = packages / "pytriton" / "tritonserver"
    version = re.fullmatch(r"python(3\.\d+)", packages.parent.name).group(1)
    shutil.copytree(triton / "backends" / "python", folder / "backends" / "python")
    stub = triton / "python_backend_stubs" / version / "triton_python_backend_stub"
    shutil.copy(stub, folder / "backends" / "python")
    return folder / "backends"


def free_ports(count):
    """Ports that nobody had a moment ago, none of them Triton's usual ones."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def triton(packages, folder):
    """A Triton that is ready, as (HTTP, gRPC, metrics) addresses; it is stopped at the end."""
    ports = free_ports(3)
    flags = [f"--model-repository={write_repository(folder)}"]
    flags += [f"--backend-directory={write_backend(packages, folder)}"]
    for word, port in zip(("http", "grpc", "metrics"), ports):
        flags += [f"--{word}-address=127.0.0.1", f"--{word}-port={port}"]
    flags += ["--allow-gpu-metrics=false", "--disable-auto-complete-config"]
    flags += ["--model-control-mode=explicit"]
    flags += [f"--load-model={name}" for name in triton_cases.MODELS]
    libraries = [str(packages / "nvidia_pytriton.libs"), library_folder(packages)]
    environment = {
        **os.environ,
        "PATH": f"{packages.parents[2] / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(packages),
        "LD_LIBRARY_PATH": ":".join(libraries),
    }
    log = folder / "log"
    with log.open("wb") as sink:
        binary = packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"
        process = subprocess.Popen([binary, *flags], stdout=sink, stderr=sink, env=environment)
    try:
        wait_ready(process, ports[0], log)
        yield [f"127.0.0.1:{port}" for port in ports]
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_ready(process, port, log):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{port}/v2/health/ready"
            with urllib.request.urlopen(url, timeout=5):
                return
        time.sleep(0.1)
    sys.exit(f"Triton was not ready in {START_SECONDS} s; it said:\n{log.read_text()[-4000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triton", required=True, help="site-packages with nvidia-pytriton")
    parser.add_argument("--output", required=True, help="the file to write")
    given = parser.parse_args()
    packages = pathlib.Path(given.triton).resolve()
    versions = [path.name.split("-")[1] for path in packages.glob("nvidia_pytriton-*.dist-info")]
    if not versions:
        sys.exit(f"there is no nvidia-pytriton in {packages}; pip install nvidia-pytriton==0.7.0")
    with tempfile.TemporaryDirectory() as folder, triton(packages, pathlib.Path(folder)) as where:
        answers = triton_cases.ask_all(*where)
    requests = {"http": triton_cases.http_cases(), "grpc": triton_cases.grpc_cases()}
    lines = ["{", f'"source": {json.dumps(SOURCE.format(versions[0].removesuffix(".dist")))},']
    lines.append(f'"metrics": {json.dumps(answers["metrics"])},')
    for kind in ("http", "grpc"):
        rows = [
            f"{json.dumps(name)}: {json.dumps({'request': asked, 'answer': answers[kind][name]})}"
            for name, asked in requests[kind].items()
        ]
        lines.append(f'"{kind}": {{\n' + ",\n".join(rows) + "\n}" + "," * (kind == "http"))
    text = "\n".join([*lines, "}", ""])
    json.loads(text)
    pathlib.Path(given.output).write_text(text, encoding="utf-8")
    print(f"{len(answers['http'])} HTTP and {len(answers['grpc'])} gRPC answers recorded")


if __name__ == "__main__":
    main()
