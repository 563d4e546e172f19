"""Inference over HTTP by tritonclient, unmodified, and by plain HTTP where it can't say it."""

import gzip
import json
import struct
import threading
import zlib

import numpy as np
import pytest
import tritonclient.http as http
from conftest import http_client
from model_files import NUMPY_TYPES, identity_name
from tensors import bf16_returns, draw, echo, equal, given, wanted
from tritonclient.utils import InferenceServerException

ONES = ("INPUT", "FP32", [1, 4], [1, 2, 3, 4])


@pytest.mark.parametrize("datatype", NUMPY_TYPES)
def test_every_type_travels_as_binary_data(triton, datatype):
    """Binary in and out returns the very bits, for one item and for a batch."""
    for shape in ([1, 5], [3, 4]):
        values = draw(datatype, shape)
        equal(echo(triton, http, datatype, values, binary_data=True), values)


@pytest.mark.parametrize("datatype", [name for name in NUMPY_TYPES if name != "FP16"])
def test_every_type_travels_as_json(triton, datatype):
    """JSON in and out returns the same values, the extremes of whole numbers included."""
    values = draw(datatype, [2, 4])
    if datatype == "BYTES":
        values = np.array([[b"", b"plain"], ["Grüße".encode(), b'"\\\n']], np.object_)
    outputs = wanted(http, "OUTPUT", binary_data=False)
    equal(echo(triton, http, datatype, values, outputs, binary_data=False), values)


def test_bf16_travels_raw(triton):
    """BF16 keeps its bits."""
    assert bf16_returns(triton, http)


@pytest.mark.parametrize("datatype", ["FP16", "BF16"])
def test_half_precision_is_refused_as_json(server, datatype):
    """Numbers of FP16 and BF16 can't be written in JSON: one clear line, 400."""
    reply = server.infer(identity_name(datatype), ("INPUT", datatype, [1, 1], [1.5]))
    assert reply.status == 400 and datatype in reply.error


def test_binary_and_json_mix_in_one_request(triton):
    """One input binary, the other JSON; one output binary, the other JSON."""
    left, right = draw("FP32", [2, 16], 1), draw("FP32", [2, 16], 2)
    left[0, 0] = right[0, 0] = 1
    inputs = [
        given(http, "INPUT0", left, binary_data=True),
        given(http, "INPUT1", right, binary_data=False),
    ]
    outputs = [
        *wanted(http, "OUTPUT0", binary_data=False),
        *wanted(http, "OUTPUT1", binary_data=True),
    ]
    reply = triton.infer("add_sub", inputs, outputs=outputs)
    np.testing.assert_allclose(reply.as_numpy("OUTPUT0"), left + right, rtol=1e-6)
    equal(reply.as_numpy("OUTPUT1"), left - right)


def test_only_requested_outputs_are_answered(triton):
    """One output of two, and the reply carries the request's id and the model's name."""
    inputs = [given(http, f"INPUT{i}", draw("FP32", [1, 16], i)) for i in (0, 1)]
    reply = triton.infer(
        "add_sub", inputs, outputs=wanted(http, "OUTPUT1"), request_id="request 7"
    ).get_response()
    assert [output["name"] for output in reply["outputs"]] == ["OUTPUT1"]
    assert reply["id"] == "request 7"
    assert reply["model_name"] == "add_sub" and reply["model_version"] == "1"


def test_all_outputs_come_when_none_is_named(server):
    """Without `outputs` all come, as JSON, in the order of the configuration; no id unasked."""
    data = [float(i) for i in range(16)]
    reply = server.infer(
        "add_sub", ("INPUT0", "FP32", [1, 16], data), ("INPUT1", "FP32", [1, 16], data)
    )
    answer = reply.json()
    assert reply.status == 200 and reply.headers["content-type"] == "application/json"
    assert [output["name"] for output in answer["outputs"]] == ["OUTPUT0", "OUTPUT1"]
    assert answer["outputs"][0]["data"] == [2 * value for value in data]
    assert answer["outputs"][0]["shape"] == [1, 16]
    assert "id" not in answer


def test_nested_json_data_is_flattened(server):
    """Nested rows mean the same as a flat list."""
    reply = server.infer("bare", ("INPUT", "FP32", [2, 4], [[1, 2, 3, 4], [5, 6, 7, 8]]))
    assert reply.json()["outputs"][0]["data"] == [6, 7, 8, 9, 10, 11, 12, 13]


