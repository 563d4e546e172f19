"""Our server against a real Triton, field by field.

triton_answers.json holds what Scripts/record-triton.py heard from a real one. Our server gets the
same requests in the same order, over ONNX models of the same names and signatures, with
--triton-compat-errors. Wherever an answer differs, DEVIATIONS must say so and why: a difference
that is not listed fails, and so does a listed one that is no more.
"""

import dataclasses
import fnmatch
import json
import pathlib
import shutil

import numpy as np
import pytest
import triton_cases

RECORDED = json.loads(
    (pathlib.Path(__file__).parent / "triton_answers.json").read_text(encoding="utf-8")
)
CASES = [f"{kind} {name}" for kind in ("http", "grpc") for name in RECORDED[kind]]
ABSENT = "(absent)"
# What hangs on the clock: only that it is a number is compared, and that 0 stays 0.
CLOCKED = ("ns", "last_inference")


@dataclasses.dataclass(frozen=True)
class Deviation:
    """Where we differ from Triton, and why; cases and paths are shell patterns."""

    why: str
    cases: tuple
    paths: tuple = ("*",)
    values: tuple = ()

    def allows(self, case, difference):
        path, *values = difference
        return (
            any(fnmatch.fnmatchcase(case, pattern) for pattern in self.cases)
            and any(fnmatch.fnmatchcase(path, pattern) for pattern in self.paths)
            and (not self.values or tuple(values) == self.values)
        )


DEVIATIONS = [
    # --- Everywhere
    Deviation(
        "errors are worded our way: what happened, the limit, the next step",
        ("*",),
        ("json.error", "details", "stream[[]1].error_message"),
    ),
    Deviation(
        "error bodies are JSON and say so; Triton calls many of them text",
        ("http *",),
        ("headers.content-type",),
        ("text/plain", "application/json"),
    ),
    Deviation(
        "our name and version; sequences and CUDA memory are not served, deadlines are",
        ("* server metadata",),
        ("*.name", "*.version", "*.extensions*"),
    ),
    Deviation(
        "health has bodies as KServe's own server sends them; clients look at the status",
        ("http live", "http ready", "http model ready*"),
        ("text", "json"),
    ),
    # --- The recording's models run in Python, ours in ONNX Runtime
    Deviation(
        "another backend",
        ("http metadata of *", "http metadata by version", "grpc metadata"),
        ("*.platform",),
        ("python", "onnxruntime_onnx"),
    ),
    Deviation(
        "another backend",
        ("http config of *", "http config by version", "grpc config"),
        ("*.platform", "*.backend", "*.default_model_filename"),
    ),
    Deviation(
        "a backend's own order; ours is the order in which outputs were asked for",
        ("* outputs in the other order",),
        ("json.outputs*", "message.outputs*", "message.raw_output_contents*"),
    ),
    # --- Better on purpose
    Deviation(
        "FP32 in JSON has the fewest digits that give the same FP32 back",
        ("http json FP32",),
        ("json.outputs[[]0].data[[]?]",),
    ),
    Deviation(
        "binary_data_output holds for every output that does not say otherwise, as the binary "
        "data extension is documented; Triton forgets it once outputs are listed",
        ("http all outputs binary but one",),
    ),
    Deviation("a raw text needs no dims of [1]; a free size is 1", ("http raw text",)),
    Deviation("every endpoint unpacks compressed bodies", ("http request in gzip",)),
    Deviation(
        "numbers that do not fit are refused; Triton cuts them",
        ("http UINT8 of 300", "http INT32 of 2147483648"),
    ),
    Deviation("an output that is asked for twice is a mistake", ("http output twice",)),
    Deviation("classes are at least 1, over HTTP too", ("http classification of 0",)),
    Deviation("tensors that nobody wants are a mistake", ("grpc raw entry too many",)),
    Deviation(
        "settings that there are not are refused; Triton passes over them",
        ("* unknown log setting", "* unknown trace setting", "http trace level that is none"),
    ),
    # --- Codes that --triton-compat-errors does not copy
    Deviation(
        "JSON of the wrong kind is one case for us (500); Triton falls through to other checks",
        ("http empty body", "http an input that is no object", "http gzip that is none"),
        ("status",),
        (400, 500),
    ),
    Deviation(
        "a log setting that is wrong is the client's mistake",
        ("http log level that is text", "http log format that is none"),
        ("status",),
    ),
    Deviation(
        "so is a configuration that is none",
        ("http load with a configuration that is none",),
        ("status",),
        (500, 400),
    ),
    Deviation(
        "so is the key of a region that there is not",
        ("grpc register a region",),
        ("code",),
        ("INTERNAL", "INVALID_ARGUMENT"),
    ),
    Deviation(
        "an unknown model is 404 for its trace settings as for everything else of it",
        ("http trace settings of an unknown model",),
        ("status",),
        (400, 404),
    ),
    Deviation(
        "a model that was unloaded is known, and unavailable until it is loaded again",
        ("http infer of an unloaded model",),
        ("status",),
        (404, 503),
    ),
]

