#!/usr/bin/env python3
"""Exports the held-out handwritten digits from scikit-learn, for the demo and the tests.

    .venv/bin/python Scripts/export-digits.py [--output .demo] [--verify [MODEL.onnx]]

Writes two files into the folder (.demo, which git ignores):

digits.json          {"name": "digits", "shape": [1, 8, 8], "labels": [6, ...], "images": [[0, ...],
                     ...]}: 360 digits, each 64 whole numbers 0...16, row by row; one image per line
digits-request.json  a ready body for POST v2/models/digits/infer with the first held-out digit

With --verify the committed model (or the one named) runs over all of them by onnxruntime; its
accuracy is printed, and under 97 % the exit status is 1.
"""

import argparse
import json
import pathlib

from digits_split import load_split

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "Models" / "digits" / "1" / "model.onnx"
WANTED = 0.97


def document(digits):
    """The whole export as text, one image per line."""
    pixels = digits.images.astype(int).reshape(len(digits.labels), -1).tolist()
    rows = ",\n    ".join(json.dumps(row, separators=(",", ":")) for row in pixels)
    labels = json.dumps(digits.labels.tolist(), separators=(",", ":"))
    return (
        '{\n  "name": "digits",\n  "shape": [1, 8, 8],\n'
        f'  "labels": {labels},\n  "images": [\n    {rows}\n  ]\n}}\n'
    )


def request(digits):
    """A v2 request with the first digit, which asks for the three best classes."""
    pixels = digits.images[0].astype(int).reshape(-1).tolist()
    return {
        "inputs": [
            {"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": pixels}
        ],
        "outputs": [{"name": "scores", "parameters": {"classification": 3}}],
    }


def verify(path, digits):
    """Runs the model over the digits by onnxruntime and prints how many are right."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (scores,) = session.run(["scores"], {"image": digits.images})
    right = int((scores.argmax(axis=1) == digits.labels).sum())
    share = right / len(digits.labels)
    print(f"{path}: {right} of {len(digits.labels)} held-out digits right, {100 * share:.2f} %")
    if share < WANTED:
        raise SystemExit(
            f"export-digits: under the {100 * WANTED:.0f} % wanted; "
            "train anew with Scripts/train-digits.py"
        )


def main():
    parser = argparse.ArgumentParser(description="Export the held-out handwritten digits.")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / ".demo", metavar="FOLDER")
    parser.add_argument(
        "--verify",
        type=pathlib.Path,
        nargs="?",
        const=MODEL,
        metavar="MODEL",
        help="print the accuracy of the model file (default: the committed one)",
    )
    options = parser.parse_args()

    _, held_out = load_split()
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "digits.json"
    path.write_text(document(held_out), encoding="utf-8")
    (options.output / "digits-request.json").write_text(
        json.dumps(request(held_out)) + "\n", encoding="utf-8"
    )
    print(f"{path}: {len(held_out.labels)} held-out digits")
    if options.verify:
        verify(options.verify, held_out)


if __name__ == "__main__":
    main()
