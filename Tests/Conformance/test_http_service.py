"""Every HTTP endpoint beside inference, by tritonclient where it has a call for it."""

import base64
import json
import uuid

import numpy as np
import pytest
import tritonclient.http as http
import tritonclient.utils.shared_memory as memory
from conftest import PLAIN_MODELS, http_client
from model_files import add_constant
from server import wait_until
from tensors import given, wanted
from tritonclient.utils import InferenceServerException

ONES = ("INPUT", "FP32", [1, 4], [1, 1, 1, 1])
EXTENSIONS = {
    "classification",
    "model_repository",
    "model_repository(unload_dependents)",
    "schedule_policy",
    "model_configuration",
    "system_shared_memory",
    "binary_tensor_data",
    "parameters",
    "statistics",
    "trace",
    "logging",
}


# --- Health, metadata, configuration -----------------------------------------------------------


def test_health(server, triton):
    """Live, ready, each model ready; an unknown model or version is not."""
    assert triton.is_server_live() and triton.is_server_ready()
    assert all(triton.is_model_ready(name) for name in PLAIN_MODELS)
    assert triton.is_model_ready("versions", "1") and not triton.is_model_ready("versions", "2")
    assert not triton.is_model_ready("nobody")
    assert server.get("/v2/models/nobody/ready").status == 400


def test_server_metadata(triton):
    """Name, version and the extensions that are implemented, no others of Triton's."""
    found = triton.get_server_metadata()
    assert found["name"] and found["version"]
    assert set(found["extensions"]) >= EXTENSIONS
    assert not {"sequence", "cuda_shared_memory"} & set(found["extensions"])


def test_model_metadata(triton):
    """Tensors with the batch dimension before them, the versions that are served."""
    found = triton.get_model_metadata("add_sub")
    assert found["name"] == "add_sub" and found["versions"] == ["1"]
    assert found["platform"] == "onnxruntime_onnx"
    assert found["inputs"] == [
        {"name": f"INPUT{i}", "datatype": "FP32", "shape": [-1, 16]} for i in (0, 1)
    ]
    assert [tensor["name"] for tensor in found["outputs"]] == ["OUTPUT0", "OUTPUT1"]
    assert triton.get_model_metadata("plain")["inputs"][0]["shape"] == [2, 3]
    assert triton.get_model_metadata("versions")["versions"] == ["1", "3"]
    assert triton.get_model_metadata("identity_bytes")["inputs"][0]["datatype"] == "BYTES"
    with pytest.raises(InferenceServerException) as unknown:
        triton.get_model_metadata("nobody")
    assert unknown.value.status() == "404"


def test_model_config(triton):
    """The configuration with defaults filled in; a bare file's is worked out of the file."""
    found = triton.get_model_config("add_sub")
    assert found["max_batch_size"] == 8 and "dynamic_batching" in found
    assert found["input"][0]["data_type"] == "TYPE_FP32" and found["input"][0]["dims"] == [16]
    assert found["instance_group"][0]["count"] == 1
    bare = triton.get_model_config("bare")
    assert bare["max_batch_size"] == 4 and bare["input"][0]["dims"] == [4]
    assert "dynamic_batching" in bare
    labels = triton.get_model_config("classifier")["output"][0]["label_filename"]
    assert labels == "labels.txt"
    with pytest.raises(InferenceServerException) as unknown:
        triton.get_model_config("nobody")
    assert unknown.value.status() == "404"


def test_unknown_field_is_a_warning_only(server):
    """A field that nobody knows does not keep the model from being served."""
    reply = server.infer("curious", ONES)
    assert reply.json()["outputs"][0]["data"] == [2, 2, 2, 2]


# --- Statistics --------------------------------------------------------------------------------

BLOCKS = [
    "success",
    "fail",
    "queue",
    "compute_input",
    "compute_infer",
    "compute_output",
    "cache_hit",
    "cache_miss",
]


