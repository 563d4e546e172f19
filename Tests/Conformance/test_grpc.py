"""Every gRPC call by tritonclient and grpcio, unmodified."""

import queue
import threading
import uuid

import grpc as rpc
import numpy as np
import pytest
import tritonclient.grpc as grpc
import tritonclient.utils.shared_memory as memory
from conftest import PLAIN_MODELS, grpc_client
from model_files import NUMPY_TYPES, add_constant, identity_name
from raw_http2 import field
from server import WAIT_SECONDS, wait_until
from tensors import bf16_returns, draw, echo, equal, given, wanted
from test_http_service import BLOCKS, EXTENSIONS
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

VALUES = np.ones((1, 4), np.float32)


def code(fault):
    """The status code that tritonclient wraps, as a word."""
    return fault.value.status().removeprefix("StatusCode.")


# --- Inference ---------------------------------------------------------------------------------


@pytest.mark.parametrize("datatype", NUMPY_TYPES)
def test_every_type_travels(triton_grpc, datatype):
    """The very bits come back, for one item and for a batch."""
    for shape in ([1, 5], [3, 4]):
        values = draw(datatype, shape)
        equal(echo(triton_grpc, grpc, datatype, values), values)


def test_bf16_travels_raw(triton_grpc):
    """BF16 keeps its bits."""
    assert bf16_returns(triton_grpc, grpc)


TYPED = {
    "BOOL": ("bool_contents", [True, False]),
    "INT8": ("int_contents", [-128, 127]),
    "INT16": ("int_contents", [-32768, 32767]),
    "INT32": ("int_contents", [-(2**31), 2**31 - 1]),
    "INT64": ("int64_contents", [-(2**63), 2**63 - 1]),
    "UINT8": ("uint_contents", [0, 255]),
    "UINT16": ("uint_contents", [0, 65535]),
    "UINT32": ("uint_contents", [0, 2**32 - 1]),
    "UINT64": ("uint64_contents", [0, 2**64 - 1]),
    "FP32": ("fp32_contents", [0.5, -1.25]),
    "FP64": ("fp64_contents", [0.1, -1e300]),
    "BYTES": ("bytes_contents", [b"", b"some text"]),
}


@pytest.fixture
def channel(server):
    with rpc.insecure_channel(server.grpc) as made:
        yield made


def infer_call(channel):
    return channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        request_serializer=service_pb2.ModelInferRequest.SerializeToString,
        response_deserializer=service_pb2.ModelInferResponse.FromString,
    )


@pytest.mark.parametrize("datatype", TYPED)
def test_typed_contents(channel, datatype):
    """Values in `contents` instead of raw bytes mean the same."""
    member, values = TYPED[datatype]
    request = service_pb2.ModelInferRequest(model_name=identity_name(datatype))
    tensor = request.inputs.add(name="INPUT", datatype=datatype, shape=[1, 2])
    getattr(tensor.contents, member).extend(values)
    reply = infer_call(channel)(request, timeout=WAIT_SECONDS)
    answer = grpc.InferResult(reply).as_numpy("OUTPUT")
    assert answer.reshape(-1).tolist() == values
    # An integer that does not fit its type is refused, never cut.
    if datatype in ("INT8", "INT16", "UINT8", "UINT16"):
        getattr(tensor.contents, member)[1] = 70_000
        with pytest.raises(rpc.RpcError) as refused:
            infer_call(channel)(request, timeout=WAIT_SECONDS)
        assert refused.value.code() == rpc.StatusCode.INVALID_ARGUMENT


def test_outputs_ids_and_parameters(triton_grpc):
    """One output of two, the id comes back, priorities and custom parameters are taken."""
    inputs = [given(grpc, f"INPUT{i}", draw("FP32", [2, 16], i)) for i in (0, 1)]
    reply = triton_grpc.infer(
        "add_sub",
        inputs,
        outputs=wanted(grpc, "OUTPUT1"),
        request_id="request 9",
        priority=1,
        parameters={"note": "text", "number": 3, "flag": True},
    )
    response = reply.get_response()
    assert response.id == "request 9" and response.model_name == "add_sub"
    assert response.model_version == "1"
    assert [output.name for output in response.outputs] == ["OUTPUT1"]
    assert reply.as_numpy("OUTPUT1").shape == (2, 16)
    assert reply.as_numpy("OUTPUT0") is None