# --- Comparing ---------------------------------------------------------------------------------


def differences(theirs, ours, path=""):
    """(path, theirs, ours) for every field that differs; lists and objects are walked."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in [*theirs, *(key for key in ours if key not in theirs)]:
            step = f"{path}.{key}" if path else key
            yield from differences(theirs.get(key, ABSENT), ours.get(key, ABSENT), step)
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield path + " length", theirs, ours
        for index, pair in enumerate(zip(theirs, ours)):
            yield from differences(*pair, f"{path}[{index}]")
    elif path.rpartition(".")[2] in CLOCKED and ABSENT not in (theirs, ours):
        if type(theirs) is not type(ours) or (int(theirs) == 0) != (int(ours) == 0):
            yield path, theirs, ours
    elif theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
        yield path, theirs, ours


def compared(answers, case):
    kind, _, name = case.partition(" ")
    return list(differences(RECORDED[kind][name]["answer"], answers[kind][name]))


@pytest.fixture(scope="module")
def answers(launch_session, repository, tmp_path_factory):
    """Our server's answers to all requests, asked over just these models."""
    folder = tmp_path_factory.mktemp("triton") / "models"
    for name in triton_cases.MODELS:
        shutil.copytree(repository / name, folder / name)
    flags = ["--triton-compat-errors", "--allow-client-shm", "true", "--drain-seconds", "0"]
    server = launch_session(*flags, repository=folder, load=triton_cases.MODELS)
    return triton_cases.ask_all(server.http, server.grpc, server.metrics)


# --- The comparison ----------------------------------------------------------------------------


def test_recording_is_of_these_requests():
    """The recorded requests are those of triton_cases.py; else Scripts/record-triton.py is due."""
    for kind, asked in (("http", triton_cases.http_cases()), ("grpc", triton_cases.grpc_cases())):
        assert {name: found["request"] for name, found in RECORDED[kind].items()} == asked


@pytest.mark.parametrize("case", CASES)
def test_answers_as_triton(answers, case):
    """Status, headers and body are Triton's, but for the deviations that are listed."""
    unlisted = [
        found
        for found in compared(answers, case)
        if not any(entry.allows(case, found) for entry in DEVIATIONS)
    ]
    assert not unlisted, "\n".join(f"{path}: Triton {a!r}, we {b!r}" for path, a, b in unlisted)


def test_deviations_are_still_there(answers):
    """No case of the table is stale: each pattern still meets a difference."""
    found = [(case, difference) for case in CASES for difference in compared(answers, case)]
    for entry in DEVIATIONS:
        for pattern in entry.cases:
            one = dataclasses.replace(entry, cases=(pattern,))
            assert any(one.allows(*pair) for pair in found), (pattern, entry.why)


def test_inference_replies_have_the_order_of_keys(answers):
    """Some clients read the reply's keys in order: they come as Triton's do."""
    checked = 0
    for name, recorded in RECORDED["http"].items():
        theirs, ours = (side.get("json") for side in (recorded["answer"], answers["http"][name]))
        if not isinstance(theirs, dict) or "outputs" not in theirs or "outputs" not in ours:
            continue
        assert list(ours) == list(theirs), name
        for left, right in zip(theirs["outputs"], ours["outputs"]):
            shared = [key for key in left if key in right]
            assert [key for key in right if key in left] == shared, name
        checked += 1
    assert checked > 40


def test_fp32_in_json_is_the_same_number(answers):
    """Fewer digits than Triton's, the same FP32."""
    theirs, ours = (
        side["json"]["outputs"][0]["data"]
        for side in (RECORDED["http"]["json FP32"]["answer"], answers["http"]["json FP32"])
    )
    assert np.array(ours, np.float32).tolist() == np.array(theirs, np.float32).tolist()


@pytest.mark.parametrize("name", RECORDED["metrics"])
def test_metrics_as_triton(answers, name):
    """Each of Triton's metrics is there with its type and labels, or listed as not ours."""
    found = answers["metrics"].get(name)
    assert found == RECORDED["metrics"][name]
