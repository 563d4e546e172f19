"""Writes the model repository that the conformance tests serve.

Every model is small, made with the `onnx` package and seeded, so that python's onnxruntime can be
the reference. `slow` is sized for the machine at hand: it takes about SLOW_SECONDS of one core.
"""

import functools
import pathlib
import shutil
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOW_SECONDS = 0.3
SLOW_WIDTH = 512
BROAD_WIDTH = 1 << 18

# Wire name -> (ONNX type, config.pbtxt type, numpy type); BF16 has no numpy type of its own.
TYPES = {
    "BOOL": (TensorProto.BOOL, "TYPE_BOOL", np.bool_),
    "UINT8": (TensorProto.UINT8, "TYPE_UINT8", np.uint8),
    "UINT16": (TensorProto.UINT16, "TYPE_UINT16", np.uint16),
    "UINT32": (TensorProto.UINT32, "TYPE_UINT32", np.uint32),
    "UINT64": (TensorProto.UINT64, "TYPE_UINT64", np.uint64),
    "INT8": (TensorProto.INT8, "TYPE_INT8", np.int8),
    "INT16": (TensorProto.INT16, "TYPE_INT16", np.int16),
    "INT32": (TensorProto.INT32, "TYPE_INT32", np.int32),
    "INT64": (TensorProto.INT64, "TYPE_INT64", np.int64),
    "FP16": (TensorProto.FLOAT16, "TYPE_FP16", np.float16),
    "FP32": (TensorProto.FLOAT, "TYPE_FP32", np.float32),
    "FP64": (TensorProto.DOUBLE, "TYPE_FP64", np.float64),
    "BYTES": (TensorProto.STRING, "TYPE_STRING", np.object_),
    "BF16": (TensorProto.BFLOAT16, "TYPE_BF16", None),
}
NUMPY_TYPES = [name for name in TYPES if name != "BF16"]


def identity_name(datatype):
    """The name of the identity model of a data type."""
    return "identity_" + datatype.lower()


# --- Graphs ----------------------------------------------------------------------------------


def tensor(name, datatype, shape):
    """A graph's input or output; None in the shape is a free dimension."""
    return helper.make_tensor_value_info(name, TYPES[datatype][0], shape)


def model(nodes, inputs, outputs, constants=()):
    """A checked model of the nodes."""
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(constants))
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="tests"
    )
    onnx.checker.check_model(made)
    return made.SerializeToString()