def test_versions(triton_grpc):
    """The latest by default, each by number, others NOT_FOUND."""
    inputs = [given(grpc, "INPUT", VALUES)]
    for version, answer in (("", 4), ("1", 2), ("3", 4)):
        reply = triton_grpc.infer("versions", inputs, model_version=version)
        assert reply.as_numpy("OUTPUT")[0, 0] == answer
    with pytest.raises(InferenceServerException) as refused:
        triton_grpc.infer("versions", inputs, model_version="2")
    assert code(refused) == "NOT_FOUND"
    with pytest.raises(InferenceServerException) as refused:
        triton_grpc.infer("versions", inputs, model_version="latest")
    assert code(refused) == "INVALID_ARGUMENT"


def test_classification(triton_grpc):
    """The best classes as BYTES."""
    values = np.array([[0.5, 4.0, -1.0, 2.25]], np.float32)
    reply = triton_grpc.infer(
        "classifier",
        [given(grpc, "INPUT", values)],
        outputs=wanted(grpc, "OUTPUT", class_count=2),
    )
    assert reply.as_numpy("OUTPUT").tolist() == [[b"4.000000:1:bee", b"2.250000:3:dog"]]


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compression(triton_grpc, algorithm):
    """Compressed messages both ways, as grpcio does it."""
    values = np.tile(np.arange(1024, dtype=np.float32), (2, 64))
    reply = triton_grpc.infer(
        "identity_fp32", [given(grpc, "INPUT", values)], compression_algorithm=algorithm
    )
    equal(reply.as_numpy("OUTPUT"), values)


def test_large_tensors(triton_grpc):
    """8 MiB both ways, three of them at once."""
    values = [np.full((1, 2 << 20), number, np.float32) for number in range(3)]
    ended = queue.Queue()
    for row in values:
        triton_grpc.async_infer(
            "identity_fp32",
            [given(grpc, "INPUT", row)],
            lambda result, error: ended.put((result, error)),
        )
    found = set()
    for _ in values:
        result, error = ended.get(timeout=WAIT_SECONDS)
        assert error is None, error
        answer = result.as_numpy("OUTPUT")
        assert answer.shape == (1, 2 << 20) and (answer == answer[0, 0]).all()
        found.add(int(answer[0, 0]))
    assert found == {0, 1, 2}


@pytest.mark.parametrize(
    ("change", "wanted_code"),
    [
        ({"model_name": "nobody"}, "NOT_FOUND"),
        ({"model_version": "17"}, "NOT_FOUND"),
        ({"name": "INPUT9"}, "INVALID_ARGUMENT"),
        ({"datatype": "INT32"}, "INVALID_ARGUMENT"),
        ({"datatype": "FLOAT"}, "INVALID_ARGUMENT"),
        ({"shape": [1, 5]}, "INVALID_ARGUMENT"),
        ({"shape": [4]}, "INVALID_ARGUMENT"),
        ({"shape": [-1, 4]}, "INVALID_ARGUMENT"),
        ({"shape": [0, 4]}, "INVALID_ARGUMENT"),
        ({"shape": [2**62, 4]}, "INVALID_ARGUMENT"),
        ({"shape": [100, 4], "raw": b"\0" * 1600}, "INVALID_ARGUMENT"),
        ({"raw": b"\0" * 15}, "INVALID_ARGUMENT"),
        ({"raw": b""}, "INVALID_ARGUMENT"),
        ({"raws": 0}, "INVALID_ARGUMENT"),
        ({"raws": 2}, "INVALID_ARGUMENT"),
        ({"inputs": 2}, "INVALID_ARGUMENT"),
        ({"inputs": 0}, "INVALID_ARGUMENT"),
        ({"output": "OUTPUT9"}, "INVALID_ARGUMENT"),
        ({"mixed": True}, "INVALID_ARGUMENT"),
    ],
)
def test_wrong_requests(server, channel, change, wanted_code):
    """One line with the right code; the next request is served."""
    request = service_pb2.ModelInferRequest(
        model_name=change.get("model_name", "bare"), model_version=change.get("model_version", "")
    )
    count = change.get("inputs", 1)
    for _ in range(count):
        tensor = request.inputs.add(
            name=change.get("name", "INPUT"),
            datatype=change.get("datatype", "FP32"),
            shape=change.get("shape", [1, 4]),
        )
        if "mixed" in change:
            tensor.contents.fp32_contents.extend([1, 2, 3, 4])
    for _ in range(change.get("raws", count)):
        request.raw_input_contents.append(change.get("raw", b"\0" * 16))
    if "output" in change:
        request.outputs.add(name=change["output"])
    with pytest.raises(rpc.RpcError) as refused:
        infer_call(channel)(request, timeout=WAIT_SECONDS)
    assert refused.value.code().name == wanted_code, refused.value.details()
    assert refused.value.details() and "\n" not in refused.value.details()
    assert server.answers()


