"""Starting, stopping, journals, and machines that lack something."""

import json
import os
import shutil
import signal
import socket
import subprocess

import pytest
from background import Background
from conftest import grpc_client
from server import ROOT, Server, sluice, wait_until

ROW = ("INPUT", "FP32", [1, 4], [1, 1, 1, 1])


def refused(launch, *flags, code=1, **more):
    """Starts a server that must not come up; returns what it said, which must be one line."""
    server = launch(*flags, wait=False, **more)
    assert server.wait(60) == code, server.logged()
    lines = [line for line in server.logged().splitlines() if line.startswith("Error")]
    assert len(lines) == 1, server.logged()
    return lines[0]


# --- The end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_drain(launch, how):
    """Not ready first, yet requests are still served; what runs is finished; exit 0."""
    server = launch("--policy", "fifo", "--drain-seconds", "3", load=["slow_levels", "bare"])
    assert server.get("/v2/health/ready").status == 200
    running = [Background(server.infer, "slow_levels", ROW) for _ in range(3)]
    wait_until(lambda: server.metric("sluice_requests_in_server") == 3, "three are there")
    server.process.send_signal(how)
    wait_until(lambda: server.get("/v2/health/ready").status == 503, "not ready")
    assert server.get("/v2/health/live").status == 200
    assert server.answers(), "a request in the drain window is served"
    client = grpc_client(server)
    assert not client.is_server_ready()
    client.close()
    assert [call.result().status for call in running] == [200, 200, 200]
    assert server.wait() == 0
    with pytest.raises(ConnectionError):
        server.get("/v2/health/live")


def test_requests_after_the_drain_window_finish(launch):
    """The window ends while a request runs: it is finished nevertheless."""
    server = launch("--policy", "fifo", "--drain-seconds", "0", load=["slow_levels"])
    running = Background(server.infer, "slow_levels", ROW)
    wait_until(lambda: server.metric("sluice_requests_in_server") == 1, "it is there")
    server.terminate()
    assert running.result().status == 200
    assert server.wait() == 0


def test_exit_timeout(launch):
    """A queue that takes longer than `--exit-timeout-secs`: the server ends all the same."""
    flags = ["--policy", "fifo", "--drain-seconds", "0", "--exit-timeout-secs", "1"]
    server = launch(*flags, load=["slow_levels"])
    running = [Background(server.infer, "slow_levels", ROW) for _ in range(40)]
    wait_until(lambda: server.metric("sluice_requests_in_server") == 40, "forty are there")
    server.terminate()
    server.wait()
    unfinished = 0
    for call in running:
        try:
            unfinished += call.result().status != 200
        except (ConnectionError, OSError, EOFError):
            unfinished += 1
        except Exception as fault:  # noqa: BLE001 - http.client's own words for a closed socket
            assert "http.client" in type(fault).__module__, fault
            unfinished += 1
    assert unfinished > 0


def test_stop_while_models_load(launch):
    """SIGTERM before the server is ready ends it too."""
    server = launch("--drain-seconds", "0", wait=False, load=["slow", "slow_batch", "slow_levels"])
    wait_until(lambda: "ONNX Runtime" in server.logged(), "it has begun")
    server.terminate()
    assert server.wait() in (0, -signal.SIGTERM)


# --- The beginning -----------------------------------------------------------------------------


def test_not_ready_while_models_load(launch):
    """The socket is there at once and says that the server lives and is not ready yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["--http-port", port, "--drain-seconds", "0"]
    server = launch(*flags, wait=False, load=["slow_levels", "bare"])
    server.http = f"127.0.0.1:{port}"

    def status(path):
        try:
            return server.get(path).status
        except ConnectionError:
            return None

    wait_until(lambda: status("/v2/health/live") == 200, "it lives")
    assert status("/v2/health/ready") == 400
    refused_early = server.infer("slow_levels", ROW)
    assert refused_early.status in (404, 503) and refused_early.error
    server.wait_ready()
    assert status("/v2/health/ready") == 200
    assert server.answers()


@pytest.mark.parametrize("endpoint", ["http", "grpc", "metrics"])
def test_port_taken(launch, endpoint):
    """A port that is taken: one line that names it, exit 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = refused(launch, f"--{endpoint}-port", port, load=["bare"])
        assert port in line


def test_library_missing(launch, tmp_path):
    """ONNX Runtime is not where it was said to be: one line with the next step, exit 1."""
    line = refused(launch, "--onnxruntime", tmp_path / "nothing.so", load=["bare"])
    assert "nothing.so" in line
    nothing = {"SLUICE_ONNXRUNTIME": str(tmp_path / "nothing.so")}
    line = refused(launch, environment=nothing, load=["bare"])
    assert "nothing.so" in line