def test_versions_answer_by_number(server):
    """The policy serves versions 1 and 3: the latest by default, each by number, 2 not at all."""
    for version, amount in ((None, 3), (1, 1), (3, 3)):
        path = "versions" if version is None else f"versions/versions/{version}"
        reply = server.infer(path, ONES)
        answer = reply.json()
        assert answer["model_version"] == str(version or 3)
        assert answer["outputs"][0]["data"] == [1 + amount, 2 + amount, 3 + amount, 4 + amount]
    refused = server.infer("versions/versions/2", ONES)
    assert refused.status == 404 and "version" in refused.error


def test_model_without_batch_dimension(triton):
    """`max_batch_size: 0`: the shape is the tensor's own, and two rows more are refused."""
    values = draw("FP32", [2, 3], 5)
    values[0, 0] = 0
    reply = triton.infer("plain", [given(http, "INPUT", values)])
    equal(reply.as_numpy("OUTPUT"), values + np.float32(1))
    with pytest.raises(InferenceServerException) as refused:
        triton.infer("plain", [given(http, "INPUT", draw("FP32", [1, 2, 3]))])
    assert refused.value.status() == "400"


def test_variable_dimensions(triton):
    """Free dimensions take any size, and empty tensors."""
    for shape in ([1, 1, 1], [2, 3, 7], [4, 10, 100], [1, 0, 4]):
        values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        reply = triton.infer("variable", [given(http, "INPUT", values)])
        equal(reply.as_numpy("OUTPUT"), values + values)


def test_reshape_is_invisible_to_clients(triton):
    """Clients see dims [4], the model sees [2, 2]."""
    values = np.arange(8, dtype=np.float32).reshape(2, 4)
    reply = triton.infer("reshaped", [given(http, "INPUT", values)])
    equal(reply.as_numpy("OUTPUT"), values + values)


