"""What Scripts/record-triton.py asks a real Triton and test_against_triton.py asks our server.

The requests stand here once. Both sides get the same bytes, in this order, over connections of
their own; answers are plain values that JSON can hold. Requests that change something put it back.
"""

import base64
import gzip
import http.client
import json
import re
import struct

import grpc
from google.protobuf import json_format
from model_files import NUMPY_TYPES, identity_name
from tritonclient.grpc import service_pb2

SECONDS = 30
MODELS = [
    *map(identity_name, NUMPY_TYPES),
    *("add_sub", "plain", "variable", "reshaped", "versions", "classifier"),
]
# Headers of a reply that both servers must agree on; lengths and dates are nobody's promise.
HEADERS = ("content-type", "content-encoding", "accept-encoding")
HEADER_LENGTH = "inference-header-content-length"
UNARY = "/inference.GRPCInferenceService/"


# --- Requests over HTTP ------------------------------------------------------------------------


def case(verb, path, body=None, **headers):
    """One request; a dict or list is sent as JSON, None sends no body."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    if isinstance(body, bytes):
        body = {"base64": base64.b64encode(body).decode("ascii")}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"verb": verb, "path": path, "headers": named, "body": body}


def tensor(name, datatype, shape, data=None, **parameters):
    """One input of a request; None is no `data` at all."""
    found = {"name": name, "datatype": datatype, "shape": shape}
    if parameters:
        found["parameters"] = parameters
    if data is not None:
        found["data"] = data
    return found


def infer(model, inputs, path="", **members):
    """An inference in JSON."""
    return case("POST", f"/v2/models/{model}{path}/infer", {"inputs": inputs, **members})


def binary(model, inputs, raw, length=None, **members):
    """An inference with binary tensors after the JSON; `length` lies about the JSON's."""
    text = json.dumps({"inputs": inputs, **members}).encode()
    length = str(len(text)) if length is None else length
    path = f"/v2/models/{model}/infer"
    return case("POST", path, text + raw, Inference_Header_Content_Length=length)


def output(name, **parameters):
    return {"name": name, "parameters": parameters} if parameters else {"name": name}


def text(*words):
    """BYTES as binary data."""
    return b"".join(struct.pack("<I", len(word)) + word for word in words)


ROW16 = list(range(16))
LEFT = tensor("INPUT0", "FP32", [1, 16], ROW16)
RIGHT = tensor("INPUT1", "FP32", [1, 16], [1] * 16)
SCORES = tensor("INPUT", "FP32", [1, 4], [0.5, 3, 2, -1])
ONES = tensor("INPUT", "FP32", [1, 4], [1, 1, 1, 1])
F16 = struct.pack("<16f", *ROW16)
VALUES = {
    "BOOL": [True, False, True],
    "FP32": [0.1, -1.5, 3.4028234663852886e38],
    "FP64": [0.1, -1e300, 5e-324],
    "BYTES": ["plain", "", 'Grüße "\\\n/'],
    "INT64": [-(2**63), 0, 2**63 - 1],
    "UINT64": [0, 1, 2**64 - 1],
}
SIZES = {"BOOL": 1, "FP16": 2, "FP32": 4, "FP64": 8}


def size_of(datatype):
    return SIZES.get(datatype) or int(re.sub(r"\D", "", datatype)) // 8


def types_http():
    """Every data type in JSON and in binary."""
    found = {}
    for datatype in NUMPY_TYPES:
        model = identity_name(datatype)
        values = VALUES.get(datatype, [0, 1, 100])
        if datatype != "FP16":
            found[f"json {datatype}"] = infer(model, [tensor("INPUT", datatype, [1, 3], values)])
        raw = text(b"ab", b"", bytes(range(256)))
        if datatype != "BYTES":
            raw = bytes(range(1, 1 + 3 * size_of(datatype)))
        if datatype == "BOOL":
            raw = b"\1\0\1"
        shape = tensor("INPUT", datatype, [1, 3], binary_data_size=len(raw))
        asked = {"parameters": {"binary_data_output": True}}
        found[f"binary {datatype}"] = binary(model, [shape], raw, **asked)
    return found


