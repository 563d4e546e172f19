"""A `sluice serve` process under test, and the bounded waits that the tests use."""

import http.client
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SLUICE_BINARY") or ROOT / ".build" / "debug" / "sluice")
START_SECONDS = 120
STOP_SECONDS = 60
WAIT_SECONDS = 30


def wait_until(condition, what, seconds=WAIT_SECONDS):
    """Asks again and again until the condition gives something true, which is returned."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def sluice(*arguments, timeout=START_SECONDS, **more):
    """Runs a subcommand to its end."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **more,
    )


class Reply:
    """An HTTP reply, read whole."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The one line of an error reply."""
        assert self.status >= 400, (self.status, self.body[:200])
        line = self.json()["error"]
        assert line and "\n" not in line, line
        return line


class Server:
    """A process from its start to its end; the addresses are those that it printed."""

    def __init__(self, repository, *flags, log, load=None, environment=None, prefix=()):
        arguments = ["serve", "--model-repository", repository]
        for endpoint in ("http", "grpc", "metrics"):
            arguments += [f"--{endpoint}-address", "127.0.0.1", f"--{endpoint}-port", "0"]
        if load is not None:
            arguments += ["--model-control-mode", "explicit"]
            for name in load:
                arguments += ["--load-model", name]
        self.log = pathlib.Path(log)
        self.http = self.grpc = self.metrics = None
        self.printed = []
        self._lines = queue.Queue()
        with self.log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*prefix, str(BINARY), *map(str, arguments), *map(str, flags)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.decode("utf-8", "replace").rstrip("\n"))
        self._lines.put(None)

    def wait_ready(self, seconds=START_SECONDS):
        """Returns when the server has printed its addresses and `ready`, or `not ready`."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                self.kill()
                raise AssertionError(f"not ready within {seconds} s:\n{self.logged()}") from None
            if line is None:
                code = self.process.wait(STOP_SECONDS)
                raise AssertionError(f"ended with {code} before it was ready:\n{self.logged()}")
            found = re.match(r"\s*(HTTP|gRPC|metrics)\s+(?:http://)?([^\s/]+:\d+)", line)
            if found:
                setattr(self, found.group(1).lower(), found.group(2))
            self.printed.append(line)
            if line == "ready" or line.startswith("not ready: "):
                assert self.http and self.grpc and self.metrics, "an address was not printed"
                return self

    def logged(self):
        """The end of what it wrote to standard error."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-4_000:]

    def resident_bytes(self):
        """The memory that the process holds."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    # --- Its end -----------------------------------------------------------------------------

    def terminate(self):
        """Asks it to stop, as an operator does."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=STOP_SECONDS):
        """Its exit code."""
        return self.process.wait(seconds)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self):
        """SIGTERM, and exit code 0 within bounded time."""
        code = self.process.poll()
        assert code is None, f"the server had ended with {code}:\n{self.logged()}"
        self.terminate()
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop in {STOP_SECONDS} s:\n{self.logged()}") from None
        assert code == 0, f"exit code {code}:\n{self.logged()}"

    # --- Plain HTTP --------------------------------------------------------------------------

    def connect(self, timeout=WAIT_SECONDS):
        host, port = self.http.split(":")
        return http.client.HTTPConnection(host, int(port), timeout=timeout)

    def request(self, verb, path, body=None, headers=None, timeout=WAIT_SECONDS):
        """One request on a connection of its own; a dict or list is sent as JSON."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        connection = self.connect(timeout)
        try:
            connection.request(verb, path, body, headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def post(self, path, body=None, headers=None):
        return self.request("POST", path, body, headers)

    def infer(self, name, *inputs, headers=None, timeout=WAIT_SECONDS, **members):
        """A JSON inference; an input is (name, wire type, shape, data)."""
        keys = ("name", "datatype", "shape", "data")
        body = {"inputs": [dict(zip(keys, entry)) for entry in inputs], **members}
        path = f"/v2/models/{name}/infer"
        return self.request("POST", path, body, headers, timeout=timeout)

    def answers(self):
        """Whether an ordinary request gets its right answer: nothing that came before hurt."""
        reply = self.infer("bare", ("INPUT", "FP32", [1, 4], [1, 2, 3, 4]))
        return reply.status == 200 and reply.json()["outputs"][0]["data"] == [6, 7, 8, 9]

    def samples(self):
        """The metrics as {name: [(labels, value)]}."""
        host, port = self.metrics.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=WAIT_SECONDS)
        try:
            connection.request("GET", "/metrics")
            reply = Reply(connection.getresponse())
        finally:
            connection.close()
        assert reply.status == 200
        assert reply.headers["content-type"].startswith("text/plain"), reply.headers
        return parse_metrics(reply.body.decode("utf-8"))

    def metric(self, name, **labels):
        """The sum of the samples of that name that carry the labels; 0 where there is none."""
        rows = self.samples().get(name, [])
        return sum(value for found, value in rows if labels.items() <= found.items())


def parse_metrics(text):
    """Prometheus text, read strictly: every line must make sense."""
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith(("# HELP ", "# TYPE ")):
            continue
        found = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
        assert found, f"a metrics line that is none: {line!r}"
        labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found.group(2) or ""))
        samples.setdefault(found.group(1), []).append((labels, float(found.group(3))))
    return samples
