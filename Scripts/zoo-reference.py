#!/usr/bin/env python3
"""Holds model files, or a server's answers for them, against python's onnxruntime.

    .venv/bin/python Scripts/zoo-reference.py PATH...
    .venv/bin/python Scripts/zoo-reference.py --url 127.0.0.1:8000 PATH...

A PATH is a model.onnx, a model's folder, or a whole model repository; a file's model is named like
the folder above its version. Inputs are seeded: normal values for floats, 0...99 for whole numbers.

Without --url each file must pass onnx.checker, run at every batch size, give finite values that
differ from item to item (else a comparison would prove nothing), and give each item the same
answer whatever the batch.

With --url the server (any that speaks the v2 protocol) must give what onnxruntime gives: for each
batch size, and for several requests of one item each sent at once, which the server may gather.

Equal means: within --tolerance, 1e-5 unless told otherwise, of the largest absolute value in the
reference. One line per model; exit status 1 if any fails.
"""

import argparse
import pathlib
import sys
import zlib

import numpy as np

FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}
WHOLES = {
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
}
TIMEOUT_SECONDS = 300


class Failed(Exception):
    """One line that says what a model did wrong."""


# --- The models ------------------------------------------------------------------------------


def model_files(paths):
    """Every model file under the paths, as (name, file); the highest version of each model."""
    found = []
    for path in paths:
        if path.is_file():
            named = path.parent.parent if path.parent.name.isdigit() else path.parent
            found.append((named.resolve().name, path))
            continue
        versions = {}
        for file in sorted(path.glob("**/[0-9]*/model.onnx")):
            folder = file.parent.parent
            known = versions.get(folder)
            if known is None or int(known.parent.name) < int(file.parent.name):
                versions[folder] = file
        found += [(folder.resolve().name, file) for folder, file in sorted(versions.items())]
    return found


class Reference:
    """A model file in onnxruntime, with inputs that hang on its name and the seed alone."""

    def __init__(self, name, file, seed):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(str(file), options, providers=providers)
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.random = np.random.RandomState((seed + zlib.crc32(name.encode())) % 2**32)

    def inputs(self, batch):
        """Fresh seeded inputs; any free dimension behind the first is 1."""
        tensors = {}
        for wanted in self.session.get_inputs():
            rest = [size if isinstance(size, int) else 1 for size in wanted.shape[1:]]
            shape = [batch, *rest]
            if wanted.type in FLOATS:
                values = self.random.standard_normal(shape).astype(FLOATS[wanted.type])
            elif wanted.type in WHOLES:
                values = self.random.randint(0, 100, shape).astype(WHOLES[wanted.type])
            elif wanted.type == "tensor(bool)":
                values = self.random.randint(0, 2, shape).astype(bool)
            else:
                raise Failed(f"input {wanted.name} is a {wanted.type}, which this script can't draw")
            tensors[wanted.name] = values
        return tensors

    def run(self, tensors):
        return dict(zip(self.outputs, self.session.run(self.outputs, tensors)))