def good_http():
    """Inference that works, in every form."""
    half = [tensor("INPUT0", "FP32", [1, 16], binary_data_size=64), RIGHT]
    nested = [tensor("INPUT", "FP32", [2, 4], [[1, 2, 3, 4], [5, 6, 7, 8]])]
    top = [output("OUTPUT", classification=2)]
    rows = tensor("INPUT", "FP32", [2, 4], [1, 2, 4, 3, 7, 7, 5, 6])
    packed = "H4sIAAAAAAACA6tWKkpNTKlUslIoKSpNrQUAqgXyRQ8AAAA="
    return {
        "add_sub": infer("add_sub", [LEFT, RIGHT]),
        "add_sub with id": infer("add_sub", [LEFT, RIGHT], id="request 7"),
        "add_sub with an empty id": infer("add_sub", [LEFT, RIGHT], id=""),
        "add_sub by version": infer("add_sub", [LEFT, RIGHT], "/versions/1"),
        "inputs in the other order": infer("add_sub", [RIGHT, LEFT]),
        "outputs in the other order": infer(
            "add_sub", [LEFT, RIGHT], outputs=[output("OUTPUT1"), output("OUTPUT0")]
        ),
        "one output": infer("add_sub", [LEFT, RIGHT], outputs=[output("OUTPUT1")]),
        "no outputs asked": infer("add_sub", [LEFT, RIGHT], outputs=[]),
        "one output binary": infer(
            "add_sub",
            [LEFT, RIGHT],
            outputs=[output("OUTPUT0"), output("OUTPUT1", binary_data=True)],
        ),
        "all outputs binary but one": infer(
            "add_sub",
            [LEFT, RIGHT],
            outputs=[output("OUTPUT0"), output("OUTPUT1", binary_data=False)],
            parameters={"binary_data_output": True},
        ),
        "one input binary": binary("add_sub", half, F16),
        "binary both ways": binary(
            "add_sub", half, F16, id="7", parameters={"binary_data_output": True}
        ),
        "nested data": infer("versions", nested),
        "version 1": infer("versions", [ONES], "/versions/1"),
        "newest version": infer("versions", [ONES]),
        "no batch dimension": infer("plain", [tensor("INPUT", "FP32", [2, 3], [1] * 6)]),
        "variable": infer("variable", [tensor("INPUT", "FP32", [1, 2, 3], [1] * 6)]),
        "reshaped": infer("reshaped", [tensor("INPUT", "FP32", [2, 4], [1] * 8)]),
        "batch of the maximum": infer("versions", [tensor("INPUT", "FP32", [8, 4], [0] * 32)]),
        "classification": infer("classifier", [SCORES], outputs=top),
        "classification of a batch": infer("classifier", [rows], outputs=top),
        "classification of more than there are": infer(
            "classifier", [SCORES], outputs=[output("OUTPUT", classification=9)]
        ),
        "classification in binary": infer(
            "classifier", [SCORES], outputs=[output("OUTPUT", classification=2, binary_data=True)]
        ),
        "classification without labels": infer(
            "versions", [SCORES], outputs=[output("OUTPUT", classification=2)]
        ),
        "raw body": case(
            "POST", "/v2/models/versions/infer", F16[:16], Inference_Header_Content_Length="0"
        ),
        "raw body with a free size": case(
            "POST", "/v2/models/identity_fp32/infer", F16, Inference_Header_Content_Length="0"
        ),
        "raw text": case(
            "POST", "/v2/models/identity_bytes/infer", b"words", Inference_Header_Content_Length="0"
        ),
        "priority": infer("versions", [ONES], parameters={"priority": 1}),
        "timeout": infer("versions", [ONES], parameters={"timeout": 20_000_000}),
        "own parameters": infer(
            "versions", [ONES], parameters={"a": "b", "n": 3, "f": True, "d": 0.5}
        ),
        "unknown member": infer("versions", [ONES], brand_new=[1, {"a": 2}]),
        "no items": infer("identity_fp32", [tensor("INPUT", "FP32", [1, 0], [])]),
        "reply in gzip": {
            **infer("identity_int32", [tensor("INPUT", "INT32", [1, 900], [7] * 900)]),
            "headers": {"Accept-Encoding": "gzip"},
        },
        "request in gzip": {
            **case("POST", "/v2/repository/index"),
            "headers": {"Content-Encoding": "gzip"},
            "body": {"base64": packed},
        },
    }


