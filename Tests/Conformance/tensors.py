"""Seeded tensors, and tritonclient's inputs and outputs made of them."""

import ml_dtypes
import numpy as np
from model_files import TYPES, identity_name
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

SEED = 20261121


def draw(datatype, shape, seed=SEED):
    """Seeded values of a wire type, the extremes among them."""
    random = np.random.RandomState(seed)
    kind = TYPES[datatype][2]
    count = int(np.prod(shape))
    if datatype == "BYTES":
        words = [b"", b"plain", "Grüße, 世界".encode(), bytes(range(256)), b"x" * 1_000]
        return np.array([words[i % len(words)] for i in range(count)], np.object_).reshape(shape)
    if datatype == "BOOL":
        return random.randint(0, 2, shape).astype(np.bool_)
    if datatype.startswith("FP"):
        values = random.standard_normal(count).astype(kind)
        edges = [np.finfo(kind).max, np.finfo(kind).tiny, 0.0]
    else:
        limits = np.iinfo(kind)
        values = random.randint(0, 100, count).astype(kind)
        edges = [limits.min, limits.max]
    values[: len(edges)] = np.array(edges[:count], kind)
    return values.reshape(shape)


def wanted(client, *names, **more):
    """Requested outputs of either tritonclient module."""
    return [client.InferRequestedOutput(name, **more) for name in names]


def given(client, name, values, datatype=None, **more):
    """One input of either tritonclient module."""
    kind = datatype or np_to_triton_dtype(values.dtype)
    made = client.InferInput(name, list(values.shape), kind)
    made.set_data_from_numpy(values, **more)
    return made


def given_bf16(client, values):
    """A BF16 input: newer clients want ml_dtypes' type, older ones cut FP32 themselves."""
    try:
        return given(client, "INPUT", values.astype(ml_dtypes.bfloat16), "BF16")
    except InferenceServerException:
        return given(client, "INPUT", values, "BF16")


def bf16_returns(connection, client):
    """Whether the identity of BF16 gives every bit back; older clients cut, newer ones round."""
    values = np.array([[1.0, -2.5, 0.0, float.fromhex("0x1.c2p127")]], np.float32)
    reply = connection.infer("identity_bf16", [given_bf16(client, values)])
    answer = reply.as_numpy("OUTPUT").astype(np.float32)
    return answer.tobytes() == values.astype(ml_dtypes.bfloat16).astype(np.float32).tobytes()


def echo(connection, client, datatype, values, outputs=None, **more):
    """What the identity model of a data type answers."""
    inputs = [given(client, "INPUT", values, datatype, **more)]
    reply = connection.infer(identity_name(datatype), inputs, outputs=outputs)
    return reply.as_numpy("OUTPUT")


def equal(left, right):
    """Same type, shape and bits; NaN equals itself."""
    assert left is not None and left.shape == right.shape, (left, right.shape)
    if right.size == 0:
        return  # Some clients make FP64 of every empty tensor.
    assert left.dtype == right.dtype, (left.dtype, right.dtype)
    if left.dtype == np.object_:
        # tritonclient gives text from JSON, bytes from binary data.
        texts = [word.encode() if isinstance(word, str) else word for word in left.flat]
        assert texts == list(right.flat)
    else:
        assert left.tobytes() == right.tobytes()