def test_too_large_a_message(launch):
    """Beyond the limit: INVALID_ARGUMENT or RESOURCE_EXHAUSTED with the limit; others go on."""
    server = launch("--grpc-max-message-size", "1000000", "--drain-seconds", "0", load=["bare"])
    client = grpc_client(server)
    values = np.zeros((1, 1_000_000), np.float32)
    with pytest.raises(InferenceServerException) as refused:
        client.infer("bare", [given(grpc, "INPUT", values)])
    assert code(refused) in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")
    assert "1000000" in str(refused.value).replace(",", "")
    reply = client.infer("bare", [given(grpc, "INPUT", VALUES)])
    assert reply.as_numpy("OUTPUT")[0, 0] == 6
    client.close()


# --- Streams -----------------------------------------------------------------------------------


def test_stream_of_inferences(triton_grpc):
    """Every request of a stream is answered, with its id, in order; errors ride in the stream."""
    answers = queue.Queue()
    triton_grpc.start_stream(callback=lambda result, error: answers.put((result, error)))
    for number in range(40):
        name = "bare" if number != 20 else "nobody"
        values = np.full((1, 4), number, np.float32)
        triton_grpc.async_stream_infer(name, [given(grpc, "INPUT", values)], request_id=str(number))
    for number in range(40):
        result, error = answers.get(timeout=WAIT_SECONDS)
        if number == 20:
            assert error is not None and "nobody" in str(error)
        else:
            assert error is None, error
            assert result.get_response().id == str(number)
            assert result.as_numpy("OUTPUT")[0, 0] == number + 5
    triton_grpc.stop_stream()


def test_stream_says_its_last_answer(triton_grpc):
    """`triton_enable_empty_final_response`: the one answer is marked as the last."""
    answers = queue.Queue()
    triton_grpc.start_stream(callback=lambda result, error: answers.put((result, error)))
    inputs = [given(grpc, "INPUT", VALUES)]
    triton_grpc.async_stream_infer("bare", inputs, enable_empty_final_response=True)
    result, error = answers.get(timeout=WAIT_SECONDS)
    assert error is None
    assert result.get_response().parameters["triton_final_response"].bool_param
    triton_grpc.stop_stream()


def test_stream_with_true_errors(channel):
    """`triton_grpc_error: true` ends the stream with a status of its own."""
    stream = channel.stream_stream(
        "/inference.GRPCInferenceService/ModelStreamInfer",
        request_serializer=service_pb2.ModelInferRequest.SerializeToString,
        response_deserializer=service_pb2.ModelStreamInferResponse.FromString,
    )
    requests = iter([service_pb2.ModelInferRequest(model_name="nobody", id="7")])
    replies = stream(requests, metadata=[("triton_grpc_error", "true")], timeout=WAIT_SECONDS)
    with pytest.raises(rpc.RpcError) as refused:
        list(replies)
    assert refused.value.code() == rpc.StatusCode.NOT_FOUND


# --- The other calls ---------------------------------------------------------------------------