def bad_http():
    """Inference that must fail, each with its status."""
    wrong_shape = {
        "too few values": ([1, 4], [1, 2, 3]),
        "too many values": ([1, 4], [1, 2, 3, 4, 5]),
        "wrong shape": ([1, 5], [1] * 5),
        "wrong rank": ([4], [1] * 4),
        "rank too high": ([1, 1, 4], [1] * 4),
        "negative size": ([-1, 4], [1] * 4),
        "batch of nothing": ([0, 4], []),
        "batch too large": ([9, 4], [0] * 36),
        "shape that is no list": (4, [1] * 4),
        "size that is text": (["1", 4], [1] * 4),
        "size that overflows": ([2**62, 4], [1] * 4),
        "data that is text": ([1, 4], "1234"),
        "data with text": ([1, 4], [1, 2, "3", 4]),
        "data with null": ([1, 4], [1, 2, None, 4]),
        "data with an object": ([1, 4], [1, 2, {}, 4]),
        "no data": ([1, 4], None),
    }
    found = {
        name: infer("versions", [tensor("INPUT", "FP32", shape, data)])
        for name, (shape, data) in wrong_shape.items()
    }
    for datatype, values in {
        "UINT8": [300, -1, 1.5, True],
        "INT32": [2**31, 1.5, True],
        "BOOL": [1, 0],
        "BYTES": [5],
        "UINT64": [-1],
        "INT64": [2**63],
    }.items():
        for value in values:
            data = [value] * 3
            found[f"{datatype} of {json.dumps(value)}"] = infer(
                identity_name(datatype), [tensor("INPUT", datatype, [1, 3], data)]
            )
    found["FP16 in JSON"] = infer("identity_fp16", [tensor("INPUT", "FP16", [1, 2], [1, 2])])
    for name, body in {
        "malformed JSON": '{"inputs":[',
        "an array": "[]",
        "empty body": "",
        "no inputs": "{}",
        "inputs that are no list": '{"inputs":{}}',
        "an input that is no object": '{"inputs":[5]}',
        "an input without name": '{"inputs":[{"shape":[1,4],"datatype":"FP32","data":[1,1,1,1]}]}',
        "an input without shape": '{"inputs":[{"name":"INPUT","datatype":"FP32","data":[1]}]}',
        "an input without type": '{"inputs":[{"name":"INPUT","shape":[1,4],"data":[1,1,1,1]}]}',
        "nested too deep": '{"a":' + "[" * 200 + "]" * 200 + "}",
        "text after the JSON": json.dumps({"inputs": [ONES]}) + "more",
    }.items():
        found[name] = case("POST", "/v2/models/versions/infer", body)
    good = {"inputs": [ONES]}
    for name, members in {
        "id that is a number": {"id": 5},
        "outputs that are no list": {"outputs": {}},
        "output without name": {"outputs": [{}]},
        "unknown output": {"outputs": [output("NOBODY")]},
        "output twice": {"outputs": [output("OUTPUT"), output("OUTPUT")]},
        "classification of 0": {"outputs": [output("OUTPUT", classification=0)]},
        "classification of -1": {"outputs": [output("OUTPUT", classification=-1)]},
        "classification of text": {"outputs": [output("OUTPUT", classification="2")]},
        "reserved parameter": {"parameters": {"triton_enable_empty_final_response": True}},
        "parameter that is a list": {"parameters": {"a": [1]}},
        "parameters that are no object": {"parameters": 5},
        "priority that is text": {"parameters": {"priority": "high"}},
        "negative priority": {"parameters": {"priority": -1}},
        "timeout that is text": {"parameters": {"timeout": "soon"}},
        "output in an unknown region": {
            "outputs": [output("OUTPUT", shared_memory_region="no", shared_memory_byte_size=16)]
        },
    }.items():
        # Not `versions`: some of these work with Triton, and its statistics are compared.
        found[name] = case("POST", "/v2/models/identity_fp32/infer", {**good, **members})
    found |= {
        "wrong type": infer("versions", [tensor("INPUT", "INT32", [1, 4], [1] * 4)]),
        "unknown type": infer("versions", [tensor("INPUT", "FP99", [1, 4], [1] * 4)]),
        "unknown input": infer("versions", [tensor("NOBODY", "FP32", [1, 4], [1] * 4)]),
        "an input is missing": infer("add_sub", [LEFT]),
        "an input twice": infer("add_sub", [LEFT, LEFT, RIGHT]),
        "an input too many": infer("versions", [ONES, RIGHT]),
        "inputs of different batches": infer(
            "add_sub", [LEFT, tensor("INPUT1", "FP32", [2, 16], [1] * 32)]
        ),
        "wrong shape without batches": infer(
            "plain", [tensor("INPUT", "FP32", [1, 2, 3], [1] * 6)]
        ),
        "infer of an unknown model": infer("nobody", [ONES]),
        "infer of an unknown version": infer("versions", [ONES], "/versions/9"),
        "infer of a version not served": infer("versions", [ONES], "/versions/2"),
        "input in an unknown region": infer(
            "versions",
            [
                tensor(
                    "INPUT", "FP32", [1, 4], shared_memory_region="no", shared_memory_byte_size=16
                )
            ],
        ),
    }
    row = {"name": "INPUT", "datatype": "FP32", "shape": [1, 4]}
    for name, (size, raw, length) in {
        "binary size too small": (8, F16[:16], None),
        "binary size too large": (32, F16[:16], None),
        "binary size negative": (-1, F16[:16], None),
        "binary size that is text": ("16", F16[:16], None),
        "bytes left over": (16, F16[:20], None),
        "no bytes at all": (16, b"", None),
        "header length too large": (16, F16[:16], "9999"),
        "header length negative": (16, F16[:16], "-5"),
        "header length that is text": (16, F16[:16], "many"),
        "header length inside the JSON": (16, F16[:16], "20"),
    }.items():
        parameters = {"binary_data_size": size}
        found[name] = binary("versions", [{**row, "parameters": parameters}], raw, length)
    lying = tensor("INPUT", "BYTES", [1, 2], binary_data_size=12)
    found |= {
        "data and binary data": binary(
            "versions", [{**ONES, "parameters": {"binary_data_size": 16}}], F16[:16]
        ),
        "text lengths that lie": binary("identity_bytes", [lying], text(b"abcd") + b"\xff" * 4),
        "raw body of two inputs": case(
            "POST", "/v2/models/add_sub/infer", F16, Inference_Header_Content_Length="0"
        ),
        "raw body of a wrong length": case(
            "POST", "/v2/models/versions/infer", F16, Inference_Header_Content_Length="0"
        ),
        "unknown encoding": case("POST", "/v2/models/versions/infer", "{}", Content_Encoding="br"),
        "gzip that is none": case(
            "POST", "/v2/models/versions/infer", "{}", Content_Encoding="gzip"
        ),
    }
    return found