def test_library_is_no_library(launch, tmp_path):
    """A file that is no library, and a library that is not ONNX Runtime."""
    text = tmp_path / "libonnxruntime.so"
    text.write_text("no library\n", encoding="utf-8")
    assert "libonnxruntime.so" in refused(launch, "--onnxruntime", text, load=["bare"])
    line = refused(launch, "--onnxruntime", "libc.so.6", load=["bare"])
    assert "libc.so.6" in line


def test_library_is_too_old(launch, tmp_path):
    """An ONNX Runtime of an old version: refused with both versions and the next step."""
    compiler = shutil.which("cc") or shutil.which("clang") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler to make an old library with")
    source = tmp_path / "old.c"
    source.write_text(
        'static const void *table(unsigned v) { (void)v; return 0; }\n'
        'static const char *version(void) { return "1.4.0"; }\n'
        "static const struct { const void *(*table)(unsigned); const char *(*version)(void); }"
        " base = { table, version };\n"
        "const void *OrtGetApiBase(void) { return &base; }\n",
        encoding="utf-8",
    )
    library = tmp_path / "libonnxruntime.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    line = refused(launch, "--onnxruntime", library, load=["bare"])
    assert "version 1.4.0" in line and "later is needed" in line and "setup-engine" in line


def test_library_in_another_place(launch, tmp_path):
    """A library that is named by a path is taken from there."""
    shutil.copy(ROOT / ".engine" / "libonnxruntime.so", tmp_path / "engine.so")
    flags = ["--onnxruntime", tmp_path / "engine.so", "--drain-seconds", "0"]
    server = launch(*flags, load=["bare"])
    assert server.answers()
    assert str(tmp_path / "engine.so") in server.logged()


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--policy", "magic"], "magic"),
        (["--planner", "magic"], "magic"),
        (["--scaler", "magic"], "magic"),
        (["--system", "magic"], "magic"),
        (["--model-control-mode", "magic"], "magic"),
        (["--http-restricted-api", "nonsense"], "nonsense"),
        (["--journal", "/nothing/there/journal"], "/nothing/there/journal"),
        (["--log-format", "runes"], "runes"),
    ],
)
def test_wrong_flags(launch, flags, word):
    """A value that is not known: one line that names it, exit 1."""
    assert word in refused(launch, *flags)


def test_unknown_flag():
    """A flag that there is not: a usage error, exit 64."""
    done = sluice("serve", "--no-such-flag")
    assert done.returncode == 64 and "no-such-flag" in done.stderr


def test_repository_missing(launch, tmp_path):
    """A repository that there is not: one line, exit 1; none at all: the same."""
    assert "nothing" in refused(launch, repository=tmp_path / "nothing")
    done = sluice("serve")
    assert done.returncode == 1 and "--model-repository" in done.stderr


def test_empty_repository(launch, tmp_path):
    """An empty folder is a server without models, ready for them."""
    (tmp_path / "models").mkdir()
    server = launch("--drain-seconds", "0", repository=tmp_path / "models", load=[])
    assert server.get("/v2/health/ready").status == 200
    assert server.post("/v2/repository/index").json() == []


def test_tritons_command_line(launch, repository):
    """Flags that do nothing here are accepted and named in the log."""
    flags = ["--model-load-thread-count", "2", "--pinned-memory-pool-byte-size", "0"]
    flags += ["--cuda-memory-pool-byte-size", "0:0", "--allow-gpu-metrics", "false"]
    flags += ["--log-verbose", "1", "--log-info", "true", "--exit-timeout-secs", "5"]
    flags += ["--backend-config", "onnxruntime,default-max-batch-size=6", "--drain-seconds", "0"]
    server = launch(*flags, load=["bare"])
    assert server.answers()
    assert server.get("/v2/models/bare/config").json()["max_batch_size"] == 6
    for flag in ("--model-load-thread-count", "--cuda-memory-pool-byte-size"):
        assert flag in server.logged()


def test_several_repositories(launch, tmp_path, repository):
    """`--model-store` is the same flag, and it may be given twice."""
    second = tmp_path / "second"
    second.mkdir()
    shutil.copytree(repository / "plain", second / "other")
    (second / "other" / "config.pbtxt").unlink()
    flags = ["--model-store", second, "--drain-seconds", "0"]
    server = launch(*flags, load=["bare", "other"])
    assert server.answers()
    assert server.get("/v2/models/other/ready").status == 200