def test_statistics_count_honestly(triton):
    """All eight blocks, and the counts grow by just what was sent, items and requests apart."""

    def read():
        (entry,) = triton.get_inference_statistics("reshaped")["model_stats"]
        assert list(entry["inference_stats"]) == BLOCKS
        return entry

    before = read()
    for items in (1, 3):
        values = np.ones((items, 4), np.float32)
        triton.infer("reshaped", [given(http, "INPUT", values)])
    after = read()
    assert after["name"] == "reshaped" and after["version"] == "1"
    assert after["inference_count"] - before["inference_count"] == 4
    assert after["execution_count"] - before["execution_count"] == 2
    assert after["last_inference"] > 1_700_000_000_000
    for block in ("success", "queue", "compute_input", "compute_infer", "compute_output"):
        old, new = (entry["inference_stats"][block] for entry in (before, after))
        assert new["count"] - old["count"] == 2, block
        assert new["ns"] > old["ns"] or block in ("queue", "compute_input", "compute_output")
    assert after["inference_stats"]["fail"] == before["inference_stats"]["fail"]
    assert after["inference_stats"]["cache_hit"] == {"count": 0, "ns": 0}
    total = after["inference_stats"]["success"]["ns"]
    parts = sum(after["inference_stats"][name]["ns"] for name in BLOCKS[2:6])
    assert 0 < parts <= total
    batches = {row["batch_size"]: row for row in after["batch_stats"]}
    assert {1, 3} <= set(batches)
    for row in batches.values():
        assert row["compute_infer"]["count"] > 0 and row["compute_infer"]["ns"] > 0
        assert {"compute_input", "compute_output"} <= set(row)
    executions = sum(row["compute_infer"]["count"] for row in batches.values())
    assert executions == after["execution_count"]


def test_statistics_of_all_models(server, triton):
    """Without a name every version of every model has an entry; an unknown model is 400."""
    found = {
        (entry["name"], entry["version"])
        for entry in triton.get_inference_statistics()["model_stats"]
    }
    assert {("versions", "1"), ("versions", "3"), ("bare", "1")} <= found
    assert server.get("/v2/models/stats").status == 200
    assert server.get("/v2/models/nobody/stats").status == 400


# --- The repository ----------------------------------------------------------------------------


def entry(client, name):
    rows = [row for row in client.get_model_repository_index() if row["name"] == name]
    assert rows, f"{name} is not in the index"
    return rows[-1]


def test_repository_index(server, triton):
    """Loaded models are READY, others are listed without a state; `ready` filters."""
    assert entry(triton, "bare")["state"] == "READY"
    assert entry(triton, "bare")["version"] == "1"
    assert entry(triton, "slow").get("state", "") in ("", "UNAVAILABLE")
    assert server.post("/v2/repository/index").status == 200
    ready = server.post("/v2/repository/index", {"ready": True}).json()
    assert isinstance(ready, list) and all(row["state"] == "READY" for row in ready)
    assert "slow" not in {row["name"] for row in ready}


def test_load_and_unload(server, triton, repository):
    """Load by request, serve, unload, refuse; load again."""
    folder = repository / "visitor"
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "1" / "model.onnx").write_bytes(add_constant(1))
    for _ in range(2):
        triton.load_model("visitor")
        assert triton.is_model_ready("visitor")
        assert server.infer("visitor", ONES).json()["outputs"][0]["data"] == [2, 2, 2, 2]
        triton.unload_model("visitor")
        wait_until(
            lambda: entry(triton, "visitor").get("state") == "UNAVAILABLE", "visitor unloads"
        )
        assert triton.is_server_ready(), "a model that was unloaded is not missed"
        refused = server.infer("visitor", ONES)
        assert refused.status in (400, 404, 503) and "visitor" in refused.error
    assert server.post("/v2/repository/models/nobody/unload").status == 200
    unknown = server.post("/v2/repository/models/nobody/load")
    assert unknown.status in (404, 500) and "nobody" in unknown.error
    assert triton.is_server_ready(), "a model that there is not is not missed"
    assert server.get("/v2/models/nobody").status == 404
    assert "nobody" not in {row["name"] for row in triton.get_model_repository_index()}


def test_load_with_a_configuration(server, triton, repository):
    """`config` replaces the folder's own; `file:` brings the model itself along."""
    text = '{"backend": "onnxruntime", "max_batch_size": 2, "version_policy": %s}'
    triton.load_model("versions", config=text % '{"specific": {"versions": [2]}}')
    assert triton.get_model_config("versions")["max_batch_size"] == 2
    assert server.infer("versions", ONES).json()["outputs"][0]["data"] == [3, 3, 3, 3]
    too_many = server.infer("versions", ("INPUT", "FP32", [3, 4], [0] * 12))
    assert too_many.status == 400 and "2" in too_many.error
    triton.load_model(
        "versions",
        config=text % '{"latest": {"num_versions": 1}}',
        files={"file:5/model.onnx": add_constant(50)},
    )
    assert server.infer("versions", ONES).json()["outputs"][0]["data"] == [51, 51, 51, 51]
    triton.load_model("versions")
    assert triton.get_model_metadata("versions")["versions"] == ["1", "3"]


