"""The servers that the conformance tests share.

The binary is .build/debug/sluice unless SLUICE_BINARY names another. Every test talks to a real
`sluice serve` process through real clients. There are no sleeps: waits ask until a deadline.
"""

import pathlib

import model_files
import pytest
import tritonclient.grpc
import tritonclient.http
from server import BINARY, WAIT_SECONDS, Server

PLAIN_MODELS = [
    *(model_files.identity_name(datatype) for datatype in model_files.TYPES),
    *("add_sub", "plain", "variable", "reshaped", "bare", "versions", "classifier", "curious"),
    "broad",
    "digits",
    "doubling",
]


def pytest_sessionstart():
    if not BINARY.exists():
        pytest.exit(f"there is no {BINARY}; build it with: swift build --product sluice", 2)


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """The model repository, written once; tests that change one copy it."""
    folder = tmp_path_factory.mktemp("repository") / "models"
    folder.mkdir()
    model_files.write_all(folder)
    return folder


@pytest.fixture(scope="session")
def launch_session(tmp_path_factory, repository):
    """Starts servers that live until the session ends; each must then exit with 0."""
    started = []

    def launch(*flags, **more):
        log = tmp_path_factory.mktemp("server") / "log"
        server = Server(more.pop("repository", repository), *flags, log=log, **more)
        started.append(server)
        return server.wait_ready()

    yield launch
    stop_all(started)


@pytest.fixture
def launch(tmp_path, repository):
    """Starts servers for one test; each that still runs must then exit with 0."""
    started = []

    def launch(*flags, wait=True, **more):
        log = tmp_path / f"log{len(started)}"
        server = Server(more.pop("repository", repository), *flags, log=log, **more)
        started.append(server)
        return server.wait_ready() if wait else server

    yield launch
    stop_all(server for server in started if server.process.poll() is None)


def stop_all(servers):
    faults = []
    for server in servers:
        try:
            server.stop()
        except AssertionError as fault:
            server.kill()
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session")
def server(launch_session):
    """The server of most tests: policy edf, models loaded by request."""
    return launch_session("--drain-seconds", "0", load=PLAIN_MODELS)


@pytest.fixture(scope="session")
def deadline_server(launch_session):
    """Policy fifo with the slow models: it takes work that can't make its deadline."""
    models = ["slow_batch", "slow_bounded", "goal", "slow_levels", "bare", "classifier"]
    return launch_session("--policy", "fifo", "--drain-seconds", "0", load=models)


@pytest.fixture(scope="session")
def sharing_server(launch_session):
    """A server that lets clients register shared memory."""
    models = ["add_sub", "bare", "identity_bytes"]
    return launch_session("--allow-client-shm", "true", "--drain-seconds", "0", load=models)


def http_client(server, **more):
    more = {"network_timeout": WAIT_SECONDS, "connection_timeout": WAIT_SECONDS, **more}
    return tritonclient.http.InferenceServerClient(server.http, **more)


def grpc_client(server, **more):
    return tritonclient.grpc.InferenceServerClient(server.grpc, **more)


@pytest.fixture
def triton(server):
    """tritonclient over HTTP."""
    client = http_client(server)
    yield client
    client.close()


@pytest.fixture
def triton_grpc(server):
    """tritonclient over gRPC."""
    client = grpc_client(server)
    yield client
    client.close()


@pytest.fixture(scope="session")
def digits_file():
    """The held-out digits that Scripts/export-digits.py wrote."""
    path = pathlib.Path(__file__).resolve().parents[2] / ".demo" / "digits.json"
    if not path.exists():
        pytest.fail(f"there is no {path}; run Scripts/export-digits.py")
    return path