# --- Journals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["edf", "triton", "gpulets", "confluence"])
def test_journal_replays(launch, tmp_path, system):
    """Traffic of all kinds, then a fresh core takes every decision the same way."""
    journal = tmp_path / "journal"
    flags = ["--system", system, "--journal", journal, "--drain-seconds", "0"]
    flags += ["--profile-store", tmp_path / "profiles"]
    server = launch(*flags, load=["bare", "slow_levels", "versions", "variable"])
    calls = []
    for number in range(30):
        parameters = {"priority": number % 3, "timeout": (number % 5) * 40_000}
        calls.append(Background(server.infer, "versions", ROW, parameters=parameters))
        if number % 10 == 0:
            calls.append(Background(server.infer, "slow_levels", ROW, parameters=parameters))
    server.post("/v2/repository/models/variable/unload")
    server.post("/v2/repository/models/variable/load")
    assert {call.result().status for call in calls} <= {200, 429, 504}
    server.stop()
    done = sluice("replay", journal)
    assert done.returncode == 0, done.stderr
    assert "every decision is equal" in done.stdout and "is whole" in done.stdout
    report = json.loads(sluice("replay", journal, "--json").stdout)
    assert report["equal"] is True and report["events"] > 60
    check_listings(journal, tmp_path)
    half = tmp_path / "half"
    half.write_bytes(journal.read_bytes()[: journal.stat().st_size // 2])
    cut = sluice("replay", half)
    assert cut.returncode == 0 and "cut off" in cut.stdout


def check_listings(journal, folder):
    """Each batch's times are in order, and every request has one end."""
    batches, requests = folder / "batches.csv", folder / "requests.csv"
    done = sluice("replay", journal, "--batches", batches, "--requests", requests)
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in batches.read_text().splitlines()]
    head, ended = rows[0], [dict(zip(rows[0], row)) for row in rows[1:]]
    finished = [row for row in ended if row["outcome"] == "finished"]
    assert finished and all(len(row) == len(head) for row in rows)
    steps = ["launched_ms", "gather_ms", "run_ms", "run_end_ms", "end_ms", "reported_ms"]
    for row in finished:
        times = [float(row[step]) for step in steps]
        assert times == sorted(times), row
    rows = [line.split(",") for line in requests.read_text().splitlines()]
    outcomes = {row[rows[0].index("outcome")] for row in rows[1:]}
    assert outcomes <= {"served", "late", "dropped", "refused", "cancelled", "failed"}
    # 30 of one model and 3 of another were sent.
    assert len(rows) - 1 == 33
    missing = sluice("replay", journal, "--batches", folder / "nowhere" / "b.csv")
    assert missing.returncode != 0 and "name a file in a folder that exists" in missing.stderr


def test_replay_refuses_what_is_no_journal(tmp_path):
    """Nothing there, something else, half a journal."""
    other = tmp_path / "other"
    other.write_bytes(b"no journal at all" * 10)
    for path in (tmp_path / "nothing", other):
        done = sluice("replay", path)
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1


def test_journal_on_a_full_disk(launch):
    """The journal can't be written: a line in the log, and serving goes on."""
    server = launch("--journal", "/dev/full", "--drain-seconds", "0", load=["bare"])
    for _ in range(50):
        assert server.answers()
    wait_until(lambda: "journal" in server.logged(), "the log says so")
    assert server.answers()


# --- What is left behind -----------------------------------------------------------------------


def test_memory_stays_flat(server):
    """2,000 requests more leave the process no larger than a few MiB."""
    body = {"inputs": [{"name": "INPUT", "datatype": "FP32", "shape": [1, 4], "data": [1] * 4}]}
    text = json.dumps(body)

    def drive(count):
        connection = server.connect()
        for _ in range(count):
            connection.request("POST", "/v2/models/bare/infer", text)
            assert connection.getresponse().read()
        connection.close()

    drive(500)
    before = server.resident_bytes()
    drive(2_000)
    assert server.resident_bytes() - before < 16 << 20


def test_two_servers_beside_each_other(server, launch):
    """Nothing is shared that would let only one run."""
    assert isinstance(server, Server)
    second = launch("--drain-seconds", "0", load=["bare"])
    assert second.answers() and server.answers()


def test_one_core_of_several_is_enough(launch):
    """A server that may use only the last core (taskset, a container's cpuset) serves from it."""
    last = max(os.sched_getaffinity(0))
    server = launch(load=["bare"], prefix=["taskset", "-c", str(last)])
    assert server.get("/v2/models/bare/ready").status == 200
    assert server.answers()