def admin_http():
    """Everything beside inference; the order matters for load, unload and settings."""
    found = {}
    for name, path in {
        "server metadata": "",
        "live": "/health/live",
        "ready": "/health/ready",
        "trailing slash": "/",
        "unknown path": "/nothing",
        "health of nothing": "/health/nothing",
        "infer by GET": "/models/versions/infer",
        "model ready": "/models/versions/ready",
        "model ready by version": "/models/versions/versions/3/ready",
        "version not ready": "/models/versions/versions/2/ready",
        "unknown model ready": "/models/nobody/ready",
        "version that is a word": "/models/versions/versions/x",
        "metadata of an unknown model": "/models/nobody",
        "metadata of an unknown version": "/models/versions/versions/9",
        "config of an unknown model": "/models/nobody/config",
        "config of an unknown version": "/models/versions/versions/9/config",
        "statistics of an unknown model": "/models/nobody/stats",
        "statistics of an unknown version": "/models/versions/versions/9/stats",
        "logging": "/logging",
        "trace settings": "/trace/setting",
        "trace settings of a model": "/models/versions/trace/setting",
        "trace settings of an unknown model": "/models/nobody/trace/setting",
        "shared memory": "/systemsharedmemory/status",
        "shared memory of an unknown region": "/systemsharedmemory/region/no/status",
        "CUDA memory": "/cudasharedmemory/status",
        "index by GET": "/repository/index",
        **{
            f"metadata of {name}": f"/models/{name}"
            for name in ("add_sub", "plain", "variable", "reshaped", "versions", "identity_bytes")
        },
        **{
            f"config of {name}": f"/models/{name}/config"
            for name in ("add_sub", "plain", "reshaped", "versions", "classifier")
        },
        "metadata by version": "/models/versions/versions/1",
        "config by version": "/models/versions/versions/1/config",
    }.items():
        found[name] = case("GET", "/v2" + path)
    for name, path, body in [
        ("live by POST", "/health/live", None),
        ("log level", "/logging", {"log_verbose_level": 1}),
        ("log level back", "/logging", {"log_verbose_level": 0}),
        ("unknown log setting", "/logging", {"log_nothing": True}),
        ("log level that is text", "/logging", {"log_verbose_level": "much"}),
        ("log format that is none", "/logging", {"log_format": "runes"}),
        ("trace rate of a model", "/models/versions/trace/setting", {"trace_rate": "5"}),
        ("trace rate back", "/models/versions/trace/setting", {"trace_rate": None}),
        ("trace level that is none", "/trace/setting", {"trace_level": ["LOUD"]}),
        ("trace rate that is a word", "/trace/setting", {"trace_rate": "often"}),
        ("unknown trace setting", "/trace/setting", {"trace_nothing": "1"}),
        ("index", "/repository/index", None),
        ("index of what is ready", "/repository/index", {"ready": True}),
        ("index with malformed JSON", "/repository/index", "{"),
        ("load of an unknown model", "/repository/models/nobody/load", None),
        ("unload of an unknown model", "/repository/models/nobody/unload", None),
        ("load of another repository", "/repository/other/models/versions/load", None),
        (
            "load with a configuration that is none",
            "/repository/models/versions/load",
            {"parameters": {"config": "{"}},
        ),
        ("load", "/repository/models/reshaped/load", None),
        ("register a region", "/systemsharedmemory/region/r/register", {"key": "/k", "offset": 0}),
        ("unregister all regions", "/systemsharedmemory/unregister", None),
    ]:
        found[name] = case("POST", "/v2" + path, body)
    return found