def test_load_refuses_nonsense(server):
    """Files without a config, a config that is none, base64 that is none, a path that escapes."""
    data = base64.b64encode(add_constant(1)).decode()
    config = '{"max_batch_size": 2}'
    cases = [
        {"file:1/model.onnx": data},
        {"config": "{"},
        {"config": config, "file:1/model.onnx": "*** no base64 ***"},
        {"config": config, "file:../../evil/model.onnx": data},
        {"config": 5},
    ]
    for parameters in cases:
        reply = server.post("/v2/repository/models/bare/load", {"parameters": parameters})
        assert 400 <= reply.status <= 501, (parameters, reply.status, reply.body)
        assert reply.error
        assert server.answers(), "the model that was there must go on"
    for name in ("..%2F..%2Fetc", "%2e%2e", "a%2Fb"):
        reply = server.post(f"/v2/repository/models/{name}/load")
        assert 400 <= reply.status <= 500 and reply.error


def test_reload_under_traffic_fails_no_request(server, triton):
    """Requests go on while the model is loaded anew three times."""
    answers = []
    for _ in range(3):
        pending = http_client(server, concurrency=2)
        values = given(http, "INPUT", np.ones((1, 4), np.float32))
        waiting = [pending.async_infer("classifier", [values]) for _ in range(10)]
        triton.load_model("classifier")
        answers += [reply.get_result().as_numpy("OUTPUT")[0, 0] for reply in waiting]
        pending.close()
    assert answers == [1] * 30


def test_loading_is_refused_in_mode_none(launch, tmp_path):
    """Without explicit mode all models are there, and load is answered with the next step."""
    folder = tmp_path / "models"
    (folder / "bare" / "1").mkdir(parents=True)
    (folder / "bare" / "1" / "model.onnx").write_bytes(add_constant(5))
    server = launch("--drain-seconds", "0", repository=folder)
    assert server.answers()
    for verb in ("load", "unload"):
        reply = server.post(f"/v2/repository/models/bare/{verb}")
        assert reply.status == 501 and "explicit" in reply.error
    assert server.answers()


def test_poll_mode_follows_the_folder(launch, tmp_path):
    """A model that appears is served, one that changes is served anew, one that goes goes."""
    folder = tmp_path / "models"
    (folder / "bare" / "1").mkdir(parents=True)
    (folder / "bare" / "1" / "model.onnx").write_bytes(add_constant(5))
    flags = ["--model-control-mode", "poll", "--repository-poll-secs", "1", "--drain-seconds", "0"]
    server = launch(*flags, repository=folder)
    assert server.answers()
    late = folder / "late" / "1"
    late.mkdir(parents=True)
    (late / "model.onnx").write_bytes(add_constant(1))
    answer = ("late", ("INPUT", "FP32", [1, 4], [0, 0, 0, 0]))

    def first():
        reply = server.infer(*answer)
        return reply.json()["outputs"][0]["data"][0] if reply.status == 200 else None

    wait_until(lambda: first() == 1, "the new model is served")
    (late / "model.onnx").write_bytes(add_constant(2))
    wait_until(lambda: first() == 2, "the changed model is served")
    (late / "model.onnx").unlink()
    late.rmdir()
    late.parent.rmdir()
    wait_until(lambda: first() is None, "the model is gone")
    assert server.answers()


# --- Settings ----------------------------------------------------------------------------------


def test_log_settings(triton):
    """Read, change, refuse what is not known."""
    before = triton.get_log_settings()
    assert {"log_info", "log_warning", "log_error", "log_verbose_level", "log_format"} <= set(
        before
    )
    changed = triton.update_log_settings({"log_verbose_level": 1, "log_format": "ISO8601"})
    assert changed["log_verbose_level"] == 1 and changed["log_format"] == "ISO8601"
    for wrong in ({"log_nothing": True}, {"log_verbose_level": "much"}, {"log_format": "runes"}):
        with pytest.raises(InferenceServerException) as refused:
            triton.update_log_settings(wrong)
        assert refused.value.status() == "400"
    triton.update_log_settings({"log_verbose_level": 0, "log_format": before["log_format"]})
    assert triton.get_log_settings() == before


