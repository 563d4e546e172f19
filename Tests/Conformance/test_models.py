"""Real networks through the server, held against python's onnxruntime and the held-out digits."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tritonclient.grpc as grpc
import tritonclient.http as http
from conftest import grpc_client, http_client
from server import ROOT, sluice
from tensors import given, wanted

SMALL_NETWORKS = ["tiny", "lenet", "mnasnet1_0", "squeezenet", "mobilenet_v1_025"]


def load_digits(path):
    found = json.loads(path.read_text("utf-8"))
    images = np.array(found["images"], np.float32).reshape(-1, *found["shape"])
    return images, np.array(found["labels"])


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_digits_are_read(server, digits_file, kind):
    """At least 97 % of the held-out digits are read right, in batches of every size."""
    images, labels = load_digits(digits_file)
    assert len(labels) >= 300
    client = http_client(server) if kind == "http" else grpc_client(server)
    module = http if kind == "http" else grpc
    right, place, size = 0, 0, 1
    while place < len(labels):
        rows = images[place : place + size]
        scores = client.infer("digits", [given(module, "image", rows)]).as_numpy("scores")
        right += int((scores.argmax(axis=1) == labels[place : place + size]).sum())
        place, size = place + size, size % 64 + 7
    client.close()
    assert right / len(labels) >= 0.97, f"{right} of {len(labels)}"


def test_digits_by_their_labels(server, digits_file):
    """Classification names the digit."""
    images, labels = load_digits(digits_file)
    client = http_client(server)
    outputs = wanted(http, "scores", class_count=1)
    reply = client.infer("digits", [given(http, "image", images[:16])], outputs=outputs)
    names = [word.decode().split(":")[1] for word in reply.as_numpy("scores").reshape(-1)]
    client.close()
    assert sum(name == str(label) for name, label in zip(names, labels)) >= 14


def test_demo_request_works_as_written(server, digits_file):
    """The request that the demo prints a curl line for is served."""
    text = (digits_file.parent / "digits-request.json").read_text("utf-8")
    reply = server.post("/v2/models/digits/infer", text)
    assert reply.status == 200
    assert len(reply.json()["outputs"][0]["data"]) == 3


def test_zoo_equals_onnxruntime(launch, tmp_path):
    """Small zoo networks through the server give onnxruntime's values, alone and in batches."""
    folder = tmp_path / "models"
    listed = json.loads(sluice("zoo", "list", "--json").stdout)
    names = [network["name"] for network in listed]
    chosen = [name for name in SMALL_NETWORKS if name in names]
    assert {"tiny", "lenet"} <= set(chosen)
    built = sluice("zoo", "build", *chosen, "--output", folder, timeout=240)
    assert built.returncode == 0, built.stderr
    server = launch("--drain-seconds", "0", repository=folder)
    done = subprocess.run(
        [sys.executable, ROOT / "Scripts" / "zoo-reference.py", "--url", server.http, folder],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("server ok") == len(chosen)


def test_zoo_refuses_unknown_names(tmp_path):
    """A network that there is not: one line, exit 1."""
    done = sluice("zoo", "build", "nonsense", "--output", tmp_path)
    assert done.returncode == 1 and "nonsense" in done.stderr


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_load_generator_drives_the_server(server, protocol):
    """`sluice load --json`: every request of a short run ends, none fails."""
    url = f"http://{server.http}" if protocol == "http" else server.grpc
    done = sluice(
        *("load", "--url", url, "--protocol", protocol, "--model", "bare"),
        *("--concurrency", "4", "--duration", "1", "--json"),
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    total = json.loads(done.stdout)["total"]
    assert total["submitted"] > 0 and total["served"] == total["submitted"]