def test_health_and_metadata(triton_grpc):
    """Live, ready, models ready, and what they are."""
    assert triton_grpc.is_server_live() and triton_grpc.is_server_ready()
    assert all(triton_grpc.is_model_ready(name) for name in PLAIN_MODELS)
    assert not triton_grpc.is_model_ready("nobody")
    assert set(triton_grpc.get_server_metadata().extensions) >= EXTENSIONS
    found = triton_grpc.get_model_metadata("add_sub")
    assert found.platform == "onnxruntime_onnx" and list(found.versions) == ["1"]
    assert [(t.name, t.datatype, list(t.shape)) for t in found.inputs] == [
        ("INPUT0", "FP32", [-1, 16]),
        ("INPUT1", "FP32", [-1, 16]),
    ]
    with pytest.raises(InferenceServerException) as unknown:
        triton_grpc.get_model_metadata("nobody")
    assert code(unknown) == "NOT_FOUND"


def test_model_config(triton_grpc):
    """The configuration as the generated message."""
    found = triton_grpc.get_model_config("add_sub").config
    assert found.name == "add_sub" and found.max_batch_size == 8
    assert found.HasField("dynamic_batching")
    assert found.input[0].name == "INPUT0" and list(found.input[0].dims) == [16]
    policy = triton_grpc.get_model_config("versions").config.version_policy
    assert list(policy.specific.versions) == [1, 3]


def test_statistics(triton_grpc):
    """All eight blocks; a request more counts one more."""

    def read():
        (entry,) = triton_grpc.get_inference_statistics("plain").model_stats
        return entry

    triton_grpc.infer("plain", [given(grpc, "INPUT", np.ones((2, 3), np.float32))])
    before = read()
    triton_grpc.infer("plain", [given(grpc, "INPUT", np.ones((2, 3), np.float32))])
    after = read()
    for block in BLOCKS:
        assert after.inference_stats.HasField(block), block
    assert after.inference_stats.success.count == before.inference_stats.success.count + 1
    assert after.inference_count == before.inference_count + 1
    assert after.batch_stats[0].batch_size == 1
    names = {entry.name for entry in triton_grpc.get_inference_statistics().model_stats}
    assert {"bare", "plain", "versions"} <= names


def test_repository(triton_grpc, repository):
    """Index, load with a configuration and a file, unload."""
    index = {row.name: row.state for row in triton_grpc.get_model_repository_index().models}
    assert index["bare"] == "READY" and index["slow"] in ("", "UNAVAILABLE")
    (repository / "guest" / "1").mkdir(parents=True, exist_ok=True)
    (repository / "guest" / "1" / "model.onnx").write_bytes(add_constant(1))
    triton_grpc.load_model("guest")
    inputs = [given(grpc, "INPUT", VALUES)]
    assert triton_grpc.infer("guest", inputs).as_numpy("OUTPUT")[0, 0] == 2
    triton_grpc.load_model(
        "guest",
        config='{"backend": "onnxruntime", "max_batch_size": 3}',
        files={"file:2/model.onnx": add_constant(9)},
    )
    assert triton_grpc.infer("guest", inputs).as_numpy("OUTPUT")[0, 0] == 10
    assert triton_grpc.get_model_config("guest").config.max_batch_size == 3
    triton_grpc.unload_model("guest")
    wait_until(lambda: not triton_grpc.is_model_ready("guest"), "guest is gone")
    with pytest.raises(InferenceServerException) as refused:
        triton_grpc.load_model("nobody")
    assert "nobody" in str(refused.value)


def test_settings(triton_grpc):
    """Log and trace settings can be read, changed and refused."""
    assert triton_grpc.update_log_settings({"log_verbose_level": 1})
    found = triton_grpc.get_log_settings(as_json=True)["settings"]
    assert found["log_verbose_level"]["uint32_param"] == 1
    triton_grpc.update_log_settings({"log_verbose_level": 0})
    with pytest.raises(InferenceServerException) as refused:
        triton_grpc.update_log_settings({"log_nothing": True})
    assert code(refused) == "INVALID_ARGUMENT"
    own = triton_grpc.update_trace_settings("bare", {"trace_rate": "5"})
    assert list(own.settings["trace_rate"].value) == ["5"]
    triton_grpc.update_trace_settings("bare", {"trace_rate": None})
    assert list(triton_grpc.get_trace_settings("bare").settings["trace_rate"].value) != ["5"]