def test_trace_settings(triton):
    """For all models and for one; null gives a model's own setting back."""
    everywhere = triton.get_trace_settings()
    assert {"trace_level", "trace_rate", "trace_count", "log_frequency"} <= set(everywhere)
    assert everywhere["trace_level"] == ["OFF"]
    own = triton.update_trace_settings("bare", {"trace_rate": "5"})
    assert own["trace_rate"] == "5"
    assert triton.get_trace_settings()["trace_rate"] == everywhere["trace_rate"]
    triton.update_trace_settings("bare", {"trace_rate": None})
    assert triton.get_trace_settings("bare")["trace_rate"] == everywhere["trace_rate"]
    with pytest.raises(InferenceServerException) as refused:
        triton.update_trace_settings(settings={"trace_level": ["LOUD"]})
    assert refused.value.status() == "400"


def test_traces_are_written(launch, tmp_path):
    """With a file and a level each sampled request leaves a line."""
    file = tmp_path / "trace.json"
    flags = ["--trace-config", f"triton,file={file}", "--drain-seconds", "0"]
    server = launch(*flags, load=["bare"])
    client = http_client(server)
    client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"], "trace_rate": "1"})
    assert server.answers()
    wait_until(lambda: file.exists() and "bare" in file.read_text("utf-8"), "a trace is written")
    client.close()


# --- Shared memory -----------------------------------------------------------------------------


def test_shared_memory_is_off_by_default(triton):
    """The refusal says the flag that allows it; a request that names a region is refused too."""
    with pytest.raises(InferenceServerException) as refused:
        triton.register_system_shared_memory("region", "/nothing", 64)
    assert "allow-client-shm" in str(refused.value)
    shared = http.InferInput("INPUT", [1, 4], "FP32")
    shared.set_shared_memory("region", 16)
    with pytest.raises(InferenceServerException) as refused:
        triton.infer("bare", [shared])
    assert "allow-client-shm" in str(refused.value)


@pytest.fixture
def region():
    """A shared memory object of 256 bytes, and its key."""
    key = "/sluice-" + uuid.uuid4().hex
    handle = memory.create_shared_memory_region("region", key, 256)
    yield handle, key
    memory.destroy_shared_memory_region(handle)


def test_shared_memory_carries_tensors(sharing_server, region):
    """Inputs are read from the region and the output is written into it."""
    handle, key = region
    client = http_client(sharing_server)
    client.unregister_system_shared_memory()
    client.register_system_shared_memory("region", key, 256)
    (status,) = client.get_system_shared_memory_status()
    assert status["name"] == "region" and status["key"] == key and status["byte_size"] == 256
    left, right = (np.arange(16, dtype=np.float32) * factor for factor in (1, 10))
    memory.set_shared_memory_region(handle, [left, right])
    inputs = [http.InferInput(f"INPUT{i}", [1, 16], "FP32") for i in (0, 1)]
    inputs[0].set_shared_memory("region", 64)
    inputs[1].set_shared_memory("region", 64, offset=64)
    (output,) = wanted(http, "OUTPUT0")
    output.set_shared_memory("region", 64, offset=128)
    reply = client.infer("add_sub", inputs, outputs=[output])
    assert reply.get_output("OUTPUT0")["parameters"]["shared_memory_region"] == "region"
    written = memory.get_contents_as_numpy(handle, np.float32, [1, 16], offset=128)
    assert written[0].tolist() == (left + right).tolist()
    client.unregister_system_shared_memory("region")
    assert client.get_system_shared_memory_status() == []
    client.close()


def test_shared_memory_limits(sharing_server, region):
    """Beyond the region, twice the same name, an unknown key, a region too small for a result."""
    handle, key = region
    client = http_client(sharing_server)
    client.unregister_system_shared_memory()
    client.register_system_shared_memory("region", key, 128)
    wrong = [
        lambda: client.register_system_shared_memory("region", key, 64),
        lambda: client.register_system_shared_memory("other", "/sluice-not-there", 64),
        lambda: client.register_system_shared_memory("large", key, 4_096_000),
        lambda: client.register_system_shared_memory("far", key, 64, offset=2**63),
        lambda: client.get_system_shared_memory_status("nobody"),
    ]
    shared = http.InferInput("INPUT", [1, 4], "FP32")
    shared.set_shared_memory("region", 16, offset=120)
    wrong.append(lambda: client.infer("bare", [shared]))
    unknown = http.InferInput("INPUT", [1, 4], "FP32")
    unknown.set_shared_memory("nobody", 16)
    wrong.append(lambda: client.infer("bare", [unknown]))
    (output,) = wanted(http, "OUTPUT")
    output.set_shared_memory("region", 8)
    plain = given(http, "INPUT", np.ones((1, 4), np.float32))
    wrong.append(lambda: client.infer("bare", [plain], outputs=[output]))
    for call in wrong:
        with pytest.raises(InferenceServerException) as refused:
            call()
        assert refused.value.status()[0] in "45" and "\n" not in refused.value.message()
        assert sharing_server.answers()
    client.unregister_system_shared_memory()
    client.close()


