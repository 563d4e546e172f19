"""gRPC clients that misbehave, or that time out without end: others are served meanwhile."""

import socket
import struct

import numpy as np
import pytest
import tritonclient.grpc as grpc
from conftest import grpc_client
from raw_http2 import INFER, LIVE, RawClient, field, infer_request, message
from server import WAIT_SECONDS, wait_until
from tensors import given
from tritonclient.utils import InferenceServerException

VALUES = np.ones((1, 4), np.float32)


@pytest.fixture
def raw(server):
    client = RawClient(server)
    yield client
    client.close()


def test_raw_client_is_served(raw):
    """The raw client itself is right: what it sends well is answered well."""
    stream = raw.call(INFER, infer_request("bare", [1, 2, 3, 4]))
    assert raw.status(stream) == 0
    assert struct.pack("<4f", 6, 7, 8, 9) in raw.data[stream]


def test_500_missed_deadlines_on_one_connection(deadline_server):
    """500 requests whose deadline passes, in bounded time: the connection lives and serves."""
    client = grpc_client(deadline_server)
    inputs = [given(grpc, "INPUT", VALUES)]
    ended = []

    def take(result, error):
        ended.append(error.status() if error else result)

    for turn in range(1, 11):
        for _ in range(50):
            client.async_infer("slow_levels", inputs, take, client_timeout=0.02)
        wait_until(lambda turn=turn: len(ended) == 50 * turn, "50 more have ended")
    assert set(ended) == {"StatusCode.DEADLINE_EXCEEDED"}
    reply = client.infer("bare", inputs)
    assert reply.as_numpy("OUTPUT")[0, 0] == 6
    wait_until(
        lambda: deadline_server.metric("sluice_requests_in_server") == 0, "nothing is left behind"
    )
    client.close()


def test_10000_streams_on_one_connection(server, raw):
    """10,000 streams, half of them given up at once: the rest are answered, and so are others."""
    request = infer_request("bare", [1, 2, 3, 4])
    for _ in range(100):
        kept = []
        for turn in range(100):
            if turn % 2:
                stream = raw.open(INFER)
                raw.h2.send_data(stream, message(request)[:10])
                raw.reset(stream)
            else:
                kept.append(raw.call(INFER, request))
        raw.flush()
        assert {raw.status(stream) for stream in kept} == {0}
        for stream in kept:
            raw.data.pop(stream)
    assert not raw.gone
    assert server.answers()


def test_more_streams_at_once_than_allowed(server, raw):
    """The limit is announced; streams beyond it are refused, the connection and others go on."""
    raw.status(raw.call(LIVE, b""))
    limit = raw.h2.remote_settings.max_concurrent_streams
    assert 1 <= limit <= 100_000
    # h2 itself would refuse to go beyond: pretend that there is no limit.
    raw.h2.remote_settings[3] = 1 << 20
    raw.h2.remote_settings.acknowledge()
    streams = [raw.open(INFER) for _ in range(limit + 50)]
    raw.flush()
    wait_until(lambda: bool(raw.read()) or raw.gone or len(raw.resets) >= 50, "refusals")
    assert server.answers()
    if not raw.gone:
        stream = streams[0]
        raw.send(stream, message(infer_request("bare", [1, 2, 3, 4])), end=True)
        assert raw.status(stream) == 0


def test_client_that_never_reads(server):
    """Replies of 1 MiB pile up for one client only: memory is bounded, others are served."""
    before = server.resident_bytes()
    silent = RawClient(server, window=2**31 - 1)
    silent.h2.increment_flow_control_window(2**31 - 1 - 65_535)
    silent.status(silent.call(LIVE, b""))
    silent.h2.remote_settings[3] = 1 << 20
    silent.h2.remote_settings.acknowledge()
    request = message(infer_request("broad", [1.0]))
    silent.socket.settimeout(2)
    try:
        for _ in range(600):
            stream = silent.open(INFER)
            silent.h2.send_data(stream, request, end_stream=True)
            silent.flush()
    except OSError:
        pass
    for _ in range(5):
        assert server.answers()
    grown = server.resident_bytes() - before
    assert grown < 300 << 20, f"{grown >> 20} MiB more for one client that never reads"
    silent.close()
    wait_until(lambda: server.metric("sluice_requests_in_server") == 0, "nothing is left behind")
    assert server.answers()


