"""Builds zoo networks into .zoo/ and checks them one by one; Scripts/zoo-check.sh runs it."""
import json
import os
import re
import shutil
import subprocess
import sys
import time

from bench_servers import ROOT, SLUICE, Sluice, call

ZOO = os.path.join(ROOT, ".zoo")
REFERENCE = os.path.join(ROOT, "Scripts/zoo-reference.py")
LIMIT_SECONDS = 1_200
# The largest batch that instances warm up for: a network of 30 GFLOP takes a second per item.
MAX_BATCH = 4


def main():
    names = sys.argv[1:] or listed()
    build(names)
    server = Sluice(ZOO, "--model-control-mode", "explicit")
    rows, failed = [], 0
    try:
        for name in names:
            began = time.monotonic()
            size = os.path.getsize(f"{ZOO}/{name}/1/model.onnx") / 1e6
            alone = reference(f"{ZOO}/{name}")
            served = through(server, name)
            failed += (not alone[0]) + (not served[0])
            rows.append((name, size, alone[1], served[1], time.monotonic() - began))
            print(f"{name}: {alone[1]}; {served[1]}", file=sys.stderr, flush=True)
    finally:
        server.stop()
    print("| network | MB | the file in onnxruntime | through the server | seconds |")
    print("| --- | --- | --- | --- | --- |")
    for name, size, alone, served, seconds in rows:
        print(f"| {name} | {size:.1f} | {alone} | {served} | {seconds:.0f} |")
    if failed:
        sys.exit(f"zoo-check: {failed} checks failed")


def listed():
    out = subprocess.run([SLUICE, "zoo", "list"], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in out.stdout.splitlines() if line.strip()]


def build(names):
    """Writes what isn't there or was written by an older binary, one at a time."""
    stamp = os.path.getmtime(SLUICE)
    for name in names:
        file = f"{ZOO}/{name}/1/model.onnx"
        if os.path.exists(file) and os.path.getmtime(file) > stamp:
            continue
        shutil.rmtree(f"{ZOO}/{name}", ignore_errors=True)
        print(f"building {name}", file=sys.stderr, flush=True)
        subprocess.run([SLUICE, "zoo", "build", name, "--output", ZOO], check=True,
                       stdout=subprocess.DEVNULL)
        config = f"{ZOO}/{name}/config.pbtxt"
        text = open(config).read()
        text = re.sub(r"max_batch_size: (\d+)",
                      lambda found: f"max_batch_size: {min(int(found[1]), MAX_BATCH)}", text)
        open(config, "w").write(text)


def reference(path, *words):
    """Whether it holds, and what the reference script says of it."""
    try:
        out = subprocess.run([sys.executable, REFERENCE, *words, path], capture_output=True,
                             text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return False, f"FAILED: no end within {LIMIT_SECONDS} s"
    lines = out.stdout.strip().splitlines() or out.stderr.strip().splitlines() or ["no answer"]
    said = lines[0].split(": ", 1)[-1]
    if out.returncode != 0:
        return False, said if said.startswith("FAILED") else "FAILED: " + said
    return True, re.sub(r"^(file|server) ok, ", "", said).replace("|", "")


def through(server, name):
    port = server.ports["http"]
    try:
        call(port, "POST", f"/v2/repository/models/{name}/load", "{}", timeout=LIMIT_SECONDS)
    except (SystemExit, OSError, json.JSONDecodeError) as problem:
        return False, "FAILED: " + " ".join(str(problem).split())
    try:
        return reference(f"{ZOO}/{name}", "--url", f"127.0.0.1:{port}")
    finally:
        call(port, "POST", f"/v2/repository/models/{name}/unload", "{}", timeout=300)


if __name__ == "__main__":
    main()