def http_cases():
    """All requests over HTTP by name, in their order; the statistics come after all traffic."""
    last = {
        f"statistics of {name}": case("GET", f"/v2/models/{name}/stats")
        for name in ("add_sub", "variable", "versions", "classifier")
    }
    last["statistics by version"] = case("GET", "/v2/models/versions/versions/1/stats")
    last["unload"] = case("POST", "/v2/repository/models/plain/unload")
    last["infer of an unloaded model"] = infer("plain", [ONES])
    return {**types_http(), **good_http(), **bad_http(), **admin_http(), **last}


# --- Requests over gRPC ------------------------------------------------------------------------


def call(method, **message):
    """One call, its message in protobuf's JSON."""
    return {"rpc": method, "messages": [message]}


def encoded(*pieces):
    return [base64.b64encode(piece).decode("ascii") for piece in pieces]


def grpc_infer(model, inputs, raw=None, **members):
    more = {"raw_input_contents": encoded(*raw)} if raw is not None else {}
    return call("ModelInfer", model_name=model, inputs=inputs, **more, **members)


def grpc_cases():
    """All calls by name, in their order."""

    def row(datatype="FP32", shape=(1, 4), name="INPUT", **more):
        return {"name": name, "datatype": datatype, "shape": list(shape), **more}

    ones = {"contents": {"fp32_contents": [1, 1, 1, 1]}}
    four = F16[:16]
    top = {"name": "OUTPUT", "parameters": {"classification": {"int64_param": 2}}}
    pair = [row(shape=(1, 16), name="INPUT0"), row(shape=(1, 16), name="INPUT1")]
    found = {
        "server live": call("ServerLive"),
        "server ready": call("ServerReady"),
        "server metadata": call("ServerMetadata"),
        "model ready": call("ModelReady", name="versions"),
        "model ready by version": call("ModelReady", name="versions", version="3"),
        "version not ready": call("ModelReady", name="versions", version="2"),
        "unknown model ready": call("ModelReady", name="nobody"),
        "version that is a word": call("ModelReady", name="versions", version="x"),
        "metadata": call("ModelMetadata", name="versions"),
        "metadata of an unknown model": call("ModelMetadata", name="nobody"),
        "metadata of a version that is a word": call("ModelMetadata", name="versions", version="x"),
        "config": call("ModelConfig", name="classifier"),
        "config of an unknown model": call("ModelConfig", name="nobody"),
        "health": call("Health"),
        "add_sub": grpc_infer("add_sub", pair, [F16, F16], id="7"),
        "typed contents": grpc_infer("versions", [row(**ones)]),
        "version 1": grpc_infer("versions", [row(**ones)], model_version="1"),
        "one output": grpc_infer("add_sub", pair, [F16, F16], outputs=[{"name": "OUTPUT1"}]),
        "outputs in the other order": grpc_infer(
            "add_sub", pair, [F16, F16], outputs=[{"name": "OUTPUT1"}, {"name": "OUTPUT0"}]
        ),
        "text": grpc_infer("identity_bytes", [row("BYTES", (1, 2))], [text(b"ab", b"\xff")]),
        "classification": grpc_infer("classifier", [row()], [four], outputs=[top]),
        "priority": grpc_infer(
            "versions", [row()], [four], parameters={"priority": {"uint64_param": "1"}}
        ),
        "own parameters": grpc_infer(
            "versions", [row()], [four], parameters={"a": {"string_param": "b"}}
        ),
        "unknown model": grpc_infer("nobody", [row()], [four]),
        "unknown version": grpc_infer("versions", [row()], [four], model_version="9"),
        "infer of a version that is a word": grpc_infer(
            "versions", [row()], [four], model_version="x"
        ),
        "no inputs": grpc_infer("versions", []),
        "no contents": grpc_infer("versions", [row()]),
        "contents of another type": grpc_infer(
            "versions", [row(contents={"int_contents": [1, 1, 1, 1]})]
        ),
        "too few contents": grpc_infer("versions", [row(contents={"fp32_contents": [1]})]),
        "raw and typed": grpc_infer("versions", [row(**ones)], [four]),
        "raw too short": grpc_infer("versions", [row()], [F16[:12]]),
        "raw too long": grpc_infer("versions", [row()], [F16]),
        "raw entry too many": grpc_infer("identity_fp32", [row()], [four, four]),
        "raw entry missing": grpc_infer("add_sub", pair, [F16]),
        "wrong shape": grpc_infer("versions", [row(shape=(1, 5))], [F16[:20]]),
        "wrong type": grpc_infer("versions", [row("INT32")], [four]),
        "unknown type": grpc_infer("versions", [row("FP99")], [four]),
        "negative size": grpc_infer("versions", [row(shape=(-1, 4))], [four]),
        "batch too large": grpc_infer("versions", [row(shape=(9, 4))], [bytes(144)]),
        "unknown input": grpc_infer("versions", [row(name="NOBODY")], [four]),
        "an input twice": grpc_infer("versions", [row(), row()], [four, four]),
        "unknown output": grpc_infer("versions", [row()], [four], outputs=[{"name": "NOBODY"}]),
        "classification of 0": grpc_infer(
            "versions",
            [row()],
            [four],
            outputs=[{"name": "OUTPUT", "parameters": {"classification": {"int64_param": 0}}}],
        ),
        "priority that is text": grpc_infer(
            "versions", [row()], [four], parameters={"priority": {"string_param": "high"}}
        ),
        "text lengths that lie": grpc_infer(
            "identity_bytes", [row("BYTES", (1, 2))], [text(b"abcd") + b"\xff" * 4]
        ),
        "input in an unknown region": grpc_infer(
            "versions",
            [
                row(
                    parameters={
                        "shared_memory_region": {"string_param": "no"},
                        "shared_memory_byte_size": {"int64_param": 16},
                    }
                )
            ],
        ),
        "index": call("RepositoryIndex"),
        "index of what is ready": call("RepositoryIndex", ready=True),
        "load of an unknown model": call("RepositoryModelLoad", model_name="nobody"),
        "unload of an unknown model": call("RepositoryModelUnload", model_name="nobody"),
        "load of another repository": call(
            "RepositoryModelLoad", repository_name="other", model_name="versions"
        ),
        "load": call("RepositoryModelLoad", model_name="reshaped"),
        "logging": call("LogSettings"),
        "unknown log setting": call("LogSettings", settings={"no": {"bool_param": True}}),
        "trace settings": call("TraceSetting"),
        "trace settings of a model": call("TraceSetting", model_name="versions"),
        "unknown trace setting": call("TraceSetting", settings={"no": {"value": ["1"]}}),
        "shared memory": call("SystemSharedMemoryStatus"),
        "register a region": call("SystemSharedMemoryRegister", name="r", key="/k", byte_size="64"),
        "CUDA memory": call("CudaSharedMemoryStatus"),
        "statistics of an unknown model": call("ModelStatistics", name="nobody"),
        "statistics": call("ModelStatistics", name="classifier"),
        "stream of good and bad": {
            "rpc": "ModelStreamInfer",
            "messages": [
                grpc_infer("versions", [row()], [four], id="1")["messages"][0],
                grpc_infer("nobody", [row()], [four], id="2")["messages"][0],
                grpc_infer("add_sub", pair, [F16, F16], id="3")["messages"][0],
            ],
        },
    }
    return found