def test_requests_at_once_keep_apart(server):
    """48 requests of different shapes and sizes from 6 connections: each gets its own answer."""
    faults = []

    def drive(place):
        client = http_client(server)
        try:
            for turn in range(8):
                shape = [1 + (place + turn) % 4, 1 + turn % 3, 5]
                values = np.full(shape, place * 100 + turn, np.float32)
                reply = client.infer("variable", [given(http, "INPUT", values)])
                equal(reply.as_numpy("OUTPUT"), values + values)
        except Exception as fault:  # noqa: BLE001 - told by the main thread
            faults.append(fault)
        finally:
            client.close()

    threads = [threading.Thread(target=drive, args=(place,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults


def test_asynchronous_requests(server):
    """tritonclient's async_infer with several connections."""
    client = http_client(server, concurrency=4)
    rows = [np.full((1, 4), number, np.float32) for number in range(12)]
    pending = [client.async_infer("bare", [given(http, "INPUT", row)]) for row in rows]
    for row, reply in zip(rows, pending):
        equal(reply.get_result().as_numpy("OUTPUT"), row + np.float32(5))
    client.close()


def test_classification(triton):
    """The best classes as `value:index:label`, best first; no more than there are."""
    values = np.array([[0.5, 4.0, -1.0, 2.25], [3.0, 0.0, 1.0, 2.0]], np.float32)
    inputs = [given(http, "INPUT", values)]
    for count, columns in ((2, 2), (9, 4)):
        outputs = wanted(http, "OUTPUT", class_count=count)
        answer = triton.infer("classifier", inputs, outputs=outputs).as_numpy("OUTPUT")
        assert answer.shape == (2, columns)
        assert answer[0][:2].tolist() == [b"4.000000:1:bee", b"2.250000:3:dog"]
        assert answer[1][:2].tolist() == [b"3.000000:0:ant", b"2.000000:3:dog"]


def test_classification_as_json(server):
    """The reply says BYTES, the shape [batch, classes] and the strings."""
    reply = server.infer(
        "classifier",
        ("INPUT", "FP32", [1, 4], [0, 1, 2, 3]),
        outputs=[{"name": "OUTPUT", "parameters": {"classification": 2}}],
    )
    output = reply.json()["outputs"][0]
    assert output["datatype"] == "BYTES" and output["shape"] == [1, 2]
    assert output["data"] == ["3.000000:3:dog", "2.000000:2:cat"]


def test_raw_body(server):
    """Header length 0: the body is the one tensor, the answer all binary."""
    values = np.arange(4, dtype="<f4")
    reply = server.post(
        "/v2/models/bare/infer", values.tobytes(), {"Inference-Header-Content-Length": "0"}
    )
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/octet-stream"
    length = int(reply.headers["inference-header-content-length"])
    output = json.loads(reply.body[:length])["outputs"][0]
    assert output["parameters"]["binary_data_size"] == 16 and output["shape"] == [1, 4]
    assert np.frombuffer(reply.body[length:], "<f4").tolist() == [5, 6, 7, 8]


def test_raw_body_with_a_free_dimension_and_text(server):
    """The one free size is worked out of the length; BYTES is one element without its length."""
    header = {"Inference-Header-Content-Length": "0"}
    reply = server.post("/v2/models/identity_int32/infer", struct.pack("<5i", *range(5)), header)
    length = int(reply.headers["inference-header-content-length"])
    assert json.loads(reply.body[:length])["outputs"][0]["shape"] == [1, 5]
    reply = server.post("/v2/models/identity_bytes/infer", b"some text", header)
    length = int(reply.headers["inference-header-content-length"])
    assert reply.body[length:] == struct.pack("<I", 9) + b"some text"


@pytest.mark.parametrize("asked", ["gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_compression_both_ways(triton, asked, binary):
    """tritonclient compresses the request and unpacks the reply; the values stay the same."""
    values = np.tile(np.arange(64, dtype=np.float32), (4, 16))
    inputs = [given(http, "INPUT", values, binary_data=binary)]
    reply = triton.infer(
        "identity_fp32",
        inputs,
        outputs=wanted(http, "OUTPUT", binary_data=binary),
        request_compression_algorithm=asked,
        response_compression_algorithm=asked,
    )
    equal(reply.as_numpy("OUTPUT"), values)


@pytest.mark.parametrize("asked", ["gzip", "deflate"])
def test_replies_are_compressed_on_the_wire(server, asked):
    """A long reply comes packed where the client takes that, and plain where it does not."""
    body = {
        "inputs": [{"name": "INPUT", "datatype": "INT32", "shape": [1, 900], "data": [7] * 900}]
    }
    path = "/v2/models/identity_int32/infer"
    packed = server.post(path, body, {"Accept-Encoding": asked})
    assert packed.headers.get("content-encoding") == asked
    plain = gzip.decompress(packed.body) if asked == "gzip" else zlib.decompress(packed.body)
    assert json.loads(plain)["outputs"][0]["data"] == [7] * 900
    assert "content-encoding" not in server.post(path, body).headers


def test_unknown_encoding_is_refused(server):
    """Another encoding: 501, and the reply says which are taken."""
    reply = server.post("/v2/models/bare/infer", b"{}", {"Content-Encoding": "br"})
    assert reply.status == 501 and reply.error
    assert {"gzip", "deflate"} <= set(reply.headers["accept-encoding"].replace(" ", "").split(","))


def test_parameters_pass(triton):
    """Priorities, unknown levels and custom parameters are taken by a model that has none."""
    inputs = [given(http, "INPUT", np.ones((1, 4), np.float32))]
    for priority in (0, 1, 2, 77):
        assert triton.infer("bare", inputs, priority=priority).as_numpy("OUTPUT")[0, 0] == 6
    reply = triton.infer("bare", inputs, parameters={"note": "text", "number": 3, "flag": True})
    assert reply.as_numpy("OUTPUT")[0, 0] == 6
    # A model without state answers members of a sequence like any other request.
    reply = triton.infer("bare", inputs, sequence_id=5, sequence_start=True)
    assert reply.as_numpy("OUTPUT")[0, 0] == 6


def test_reserved_parameters_are_refused(server):
    """`triton_...` belongs to the protocol: 400 over HTTP."""
    reply = server.infer("bare", ONES, parameters={"triton_enable_empty_final_response": True})
    assert reply.status == 400 and "triton_" in reply.error


def test_large_tensors(triton):
    """8 MiB of binary data in and out."""
    values = np.arange(2 * 1024 * 1024, dtype=np.float32).reshape(1, -1)
    equal(echo(triton, http, "FP32", values, binary_data=True), values)


def test_predicted_latency_on_request(server):
    """`sluice-predict: 1` asks for the forecast; without it the header does not come."""
    for _ in range(3):
        reply = server.infer("bare", ONES, headers={"sluice-predict": "1"})
        assert reply.status == 200
    assert float(reply.headers["sluice-predicted-ms"]) >= 0
    assert "sluice-predicted-ms" not in server.infer("bare", ONES).headers


def test_values_that_json_has_no_word_for(triton):
    """NaN and the infinities come out as the words that JSON libraries read; binary keeps them."""
    values = np.array([[np.nan, np.inf, -np.inf, 1.5]], np.float32)
    for binary in (True, False):
        outputs = wanted(http, "OUTPUT", binary_data=binary)
        answer = echo(triton, http, "FP32", values, outputs, binary_data=True)
        np.testing.assert_array_equal(answer, values)
