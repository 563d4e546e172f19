"""The clients: wrk for HTTP/1.1, h2load for gRPC, sluice load for open loops."""
import json
import re
import struct
import subprocess
import tempfile

from bench_servers import SLUICE

LUA = """
function init(args)
  wrk.method = "POST"
  local file = assert(io.open(args[1], "rb")); wrk.body = file:read("*a"); file:close()
  for i = 2, #args do
    local key, value = args[i]:match("^([^:]+):%s*(.*)$"); wrk.headers[key] = value
  end
  prepared = wrk.format()
end
function request() return prepared end
function done(summary, latency, requests)
  io.write(string.format('RESULT {"n":%d,"seconds":%.3f,"p50":%.3f,"p99":%.3f,"bad":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, summary.errors.status + summary.errors.timeout
    + summary.errors.connect + summary.errors.read))
end
"""

# --- Bodies -------------------------------------------------------------------------------------


def varint(number):
    out = b""
    while True:
        low = number & 127
        number >>= 7
        out += bytes([low | (128 if number else 0)])
        if not number:
            return out


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def binary(shape, content):
    """A request over HTTP with binary tensors both ways: one input x, one output y."""
    head = json.dumps({"inputs": [{"name": "x", "shape": shape, "datatype": "FP32",
                                   "parameters": {"binary_data_size": len(content)}}],
                       "outputs": [{"name": "y", "parameters": {"binary_data": True}}]},
                      separators=(",", ":")).encode()
    return head + content, {"Content-Type": "application/octet-stream",
                            "Inference-Header-Content-Length": str(len(head))}


ROW = struct.pack("<16f", *[i / 16 for i in range(16)])


def tiny_binary():
    return binary([1, 16], ROW)


def tiny_json():
    values = [i / 16 for i in range(16)]
    return json.dumps({"inputs": [{"name": "x", "shape": [1, 16], "datatype": "FP32",
                                   "data": values}]}, separators=(",", ":")).encode(), {
        "Content-Type": "application/json"}


def tiny_grpc():
    tensor = field(1, b"x") + field(2, b"FP32") + field(3, varint(1) + varint(16))
    message = field(1, b"tiny") + field(5, tensor) + field(7, ROW)
    return b"\0" + struct.pack(">I", len(message)) + message, {
        "content-type": "application/grpc", "te": "trailers"}


# --- Drivers ------------------------------------------------------------------------------------


def drive_wrk(url, body, headers, connections, seconds, processors=None):
    """A closed loop, one request in flight per connection, kept alive."""
    with tempfile.TemporaryDirectory() as folder:
        open(f"{folder}/body", "wb").write(body)
        open(f"{folder}/post.lua", "w").write(LUA)
        command = ["taskset", "-c", processors] if processors else []
        command += ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s",
                    f"{folder}/post.lua", url, "--", f"{folder}/body"]
        command += [f"{key}: {value}" for key, value in headers.items()]
        out = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60).stdout
    found = re.search(r"RESULT (.*)", out)
    if not found:
        raise SystemExit("wrk gave no result: " + out[-300:])
    return json.loads(found[1])


def drive_h2load(url, body, headers, connections, seconds):
    """The same over HTTP/2; it sees no grpc-status, so the caller asks the server's count."""
    with tempfile.TemporaryDirectory() as folder:
        open(f"{folder}/body", "wb").write(body)
        command = ["h2load", "-t1", f"-c{connections}", "-m1", "-D", str(seconds),
                   "-d", f"{folder}/body", f"--log-file={folder}/log"]
        for key, value in headers.items():
            command += ["-H", f"{key}: {value}"]
        subprocess.run(command + [url], capture_output=True, timeout=seconds + 60, check=True)
        rows = [line.split("\t") for line in open(f"{folder}/log")]
    times = sorted(int(row[2]) / 1e3 for row in rows if row[1] == "200")
    bad = sum(row[1] != "200" for row in rows)
    if not times:
        raise SystemExit("h2load gave no result")
    return {"n": len(times), "seconds": seconds, "p50": times[len(times) // 2],
            "p99": times[int(len(times) * 0.99)], "bad": bad}


def sluice_load(port, *words, seconds, protocol="http", limit=None):
    """An open or closed loop by our own generator; its report."""
    address = f"http://127.0.0.1:{port}" if protocol == "http" else f"127.0.0.1:{port}"
    out = subprocess.run(
        [SLUICE, "load", "--url", address, "--protocol", protocol, "--duration", str(seconds),
         "--json", *words], capture_output=True, text=True, timeout=limit or seconds + 120)
    if out.returncode != 0:
        raise SystemExit("sluice load failed: " + out.stderr.strip()[-300:])
    return json.loads(out.stdout)