# --- Asking ------------------------------------------------------------------------------------


def ask_http(address, asked):
    """Sends one request on a connection of its own and describes the reply."""
    body = asked["body"]
    if isinstance(body, dict):
        body = base64.b64decode(body["base64"])
    elif body is not None:
        body = body.encode("utf-8")
    host, port = address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=SECONDS)
    try:
        connection.request(asked["verb"], asked["path"], body, asked["headers"])
        reply = connection.getresponse()
        content = reply.read()
    finally:
        connection.close()
    headers = {name.lower(): value for name, value in reply.getheaders()}
    found = {"status": reply.status, "headers": {n: headers[n] for n in HEADERS if n in headers}}
    if headers.get("content-encoding") == "gzip":
        content = gzip.decompress(content)
    length = headers.get(HEADER_LENGTH)
    if length is not None:
        found["binary"] = base64.b64encode(content[int(length) :]).decode("ascii")
        content = content[: int(length)]
    try:
        found["json"] = json.loads(content)
    except ValueError:
        found["text"] = content.decode("utf-8", "replace")
    return found


def ask_grpc(channel, asked):
    """Makes one call and describes the reply, or the replies of a stream."""
    method = asked["rpc"]
    if method == "Health":
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        return outcome(lambda: {"raw": check(b"", timeout=SECONDS).hex()})
    stream = method == "ModelStreamInfer"
    descriptor = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    found = descriptor.methods_by_name[method]
    kinds = [getattr(service_pb2, kind.name) for kind in (found.input_type, found.output_type)]
    messages = [json_format.ParseDict(message, kinds[0]()) for message in asked["messages"]]
    open_call = channel.stream_stream if stream else channel.unary_unary
    run = open_call(UNARY + method, kinds[0].SerializeToString, kinds[1].FromString)
    if stream:
        return outcome(lambda: in_order(run(iter(messages), timeout=SECONDS)))
    return outcome(lambda: {"message": plain(run(messages[0], timeout=SECONDS))})


