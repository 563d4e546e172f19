"""An ensemble through unmodified clients: metadata, configuration, results, statistics."""

import numpy as np
import pytest
import tritonclient.grpc as grpc
import tritonclient.http as http
from conftest import grpc_client, http_client
from tensors import given, wanted


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_tensors_walk_through_the_steps(server, kind):
    """Both outputs of the second step come back, for a batch, under the ensemble's names."""
    client = http_client(server) if kind == "http" else grpc_client(server)
    module = http if kind == "http" else grpc
    first = np.arange(48, dtype=np.float32).reshape(3, 16)
    second = np.linspace(-1, 1, 48, dtype=np.float32).reshape(3, 16)
    inputs = [given(module, "INPUT0", first), given(module, "INPUT1", second)]
    reply = client.infer("doubling", inputs)
    np.testing.assert_allclose(reply.as_numpy("TWICE0"), 2 * first, atol=1e-5)
    np.testing.assert_allclose(reply.as_numpy("TWICE1"), 2 * second, atol=1e-5)
    only = client.infer("doubling", inputs, outputs=wanted(module, "TWICE1"))
    assert only.as_numpy("TWICE0") is None
    np.testing.assert_allclose(only.as_numpy("TWICE1"), 2 * second, atol=1e-5)
    client.close()


def test_an_ensemble_says_what_it_is(triton):
    """Metadata and configuration are those that perf_analyzer reads."""
    assert triton.is_model_ready("doubling")
    assert triton.get_model_metadata("doubling")["platform"] == "ensemble"
    steps = triton.get_model_config("doubling")["ensemble_scheduling"]["step"]
    assert [step["model_name"] for step in steps] == ["add_sub", "add_sub"]
    assert steps[1]["input_map"] == {"INPUT0": "sum", "INPUT1": "difference"}


def test_its_requests_are_counted(triton):
    """Served requests stand in the statistics of the ensemble as well as of its steps."""
    before = triton.get_inference_statistics("doubling")["model_stats"][0]
    data = np.ones((2, 16), np.float32)
    triton.infer("doubling", [given(http, "INPUT0", data), given(http, "INPUT1", data)])
    after = triton.get_inference_statistics("doubling")["model_stats"][0]
    assert after["inference_count"] - before["inference_count"] == 2
    assert after["inference_stats"]["success"]["count"] == (
        before["inference_stats"]["success"]["count"] + 1
    )