def test_shared_memory_with_text_that_lies(sharing_server, region):
    """BYTES in a region whose lengths reach beyond it: an error, and the server lives."""
    handle, key = region
    client = http_client(sharing_server)
    client.unregister_system_shared_memory()
    client.register_system_shared_memory("region", key, 256)
    memory.set_shared_memory_region(handle, [np.full(64, 0xFFFFFFFF, np.uint32)])
    shared = http.InferInput("INPUT", [1, 2], "BYTES")
    shared.set_shared_memory("region", 256)
    with pytest.raises(InferenceServerException) as refused:
        client.infer("identity_bytes", [shared])
    assert refused.value.status()[0] in "45"
    assert sharing_server.answers()
    client.unregister_system_shared_memory()
    client.close()


# --- Paths and verbs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/v2", 200),
        ("GET", "/v2/", 404),
        ("GET", "/", 404),
        ("GET", "/v3/health/live", 404),
        ("GET", "/v2/health/live/", 404),
        ("POST", "/v2/health/live", 405),
        ("GET", "/v2/models/bare/infer", 405),
        ("DELETE", "/v2/models/bare", 405),
        ("GET", "/v2/models/bare/versions/x", 404),
        ("GET", "/v2/models/bare/versions/1", 200),
        ("GET", "/v2/models/nobody", 404),
        ("GET", "/v2/models/bare/versions/9", 404),
        ("GET", "/v2/models/bare/versions/99999999999999999999999", 404),
        ("POST", "/v2/models/bare/generate", 501),
        ("POST", "/v2/cudasharedmemory/region/r/register", 501),
        ("GET", "/v2/cudasharedmemory/status", 200),
        ("POST", "/v2/repository/other/models/bare/load", 501),
    ],
)
def test_paths_and_verbs(server, verb, path, status):
    """Known paths answer, others are 404, wrong verbs 405, what is not done 501; all in JSON."""
    body = "{}" if verb == "POST" else None
    reply = server.request(verb, path, body)
    assert reply.status == status, reply.body
    if status >= 400:
        assert reply.headers["content-type"].startswith("application/json") and reply.error


def test_restricted_endpoints(launch):
    """`--http-restricted-api` asks for a header: 403 without it, all else as ever."""
    flags = ["--http-restricted-api", "model-repository,logging:admin=secret"]
    server = launch(*flags, "--drain-seconds", "0", load=["bare"])
    for headers in ({}, {"admin": "guess"}):
        assert server.post("/v2/repository/index", headers=headers).status == 403
        assert server.get("/v2/logging", headers=headers).status == 403
    assert server.post("/v2/repository/index", headers={"admin": "secret"}).status == 200
    assert server.answers()


def test_configuration_with_every_default_is_taken_again(triton):
    """What /config prints can be sent back as an override: Model Analyzer does so."""
    found = triton.get_model_config("add_sub")
    triton.load_model("add_sub", config=json.dumps(found))
    assert triton.get_model_config("add_sub") == found


def test_load_metrics_header(server):
    """`endpoint-load-metrics-format` (ORCA): text, JSON, nothing for what is neither."""
    asked, name = "endpoint-load-metrics-format", "endpoint-load-metrics"

    def metrics(headers):
        row = ("INPUT", "FP32", [1, 4], [1, 2, 3, 4])
        reply = server.infer("bare", row, headers=headers)
        assert reply.json()["outputs"][0]["data"] == [6, 7, 8, 9]
        return reply.headers.get(name)

    text = metrics({asked: "text"})
    assert text.startswith("TEXT ")
    words = dict(word.split("=") for word in text[5:].split(","))
    shares = ["cpu_utilization", "mem_utilization", "application_utilization"]
    assert list(words) == [*shares, "named_metrics.requests_in_server"]
    assert all(0 <= float(words[name]) <= 1 for name in shares)
    found = metrics({asked: "JSON"})
    assert found.startswith("JSON ")
    assert list(json.loads(found[5:])) == [*shares, "named_metrics"]
    assert metrics({}) is None and metrics({asked: "xml"}) is None