def test_client_that_reads_late(server):
    """24 MiB of replies, good and bad calls between them, none read until all are due: then all
    are there and in order, and the connection goes on. Twice, so that the socket fills anew."""
    late = RawClient(server, window=2**31 - 1)
    late.h2.increment_flow_control_window(2**31 - 1 - 65_535)
    late.status(late.call(LIVE, b""))
    for _ in range(2):
        wide, small, wrong = [], [], []
        for _ in range(24):
            wide.append(late.call(INFER, infer_request("broad", [1.0])))
            small.append(late.call(INFER, infer_request("bare", [1, 2, 3, 4])))
            wrong.append(late.call(INFER, infer_request("nobody", [1.0])))
        # What is answered stays in the server: the socket holds a few MiB at most.
        wait_until(lambda: server.metric("sluice_requests_in_server") == 0, "all have run")
        assert server.answers()
        assert {late.status(stream) for stream in wide} == {0}
        assert {late.status(stream) for stream in small} == {0}
        assert {late.status(stream) for stream in wrong} == {5}
        assert all(len(late.data.pop(stream)) > 1 << 20 for stream in wide)
    assert late.status(late.call(LIVE, b"")) == 0
    late.close()


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("longer than announced", struct.pack(">BI", 0, 3) + b"12345"),
        ("shorter than announced", struct.pack(">BI", 0, 500) + b"12345"),
        ("half a header", b"\0\0"),
        ("no message", b""),
        ("4 GiB announced", struct.pack(">BI", 0, 2**32 - 1) + b"12345"),
        ("a flag that is none", struct.pack(">BI", 7, 0)),
        ("compressed without saying how", message(b"12345", compressed=1)),
        ("no protobuf", message(b"\xff" * 40)),
        ("a field that reaches beyond", message(b"\x0a\x7fabc")),
        ("no model", message(b"")),
        ("nothing but a name", message(field(1, b"bare"))),
        ("a name that is no UTF-8", message(field(1, b"\xff\xfe"))),
        (
            "a shape without end",
            message(field(1, b"bare") + field(5, b"\x1a\x05\xff\xff\xff\xff\xff")),
        ),
    ],
)
def test_broken_messages(server, raw, name, frame):
    """Each ends its stream with an error; the connection goes on and the next call is served."""
    stream = raw.open(INFER)
    if frame:
        raw.h2.send_data(stream, frame, end_stream=True)
    else:
        raw.h2.end_stream(stream)
    raw.flush()
    status = raw.status(stream)
    assert status is None or status > 0, name
    if status is not None:
        assert raw.trailers[stream].get("grpc-message"), name
    stream = raw.call(INFER, infer_request("bare", [1, 2, 3, 4]))
    assert raw.status(stream) == 0
    assert server.answers()


def test_broken_headers(server, raw):
    """Wrong verb and content type are HTTP errors; odd deadlines and encodings are clean ones."""
    stream = raw.open(INFER, end=True, verb="GET")
    raw.flush()
    raw.status(stream)
    assert raw.headers[stream][":status"] in ("405", "400")
    stream = raw.open(INFER, end=True, content_type="application/json")
    raw.flush()
    raw.status(stream)
    assert raw.headers[stream][":status"] == "415"
    request = infer_request("bare", [1, 2, 3, 4])
    for header in (
        ("grpc-timeout", "soon"),
        ("grpc-timeout", "123456789S"),
        ("grpc-timeout", "-1S"),
    ):
        stream = raw.call(INFER, request, header)
        assert raw.status(stream) in (0, 3, 13)
    stream = raw.call(INFER, request, ("grpc-encoding", "brotli"))
    assert raw.status(stream) in (0, 12)
    stream = raw.call(INFER, request, ("grpc-timeout", "10S"))
    assert raw.status(stream) == 0
    assert server.answers()


@pytest.mark.parametrize(
    "data",
    [
        b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 200,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + b"\0\0\0\x04\0\0\0\0\0"
        + b"\xff\xff\xff\x01\x25\0\0\0\x01",
    ],
)
def test_no_http2_at_all(server, data):
    """Bytes that are no HTTP/2: the connection ends in bounded time, others are served."""
    host, port = server.grpc.split(":")
    with socket.create_connection((host, int(port)), timeout=WAIT_SECONDS) as plain:
        plain.sendall(data)
        with pytest.raises((ConnectionError, EOFError)):
            while plain.recv(4_096):
                pass
            raise EOFError
    assert server.answers()


def test_header_bomb(server, raw):
    """300 kB of headers: refused, the server goes on."""
    stream = raw.open(LIVE, *((f"x-{i}", "v" * 1_000) for i in range(300)))
    try:
        raw.flush()
        status = raw.status(stream)
        assert status is None or status > 0 or raw.headers[stream][":status"] != "200"
    except OSError:
        pass
    assert server.answers()


def test_half_sent_requests_are_dropped(server):
    """Clients that go in the middle of a message leave nothing behind."""
    for _ in range(20):
        client = RawClient(server)
        stream = client.open(INFER)
        client.h2.send_data(stream, struct.pack(">BI", 0, 1 << 20) + b"x" * 1_000)
        client.flush()
        client.close()
    wait_until(lambda: server.metric("sluice_requests_in_server") == 0, "nothing is left behind")
    assert server.answers()


def test_errors_are_the_clients_own(server):
    """A wrong call does not disturb a right one on the same connection."""
    client = grpc_client(server)
    for _ in range(20):
        with pytest.raises(InferenceServerException):
            client.infer("nobody", [given(grpc, "INPUT", VALUES)])
        assert client.infer("bare", [given(grpc, "INPUT", VALUES)]).as_numpy("OUTPUT")[0, 0] == 6
    client.close()