def in_order(replies):
    """A stream's replies by request id: their order is nobody's promise."""
    found = [plain(reply) for reply in replies]
    return {"stream": sorted(found, key=lambda reply: reply["infer_response"].get("id", ""))}


def plain(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def outcome(action):
    try:
        return {"code": "OK", **action()}
    except grpc.RpcError as fault:
        return {"code": fault.code().name, "details": fault.details()}


def describe_metrics(page):
    """Each metric's type and the names of its labels."""
    found = {}
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE):
        lines = re.findall(rf"^{re.escape(name)}(?:\{{(.*)\}})? ", page, re.MULTILINE)
        labels = {label for line in lines for label in re.findall(r'(\w+)="', line)}
        found[name] = {"type": kind, "labels": sorted(labels)}
    return found


def ask_all(http_address, grpc_address, metrics_address):
    """Every request in its order: {"http": .., "grpc": .., "metrics": ..}."""
    with grpc.insecure_channel(grpc_address) as channel:
        by_grpc = {name: ask_grpc(channel, asked) for name, asked in grpc_cases().items()}
    by_http = {name: ask_http(http_address, asked) for name, asked in http_cases().items()}
    host, port = metrics_address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=SECONDS)
    try:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode("utf-8")
    finally:
        connection.close()
    return {"http": by_http, "grpc": by_grpc, "metrics": describe_metrics(page)}
