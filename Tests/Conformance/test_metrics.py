"""The metrics endpoint: Triton's names are there, and the counters add up."""

from http.client import HTTPConnection

import numpy as np
import pytest
import tritonclient.http as http
from conftest import http_client
from server import wait_until
from tensors import given

ROW = ("INPUT", "FP32", [1, 4], [1, 1, 1, 1])
TRITON_NAMES = [
    "nv_inference_request_success",
    "nv_inference_request_failure",
    "nv_inference_count",
    "nv_inference_exec_count",
    "nv_inference_pending_request_count",
    "nv_inference_request_duration_us",
    "nv_inference_queue_duration_us",
    "nv_inference_compute_input_duration_us",
    "nv_inference_compute_infer_duration_us",
    "nv_inference_compute_output_duration_us",
    "nv_cpu_utilization",
    "nv_cpu_memory_total_bytes",
    "nv_cpu_memory_used_bytes",
    "nv_pinned_memory_pool_total_bytes",
    "nv_pinned_memory_pool_used_bytes",
]


@pytest.fixture(scope="module")
def counted(launch_session):
    """A server of its own, so that nobody else's requests count."""
    return launch_session("--drain-seconds", "0", load=["bare", "classifier", "versions"])


def test_names_and_labels(counted):
    """Every name is there from the start, with model and version; all four failure reasons."""
    samples = counted.samples()
    for name in TRITON_NAMES:
        assert name in samples, name
    models = {(row["model"], row["version"]) for row, _ in samples["nv_inference_count"]}
    assert models == {("bare", "1"), ("classifier", "1"), ("versions", "1"), ("versions", "3")}
    reasons = {row["reason"] for row, _ in samples["nv_inference_request_failure"]}
    assert reasons == {"REJECTED", "CANCELED", "BACKEND", "OTHER"}
    assert counted.metric("sluice_ready") == 1
    assert 0 <= counted.metric("nv_cpu_utilization") <= 1
    total, used = (counted.metric(f"nv_cpu_memory_{what}_bytes") for what in ("total", "used"))
    assert 0 < used < total
    assert counted.metric("nv_pinned_memory_pool_total_bytes") == 0


def test_counters_add_up(counted):
    """Known traffic, good and bad: every counter says just that."""
    client = http_client(counted)
    for items in (1, 2, 4):
        client.infer("bare", [given(http, "INPUT", np.ones((items, 4), np.float32))])
    client.close()
    for _ in range(5):
        assert counted.infer("bare", ("INPUT", "FP32", [1, 5], [1] * 5)).status == 400
    label = {"model": "bare"}
    assert counted.metric("nv_inference_request_success", **label) == 3
    assert counted.metric("nv_inference_count", **label) == 7
    assert counted.metric("nv_inference_exec_count", **label) == 3
    assert counted.metric("nv_inference_pending_request_count", **label) == 0
    assert counted.metric("nv_inference_request_failure", reason="OTHER", **label) == 5
    assert counted.metric("nv_inference_request_failure", reason="BACKEND", **label) == 0
    total = counted.metric("nv_inference_request_duration_us", **label)
    parts = [
        counted.metric(f"nv_inference_{part}_duration_us", **label)
        for part in ("queue", "compute_input", "compute_infer", "compute_output")
    ]
    assert 0 < sum(parts) <= total
    assert counted.metric("sluice_requests_total", outcome="served", **label) == 3
    assert counted.metric("sluice_requests_total", **label) == 3
    assert counted.metric("nv_inference_count", model="classifier") == 0


def test_histograms_are_whole(counted):
    """Latency and batch-size histograms: cumulative, the last bucket is the count."""
    assert counted.infer("classifier", ROW).status == 200
    samples = counted.samples()
    histograms = {name.removesuffix("_bucket") for name in samples if name.endswith("_bucket")}
    assert "sluice_batch_items" in histograms and len(histograms) >= 2
    for name in histograms:
        series = {}
        for labels, value in samples[name + "_bucket"]:
            key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
            series.setdefault(key, []).append((float(labels["le"]), value))
        counts = {
            tuple(sorted(labels.items())): value for labels, value in samples[name + "_count"]
        }
        for key, rows in series.items():
            assert rows == sorted(rows) and rows[-1][0] == float("inf")
            values = [value for _, value in rows]
            assert values == sorted(values) and values[-1] == counts[key]
    priorities = {labels.get("priority") for labels, _ in samples["sluice_requests_total"]}
    assert priorities == {"high", "low"}


def test_priorities_count_apart(counted):
    """Level 1 counts as high, all else as low."""
    before = counted.metric("sluice_requests_total", model="versions", priority="high")
    assert counted.infer("versions", ROW, parameters={"priority": 1}).status == 200
    assert counted.infer("versions", ROW).status == 200
    high = counted.metric("sluice_requests_total", model="versions", priority="high")
    assert high == before + 1
    counted_all = counted.metric("sluice_requests_total", model="versions")
    wait_until(
        lambda: counted.metric("nv_inference_request_success", model="versions") == counted_all,
        "both counters agree",
    )


def test_only_metrics_are_there(counted):
    """The port serves /metrics and nothing else; the main port does not serve it."""
    host, port = counted.metrics.split(":")
    for path, status in (("/metrics", 200), ("/", 404), ("/v2", 404)):
        connection = HTTPConnection(host, int(port), timeout=10)
        connection.request("GET", path)
        assert connection.getresponse().status == status
        connection.close()
    assert counted.get("/metrics").status == 404


def test_unloaded_models_leave_the_metrics(counted):
    """Load, serve, unload: the series go with the model and come back with it."""
    client = http_client(counted)
    client.load_model("reshaped")
    assert counted.metric("nv_inference_exec_count", model="reshaped") == 0
    client.unload_model("reshaped")
    client.close()
    wait_until(
        lambda: (
            not any(
                labels["model"] == "reshaped"
                for labels, _ in counted.samples()["nv_inference_count"]
            )
        ),
        "the series are gone",
    )