def constant(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


def identity(datatype, shape=(None, None)):
    return model(
        [helper.make_node("Identity", ["INPUT"], ["OUTPUT"])],
        [tensor("INPUT", datatype, list(shape))],
        [tensor("OUTPUT", datatype, list(shape))],
    )


def add_sub():
    names = ("INPUT0", "INPUT1"), ("OUTPUT0", "OUTPUT1")
    return model(
        [
            helper.make_node("Add", names[0], ["OUTPUT0"]),
            helper.make_node("Sub", names[0], ["OUTPUT1"]),
        ],
        [tensor(name, "FP32", [None, 16]) for name in names[0]],
        [tensor(name, "FP32", [None, 16]) for name in names[1]],
    )


def add_constant(value, shape=(None, 4)):
    return model(
        [helper.make_node("Add", ["INPUT", "amount"], ["OUTPUT"])],
        [tensor("INPUT", "FP32", list(shape))],
        [tensor("OUTPUT", "FP32", list(shape))],
        [constant("amount", np.float32(value))],
    )


def broad():
    """One number in, 1 MiB out."""
    ones = np.ones((1, BROAD_WIDTH), np.float32)
    return model(
        [helper.make_node("Mul", ["INPUT", "ones"], ["OUTPUT"])],
        [tensor("INPUT", "FP32", [None, 1])],
        [tensor("OUTPUT", "FP32", [None, BROAD_WIDTH])],
        [constant("ones", ones)],
    )


def doubled(shape):
    return model(
        [helper.make_node("Add", ["INPUT", "INPUT"], ["OUTPUT"])],
        [tensor("INPUT", "FP32", list(shape))],
        [tensor("OUTPUT", "FP32", list(shape))],
    )


def slow(rounds, seed=7):
    """y = sum(x) * A * A * ... * A: every product waits for the one before it.

    A is a seeded orthogonal matrix, so that the values keep their size; nothing can be folded
    since all of it hangs on x.
    """
    random = np.random.RandomState(seed)
    matrix = np.linalg.qr(random.standard_normal((SLOW_WIDTH, SLOW_WIDTH)))[0].astype(np.float32)
    # One row per item: sums [N,1] times A [W,W] broadcast to [N,W,W].
    nodes = [
        helper.make_node("ReduceSum", ["INPUT", "axis"], ["total"], keepdims=1),
        helper.make_node("Unsqueeze", ["total", "axis"], ["total3"]),
        helper.make_node("Mul", ["total3", "A"], ["m0"]),
    ]
    for step in range(rounds):
        nodes.append(helper.make_node("MatMul", [f"m{step}", "A"], [f"m{step + 1}"]))
    nodes.append(helper.make_node("ReduceMean", [f"m{rounds}"], ["OUTPUT"], axes=[1], keepdims=0))
    return model(
        nodes,
        [tensor("INPUT", "FP32", [None, 4])],
        [tensor("OUTPUT", "FP32", [None, SLOW_WIDTH])],
        [constant("A", matrix), constant("axis", np.array([1], dtype=np.int64))],
    )


@functools.cache
def slow_model():
    """The bytes of `slow`, sized by a short measurement."""
    short = 16
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(slow(short), options, providers=["CPUExecutionProvider"])
    items = np.ones((1, 4), np.float32)
    best = min(busy(lambda: session.run(None, {"INPUT": items})) for _ in range(5))
    return slow(int(min(max(short * SLOW_SECONDS / best, 16), 3000)))


def busy(action):
    """The processor time that something takes, whoever else wants the processor."""
    began = time.process_time()
    action()
    return time.process_time() - began


# --- Folders ---------------------------------------------------------------------------------


def config(name, inputs, outputs, batch=8, extra=""):
    """A config.pbtxt; tensors are (name, wire type, dims) or with further text at the end."""

    def list_of(tensors):
        rows = []
        for entry in tensors:
            tensor_name, datatype, dims = entry[:3]
            more = " " + entry[3] if len(entry) > 3 else ""
            numbers = ", ".join(map(str, dims))
            kind = TYPES[datatype][1]
            rows.append(
                f'  {{ name: "{tensor_name}" data_type: {kind} dims: [ {numbers} ]{more} }}'
            )
        return "[\n" + ",\n".join(rows) + "\n]"

    return (
        f'name: "{name}"\nplatform: "onnxruntime_onnx"\nmax_batch_size: {batch}\n'
        f"input {list_of(inputs)}\noutput {list_of(outputs)}\n{extra}\n"
    )


def write(repository, name, data, text=None, version=1, files=None):
    """One model's folder."""
    folder = pathlib.Path(repository) / name
    (folder / str(version)).mkdir(parents=True, exist_ok=True)
    (folder / str(version) / "model.onnx").write_bytes(data)
    if text is not None:
        (folder / "config.pbtxt").write_text(text, encoding="utf-8")
    for path, content in (files or {}).items():
        (folder / path).write_text(content, encoding="utf-8")
    return folder


def one_to_one(name, datatype, dims, **more):
    """The config of a model with INPUT and OUTPUT alike."""
    return config(name, [("INPUT", datatype, dims)], [("OUTPUT", datatype, dims)], **more)


def write_identities(repository):
    for datatype in TYPES:
        name = identity_name(datatype)
        write(repository, name, identity(datatype), one_to_one(name, datatype, [-1]))


def write_arithmetic(repository):
    tensors = [
        [(f"{word}{number}", "FP32", [16]) for number in (0, 1)] for word in ("INPUT", "OUTPUT")
    ]
    write(
        repository,
        "add_sub",
        add_sub(),
        config("add_sub", *tensors, extra="dynamic_batching { }"),
    )
    write(
        repository,
        "plain",
        add_constant(1, (2, 3)),
        one_to_one("plain", "FP32", [2, 3], batch=0),
    )
    write(
        repository,
        "variable",
        doubled((None, None, None)),
        one_to_one("variable", "FP32", [-1, -1], batch=4, extra="dynamic_batching { }"),
    )
    reshaped = (
        [("INPUT", "FP32", [4], "reshape { shape: [ 2, 2 ] }")],
        [("OUTPUT", "FP32", [4], "reshape { shape: [ 2, 2 ] }")],
    )
    write(repository, "reshaped", doubled((None, 2, 2)), config("reshaped", *reshaped))
    wide = [("INPUT", "FP32", [1])], [("OUTPUT", "FP32", [BROAD_WIDTH])]
    write(repository, "broad", broad(), config("broad", *wide, batch=2))
    # An objective that no run can keep.
    goal = 'parameters: { key: "slo.latency_ms" value: { string_value: "0.001" } }'
    write(repository, "goal", add_constant(1), one_to_one("goal", "FP32", [4], extra=goal))
    # No config.pbtxt at all.
    write(repository, "bare", add_constant(5))
    for version in (1, 2, 3):
        write(
            repository,
            "versions",
            add_constant(version),
            one_to_one(
                "versions",
                "FP32",
                [4],
                extra="version_policy: { specific: { versions: [ 1, 3 ] } }",
            ),
            version=version,
        )
    labels = "\n".join(["ant", "bee", "cat", "dog"]) + "\n"
    write(
        repository,
        "classifier",
        identity("FP32", (None, 4)),
        config(
            "classifier",
            [("INPUT", "FP32", [4])],
            [("OUTPUT", "FP32", [4], 'label_filename: "labels.txt"')],
            batch=4,
        ),
        files={"labels.txt": labels},
    )


def write_slow(repository):
    """Models that run long, with the rules that the deadline tests need."""
    tensors = [("INPUT", "FP32", [4])], [("OUTPUT", "FP32", [SLOW_WIDTH])]
    data = slow_model()
    rules = {
        "slow": "",
        "slow_batch": "dynamic_batching { preferred_batch_size: [ 2 ] "
        "max_queue_delay_microseconds: 400000 }",
        "slow_bounded": "dynamic_batching { default_queue_policy { max_queue_size: 1 } }",
        "slow_levels": "dynamic_batching { priority_levels: 3 default_priority_level: 2 }",
    }
    for name, extra in rules.items():
        batch = 2 if name == "slow_batch" else 1
        write(repository, name, data, config(name, *tensors, batch=batch, extra=extra))


def write_faulty(repository):
    """Models that must not come up, by name: what is wrong with them."""
    good = add_constant(1)
    repository = pathlib.Path(repository)
    text = one_to_one("corrupt", "FP32", [4])
    write(repository, "corrupt", np.random.RandomState(3).bytes(2_000), text)
    write(repository, "truncated", good[: len(good) // 2], one_to_one("truncated", "FP32", [4]))
    write(repository, "empty_file", b"", one_to_one("empty_file", "FP32", [4]))
    write(repository, "wrong_dims", good, one_to_one("wrong_dims", "FP32", [5]))
    write(repository, "wrong_type", good, one_to_one("wrong_type", "INT64", [4]))
    write(
        repository,
        "wrong_name",
        good,
        config("wrong_name", [("IN", "FP32", [4])], [("OUTPUT", "FP32", [4])]),
    )
    write(
        repository,
        "no_labels",
        good,
        config(
            "no_labels",
            [("INPUT", "FP32", [4])],
            [("OUTPUT", "FP32", [4], 'label_filename: "labels.txt"')],
        ),
    )
    write(
        repository,
        "escapes",
        good,
        one_to_one(
            "escapes", "FP32", [4], extra='default_model_filename: "../../bare/1/model.onnx"'
        ),
    )
    write(repository, "bad_text", good, 'name: "bad_text"\nmax_batch_size: { oops\n')
    write(
        repository,
        "sequences",
        good,
        one_to_one("sequences", "FP32", [4], extra="sequence_batching { }"),
    )
    folder = write(repository, "linked", good, one_to_one("linked", "FP32", [4]))
    outside = repository.parent / "outside.onnx"
    outside.write_bytes(good)
    (folder / "1" / "model.onnx").unlink()
    (folder / "1" / "model.onnx").symlink_to(outside)
    (repository / "no_version").mkdir()
    (repository / "no_version" / "config.pbtxt").write_text(
        one_to_one("no_version", "FP32", [4]), encoding="utf-8"
    )


FAULTY = [
    "corrupt",
    "truncated",
    "empty_file",
    "wrong_dims",
    "wrong_type",
    "wrong_name",
    "no_labels",
    "escapes",
    "bad_text",
    "sequences",
    "linked",
    "no_version",
]


def write_curious(repository):
    """A model whose config.pbtxt has a field that nobody knows: served, with a warning."""
    write(
        repository,
        "curious",
        add_constant(1),
        one_to_one("curious", "FP32", [4], extra="brand_new_setting { level: 3 }"),
    )


def write_ensemble(repository):
    """`doubling`: sum and difference of two tensors, and again of those: both tensors, doubled."""
    steps = [("INPUT0", "INPUT1", "sum", "difference"), ("sum", "difference", "TWICE0", "TWICE1")]
    step = """step {{ model_name: "add_sub" model_version: -1
  input_map {{ key: "INPUT0" value: "{}" }} input_map {{ key: "INPUT1" value: "{}" }}
  output_map {{ key: "OUTPUT0" value: "{}" }} output_map {{ key: "OUTPUT1" value: "{}" }} }}
"""
    sides = [("input", "INPUT"), ("output", "TWICE")]
    tensors = [
        f'{side} {{ name: "{word}{number}" data_type: TYPE_FP32 dims: 16 }}\n'
        for side, word in sides
        for number in (0, 1)
    ]
    text = 'platform: "ensemble"\nmax_batch_size: 8\n' + "".join(tensors)
    text += "ensemble_scheduling { " + "".join(step.format(*names) for names in steps) + "}\n"
    (repository / "doubling" / "1").mkdir(parents=True)
    (repository / "doubling" / "config.pbtxt").write_text(text, "utf-8")


def write_all(repository):
    """The whole repository."""
    repository = pathlib.Path(repository)
    write_identities(repository)
    write_arithmetic(repository)
    write_ensemble(repository)
    write_slow(repository)
    write_curious(repository)
    shutil.copytree(ROOT / "Models" / "digits", repository / "digits")
    write_faulty(repository)