def joined(parts):
    """Tensors of several items, one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def difference(wanted, given):
    """The largest difference over all outputs, as a share of the largest value wanted."""
    worst = 0.0
    for name, values in wanted.items():
        if values.shape != given[name].shape:
            raise Failed(f"output {name} has shape {given[name].shape}, not {values.shape}")
        if not np.isfinite(given[name]).all():
            raise Failed(f"output {name} holds values that aren't finite")
        scale = max(float(np.abs(values).max()), 1e-30)
        gap = np.abs(values.astype(np.float64) - given[name].astype(np.float64)).max()
        worst = max(worst, float(gap) / scale)
    return worst


def demand(gap, tolerance, what):
    if gap > tolerance:
        raise Failed(f"{what}: off by {gap:.2g} of the largest value, allowed {tolerance:g}")


# --- The two checks --------------------------------------------------------------------------


def check_file(name, file, options):
    """Well-formed, runs, and answers each item alike in every batch."""
    import onnx

    onnx.checker.check_model(str(file), full_check=True)
    reference = Reference(name, file, options.seed)
    worst, spread, largest = 0.0, 1.0, 0.0
    for batch in options.batches:
        tensors = reference.inputs(batch)
        together = reference.run(tensors)
        rows = [{key: value[i : i + 1] for key, value in tensors.items()} for i in range(batch)]
        alone = joined([reference.run(row) for row in rows])
        gap = difference(alone, together)
        demand(gap, options.tolerance, f"batch {batch} against one by one")
        worst = max(worst, gap)
        for values in together.values():
            largest = max(largest, float(np.abs(values).max()))
            if batch > 1:
                apart = float(np.abs(values[1:] - values[:1]).max())
                spread = min(spread, apart / max(float(np.abs(values).max()), 1e-30))
    if spread < 100 * options.tolerance:
        raise Failed(f"items differ by only {spread:.2g} of the largest value: nothing to compare")
    batches = ", ".join(map(str, options.batches))
    return (
        f"file ok, batches {batches}, largest |y| {largest:.3g}, "
        f"items differ by {spread:.2g}, batching changes {worst:.1g}"
    )


def check_server(name, file, options):
    """The server's answers are onnxruntime's."""
    import tritonclient.http as http

    client = http.InferenceServerClient(
        options.url,
        concurrency=options.together,
        connection_timeout=TIMEOUT_SECONDS,
        network_timeout=TIMEOUT_SECONDS,
    )
    try:
        if not client.is_model_ready(name):
            raise Failed(f"the server at {options.url} doesn't serve it")
        largest = client.get_model_config(name).get("max_batch_size", 0)
        reference = Reference(name, file, options.seed)
        worst = 0.0
        batches = [batch for batch in options.batches if batch <= max(largest, 1)]
        for batch in batches:
            tensors = reference.inputs(batch)
            reply = client.infer(name, request(http, tensors))
            gap = difference(reference.run(tensors), answer(reply, reference))
            demand(gap, options.tolerance, f"batch {batch}")
            worst = max(worst, gap)
        items = [reference.inputs(1) for _ in range(options.together)]
        replies = [client.async_infer(name, request(http, item)) for item in items]
        for item, reply in zip(items, replies):
            given = answer(reply.get_result(), reference)
            gap = difference(reference.run(item), given)
            demand(gap, options.tolerance, f"one of {len(items)} at once")
            worst = max(worst, gap)
    finally:
        client.close()
    sizes = ", ".join(map(str, batches))
    return f"server ok, batches {sizes} and {len(items)} at once, off by {worst:.1g} at most"


def request(http, tensors):
    """The tensors as inputs of a v2 request, in binary."""
    from tritonclient.utils import np_to_triton_dtype

    inputs = []
    for name, values in tensors.items():
        wanted = http.InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
        wanted.set_data_from_numpy(values, binary_data=True)
        inputs.append(wanted)
    return inputs


def answer(reply, reference):
    """A reply's outputs by name."""
    given = {name: reply.as_numpy(name) for name in reference.outputs}
    for name, values in given.items():
        if values is None:
            raise Failed(f"the reply lacks the output {name}")
    return given


# --- The command -----------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(
        description="Hold model files, or a server's answers for them, against onnxruntime."
    )
    parser.add_argument("paths", nargs="+", type=pathlib.Path, metavar="PATH")
    parser.add_argument("--url", metavar="HOST:PORT", help="compare this server's answers")
    parser.add_argument("--batches", default="1,3", help="batch sizes, 1,3 unless told otherwise")
    parser.add_argument("--together", type=int, default=6, help="requests sent at once")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.batches = [int(word) for word in options.batches.split(",")]
    if options.url:
        options.url = options.url.removeprefix("http://").rstrip("/")

    models = model_files(options.paths)
    if not models:
        sys.exit("zoo-reference: no model.onnx under " + ", ".join(map(str, options.paths)))
    check = check_server if options.url else check_file
    failed = 0
    for name, file in models:
        try:
            print(f"{name}: {check(name, file, options)}", flush=True)
        except Exception as error:  # noqa: BLE001 - one bad model must not hide the others
            failed += 1
            words = " ".join(str(error).split()) or type(error).__name__
            print(f"{name}: FAILED: {words}", flush=True)
    if failed:
        sys.exit(f"zoo-reference: {failed} of {len(models)} models failed")


if __name__ == "__main__":
    main()