def test_shared_memory_is_off_by_default(triton_grpc):
    """Refused with the flag that allows it; CUDA's is not there."""
    with pytest.raises(InferenceServerException) as refused:
        triton_grpc.register_system_shared_memory("region", "/nothing", 64)
    assert "allow-client-shm" in str(refused.value)
    with pytest.raises(InferenceServerException) as refused:
        triton_grpc.register_cuda_shared_memory("region", b"AAAA", 0, 64)
    assert code(refused) == "UNIMPLEMENTED"


def test_shared_memory(sharing_server):
    """Register, list, use, forget."""
    key = "/sluice-" + uuid.uuid4().hex
    handle = memory.create_shared_memory_region("rows", key, 64)
    client = grpc_client(sharing_server)
    try:
        client.register_system_shared_memory("rows", key, 64)
        status = client.get_system_shared_memory_status(as_json=True)
        assert status["regions"]["rows"]["key"] == key
        memory.set_shared_memory_region(handle, [np.arange(4, dtype=np.float32)])
        shared = grpc.InferInput("INPUT", [1, 4], "FP32")
        shared.set_shared_memory("rows", 16)
        (output,) = wanted(grpc, "OUTPUT")
        output.set_shared_memory("rows", 16, offset=32)
        client.infer("bare", [shared], outputs=[output])
        found = memory.get_contents_as_numpy(handle, np.float32, [4], offset=32)
        assert found.tolist() == [5, 6, 7, 8]
        client.unregister_system_shared_memory()
        assert not client.get_system_shared_memory_status().regions
    finally:
        client.close()
        memory.destroy_shared_memory_region(handle)


# --- grpc.health.v1 ----------------------------------------------------------------------------

SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"


def health(channel, service):
    call = channel.unary_unary("/grpc.health.v1.Health/Check")
    return call(field(1, service.encode()) if service else b"", timeout=WAIT_SECONDS)


def test_health_check(channel):
    """The server by the empty name, models by theirs, NOT_FOUND for others."""
    assert health(channel, "") == SERVING
    assert health(channel, "bare") == SERVING
    with pytest.raises(rpc.RpcError) as unknown:
        health(channel, "nobody")
    assert unknown.value.code() == rpc.StatusCode.NOT_FOUND


def test_health_watch_follows_a_model(channel, triton_grpc, repository):
    """The state at once, then each change, as the model is loaded and unloaded."""
    (repository / "watched" / "1").mkdir(parents=True, exist_ok=True)
    (repository / "watched" / "1" / "model.onnx").write_bytes(add_constant(1))
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")
    changes = watch(field(1, b"watched"), timeout=WAIT_SECONDS)
    assert next(changes) in (SERVICE_UNKNOWN, NOT_SERVING)
    triton_grpc.load_model("watched")
    while next(changes) != SERVING:
        pass
    triton_grpc.unload_model("watched")
    while next(changes) not in (NOT_SERVING, SERVICE_UNKNOWN):
        pass
    changes.cancel()


def test_unknown_methods(server, channel):
    """A method or service that is not there: UNIMPLEMENTED."""
    for path in ("/inference.GRPCInferenceService/Nothing", "/other.Service/Call"):
        with pytest.raises(rpc.RpcError) as unknown:
            channel.unary_unary(path)(b"", timeout=WAIT_SECONDS)
        assert unknown.value.code() == rpc.StatusCode.UNIMPLEMENTED
    assert server.answers()


def test_many_clients_at_once(server):
    """Six channels, 60 calls each, all answered right."""
    faults = []

    def drive(place):
        client = grpc_client(server)
        try:
            for turn in range(60):
                values = np.full((1, 4), place * 1_000 + turn, np.float32)
                reply = client.infer("bare", [given(grpc, "INPUT", values)])
                equal(reply.as_numpy("OUTPUT"), values + np.float32(5))
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
