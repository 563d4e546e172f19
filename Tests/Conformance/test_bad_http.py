"""Bad input over HTTP: each gets a clean one-line error, and the next request is served."""

import gzip
import json
import struct
import zlib

import pytest
from background import Background
from raw_http import RawHTTP, post
from server import wait_until

INFER = "/v2/models/bare/infer"
LENGTH = "Inference-Header-Content-Length"


def tensor(**change):
    entry = {"name": "INPUT", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4], **change}
    return {name: value for name, value in entry.items() if value is not None}


def body(*inputs, **members):
    return {"inputs": list(inputs or [tensor()]), **members}


GOOD = json.dumps(body()).encode()


@pytest.fixture(autouse=True)
def goes_on(server):
    """After every test an ordinary request is served."""
    yield
    assert server.answers()


# --- JSON that is wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"inputs"',
        b"{}",
        b'{"inputs":[]}',
        b'{"inputs":{}}',
        b'{"inputs":[1]}',
        b'{"inputs":[{}]}',
        GOOD[:-1],
        GOOD + b"x",
        GOOD + GOOD,
        GOOD.replace(b":", b"=", 1),
        GOOD.replace(b"[1, 2, 3, 4]", b"[1, 2, 3, 4,]"),
        GOOD.replace(b"[1, 2, 3, 4]", b"[1, 2, 3, NaN]"),
        GOOD.replace(b"[1, 2, 3, 4]", b"[1, 2, 3, 0x4]"),
        GOOD.replace(b"[1, 2, 3, 4]", b"[01, 2, 3, 4]"),
        GOOD.replace(b"[1, 2, 3, 4]", b'["1", "2", "3", "4"]'),
        GOOD.replace(b"[1, 2, 3, 4]", b"[true, 2, 3, 4]"),
        GOOD.replace(b"[1, 2, 3, 4]", b"[null, 2, 3, 4]"),
        GOOD.replace(b"[1, 2, 3, 4]", b"{}"),
        GOOD.replace(b"[1, 4]", b"[1.5, 4]"),
        GOOD.replace(b"[1, 4]", b"[1e400, 4]"),
        GOOD.replace(b"[1, 4]", b'"1,4"'),
        GOOD.replace(b"[1, 4]", b"[99999999999999999999, 4]"),
        GOOD.replace(b"INPUT", b"IN\xff\xfePUT"),
        GOOD.replace(b"INPUT", b"IN\xed\xa0\x80PUT"),
        GOOD.replace(b"INPUT", b"IN\\ud800PUT"),
        GOOD.replace(b"INPUT", b"IN\nPUT"),
        GOOD.replace(b"INPUT", b"IN\\xPUT"),
        b"\xef\xbb\xbf" + GOOD,
        b"\0" * 100,
        b'{"inputs":' + b"[" * 100_000,
        b'{"inputs":' + b'{"a":' * 100_000,
        b'{"inputs":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
    ids=lambda text: text[:24].decode("latin-1") + f" ({len(text)} bytes)",
)
def test_malformed_json(server, text):
    """No JSON, or JSON that says something else: 400."""
    reply = server.post(INFER, text)
    assert reply.status == 400, reply.body
    assert reply.error and len(reply.error) < 1_500


@pytest.mark.parametrize(
    "request_body",
    [
        body(tensor(name="INPUT9")),
        body(tensor(name="")),
        body(tensor(name="x" * 100_000)),
        body(tensor(name="line\nbreak")),
        body(tensor(name=None)),
        body(tensor(datatype="FP64")),
        body(tensor(datatype="FLOAT")),
        body(tensor(datatype=None)),
        body(tensor(shape=None)),
        body(tensor(shape=[4])),
        body(tensor(shape=[1, 2, 2])),
        body(tensor(shape=[1, 5])),
        body(tensor(shape=[-1, 4])),
        body(tensor(shape=[0, 4], data=[])),
        body(tensor(shape=[2**40, 4])),
        body(tensor(shape=[2**63 - 1, 2**63 - 1])),
        body(tensor(shape=[1] * 5_000)),
        body(tensor(shape=[5, 4], data=[0] * 20)),
        body(tensor(data=[1, 2, 3])),
        body(tensor(data=[1, 2, 3, 4, 5])),
        body(tensor(data=[[1, 2], [3, 4], [5, 6]])),
        body(tensor(data=None)),
        body(tensor(), tensor()),
        body(tensor(), tensor(name="SECOND")),
        body(tensor(parameters={"binary_data_size": 16})),
        body(tensor(parameters={"shared_memory_region": "nobody"})),
        body(tensor(parameters=7)),
        body(outputs=[{"name": "OUTPUT9"}]),
        body(outputs=[{"name": "OUTPUT"}, {"name": "OUTPUT"}]),
        body(outputs=[{}]),
        body(outputs=7),
        body(outputs=[{"name": "OUTPUT", "parameters": {"classification": 0}}]),
        body(outputs=[{"name": "OUTPUT", "parameters": {"classification": -3}}]),
        body(outputs=[{"name": "OUTPUT", "parameters": {"classification": "many"}}]),
        body(parameters=7),
        body(parameters={"priority": -1}),
        body(parameters={"priority": "high"}),
        body(parameters={"timeout": -5}),
        body(parameters={"timeout": "soon"}),
        body(parameters={"triton_anything": 1}),
        body(id=7),
    ],
    ids=lambda request_body: json.dumps(request_body)[11:130],
)
def test_requests_that_do_not_fit(server, request_body):
    """Names, types, shapes, counts, parameters that do not fit the model: 4xx."""
    reply = server.post(INFER, request_body)
    assert 400 <= reply.status < 500 or reply.status == 501, (reply.status, reply.body)
    assert reply.error and len(reply.error) < 1_500


@pytest.mark.parametrize(
    ("name", "shape", "data"),
    [
        ("identity_int8", [1, 1], [128]),
        ("identity_uint8", [1, 1], [-1]),
        ("identity_int32", [1, 1], [1.5]),
        ("identity_int64", [1, 1], [9223372036854775808]),
        ("identity_uint64", [1, 1], [18446744073709551616]),
        ("identity_bool", [1, 1], [2]),
        ("identity_bytes", [1, 1], [5]),
    ],
)
def test_values_that_do_not_fit_their_type(server, name, shape, data):
    """Too large, negative, broken or of another kind: 400, never cut silently."""
    datatype = name.removeprefix("identity_").upper()
    reply = server.infer(name, ("INPUT", datatype, shape, data))
    assert reply.status == 400 and reply.error


def test_unknown_models_and_versions(server):
    """404 with the name in the line, even a long or odd one."""
    for path in ("nobody", "bare/versions/9", "x" * 3_000, "%00", "%ff", "..%2f..%2fetc"):
        reply = server.post(f"/v2/models/{path}/infer", GOOD)
        assert reply.status in (400, 404) and len(reply.error) < 1_500
    reply = server.post("/v2/models/" + "x" * 6_000 + "/infer", GOOD)
    assert 400 <= reply.status < 500


# --- Binary data that lies ---------------------------------------------------------------------


def binary(size, payload, shape=(1, 4), datatype="FP32", model_input="INPUT"):
    """A JSON header that announces `size` bytes, and the bytes that really follow."""
    entry = tensor(
        name=model_input,
        datatype=datatype,
        shape=list(shape),
        data=None,
        parameters={"binary_data_size": size},
    )
    return json.dumps(body(entry)).encode(), payload


@pytest.mark.parametrize(
    ("size", "payload", "more"),
    [
        (16, b"\0" * 15, {}),
        (16, b"\0" * 17, {}),
        (16, b"", {}),
        (12, b"\0" * 12, {}),
        (20, b"\0" * 20, {}),
        (0, b"", {}),
        (-16, b"\0" * 16, {}),
        (2**63, b"\0" * 16, {}),
        (2**64, b"\0" * 16, {}),
        ("16", b"\0" * 16, {}),
        (16.5, b"\0" * 16, {}),
        (16, b"\0" * 16, {"shape": (4, 4)}),
        (16, b"\0" * 16, {"datatype": "BYTES"}),
    ],
)
def test_binary_lengths_that_lie(server, size, payload, more):
    """More or fewer bytes than announced, or than the shape wants: 400."""
    header, data = binary(size, payload, **more)
    reply = server.post(INFER, header + data, {LENGTH: str(len(header))})
    assert reply.status == 400 and reply.error


@pytest.mark.parametrize(
    "elements",
    [
        struct.pack("<I", 5) + b"four",
        struct.pack("<I", 0xFFFFFFFF) + b"four",
        b"\x01\x00",
        struct.pack("<I", 4) + b"four" + struct.pack("<I", 4) + b"more",
        struct.pack("<I", 4) + b"four" + b"\x01",
        b"",
    ],
)
def test_bytes_elements_that_lie(server, elements):
    """BYTES whose lengths reach beyond the data, or whose count is not the shape's: 400."""
    header, data = binary(len(elements), elements, shape=(1, 1), datatype="BYTES")
    path = "/v2/models/identity_bytes/infer"
    reply = server.post(path, header + data, {LENGTH: str(len(header))})
    assert reply.status == 400 and reply.error


@pytest.mark.parametrize(
    "value",
    ["NaN", "-1", "99999999", "1e3", "", "0x10", "18446744073709551616", "abc", "12 34", "+5"],
)
def test_header_lengths_that_lie(server, value):
    """A header length that is no number, negative, or beyond the body: 400."""
    reply = server.post(INFER, GOOD, {LENGTH: value})
    assert reply.status == 400 and reply.error


def test_header_length_in_the_middle(server):
    """A header length that cuts the JSON in two: 400."""
    reply = server.post(INFER, GOOD, {LENGTH: str(len(GOOD) - 5)})
    assert reply.status == 400 and reply.error


@pytest.mark.parametrize("payload", [b"\0" * 15, b"\0" * 20, b""])
def test_raw_bodies_that_do_not_fit(server, payload):
    """Raw mode with too few or too many bytes, and for a model of two inputs: 400."""
    reply = server.post(INFER, payload, {LENGTH: "0"})
    assert reply.status == 400 and reply.error
    reply = server.post("/v2/models/add_sub/infer", b"\0" * 64, {LENGTH: "0"})
    assert reply.status == 400 and reply.error


# --- Compressed bodies -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", GOOD),
        ("gzip", gzip.compress(GOOD)[:-6]),
        ("gzip", gzip.compress(GOOD)[:20] + b"\xff" * 20),
        ("gzip", b""),
        ("deflate", b"\x00\x01\x02"),
        ("deflate", zlib.compress(GOOD)[:-3]),
    ],
)
def test_broken_compression(server, encoding, data):
    """Cut off or no compression at all: 400."""
    reply = server.post(INFER, data, {"Content-Encoding": encoding})
    assert reply.status == 400 and reply.error


def test_compression_bomb(server):
    """A few kB that would unpack to 200 MB: refused at the limit, memory stays bounded."""
    before = server.resident_bytes()
    bomb = gzip.compress(b" " * 200_000_000, 9)
    reply = server.post(INFER, bomb, {"Content-Encoding": "gzip"})
    assert reply.status in (400, 413) and reply.error
    assert server.resident_bytes() - before < 150 << 20


# --- HTTP itself -------------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order(server):
    """Fifty requests in one write, good and bad mixed: fifty replies in their order."""
    requests = b""
    for number in range(50):
        if number % 10 == 9:
            requests += post(INFER, b"{")
        else:
            requests += post(INFER, json.dumps(body(tensor(data=[number] * 4))))
    with RawHTTP(server) as raw:
        raw.send(requests)
        for number in range(50):
            status, _, data = raw.reply()
            if number % 10 == 9:
                assert status == 400
            else:
                assert status == 200
                assert json.loads(data)["outputs"][0]["data"] == [number + 5] * 4


def test_expect_100_continue(server):
    """The server says 100 before the body comes; another expectation is 417."""
    with RawHTTP(server) as raw:
        head = post(INFER, GOOD, "Expect: 100-continue")[: -len(GOOD)]
        raw.send(head)
        assert raw.reply()[0] == 100
        raw.send(GOOD)
        assert raw.reply()[0] == 200
    with RawHTTP(server) as raw:
        raw.send(post(INFER, GOOD, "Expect: miracles"))
        assert raw.error()[0] == 417


def test_chunked_bodies(server):
    """Chunks of every size, with extensions and trailers, make one body."""
    head = f"POST {INFER} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b""
    place = 0
    for size in (1, 2, 30, len(GOOD)):
        piece = GOOD[place : place + size]
        place += size
        if piece:
            chunks += f"{len(piece):x};note=1\r\n".encode() + piece + b"\r\n"
    with RawHTTP(server) as raw:
        for _ in range(2):
            raw.send(head, chunks, b"0\r\nX-Trailer: 1\r\n\r\n")
            assert raw.reply()[0] == 200


def test_broken_chunks(server):
    """A chunk length that is no number: 400, and the connection closes."""
    head = f"POST {INFER} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
    with RawHTTP(server) as raw:
        raw.send(head, "zz\r\nhello\r\n0\r\n\r\n")
        assert raw.error()[0] == 400
        assert raw.is_closed()


@pytest.mark.parametrize(
    "lines",
    [
        "GET /v2/health/live HTTP/1.1\r\nHost: test\r\nBad Header: x\r\n\r\n",
        "GET /v2/health/live HTTP/1.1\r\nHost: test\r\nX: a\0b\r\n\r\n",
        "GET /v2/health/live HTTP/9.9\r\nHost: test\r\n\r\n",
        "GET /v2/health live HTTP/1.1\r\nHost: test\r\n\r\n",
        "NONSENSE\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        f"POST {INFER} HTTP/1.1\r\nHost: test\r\nContent-Length: NaN\r\n\r\n",
        f"POST {INFER} HTTP/1.1\r\nHost: test\r\nContent-Length: -5\r\n\r\n",
        f"POST {INFER} HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n"
        "Content-Length: 6\r\n\r\nhello",
        f"POST {INFER} HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"POST {INFER} HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ],
    ids=lambda lines: repr(lines)[:60],
)
def test_broken_heads(server, lines):
    """What is no HTTP is answered with 4xx or 505 or nothing, and the connection closes."""
    with RawHTTP(server) as raw:
        raw.send(lines.encode("latin-1"))
        try:
            status, _ = raw.error()
            assert 400 <= status < 500 or status == 505
        except (EOFError, ConnectionError):
            pass
        assert raw.is_closed()


def test_header_bombs(server):
    """One header of 1 MB, and 100,000 headers: refused, and the connection closes."""
    bombs = [b"X-Bomb: " + b"x" * 1_000_000 + b"\r\n\r\n", b"X: y\r\n" * 100_000 + b"\r\n"]
    for bomb in bombs:
        with RawHTTP(server) as raw:
            try:
                raw.send(b"GET /v2/health/live HTTP/1.1\r\nHost: test\r\n", bomb)
                assert raw.error()[0] in (400, 413, 431)
            except (EOFError, ConnectionError):
                pass
            assert raw.is_closed()


def test_endless_path(server):
    """A request line of 1 MB."""
    with RawHTTP(server) as raw:
        try:
            raw.send("GET /" + "x" * 1_000_000 + " HTTP/1.1\r\nHost: test\r\n\r\n")
            assert 400 <= raw.error()[0] < 500
        except (EOFError, ConnectionError):
            pass
        assert raw.is_closed()


def test_oversized_bodies(server):
    """Beyond 64 MiB: refused by the length alone, chunked ones as they grow."""
    with RawHTTP(server) as raw:
        raw.send(f"POST {INFER} HTTP/1.1\r\nHost: test\r\nContent-Length: {(64 << 20) + 1}\r\n\r\n")
        status, line = raw.error()
        assert status in (400, 413) and "67108864" in line.replace(",", "")
    with RawHTTP(server) as raw:
        raw.send(
            f"POST {INFER} HTTP/1.1\r\nHost: test\r\nContent-Length: {1 << 40}\r\n"
            "Expect: 100-continue\r\n\r\n"
        )
        assert raw.error()[0] in (400, 413)
    with RawHTTP(server) as raw:
        raw.send(f"POST {INFER} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        try:
            for _ in range(80):
                raw.send(chunk)
        except ConnectionError:
            pass
        try:
            assert raw.error()[0] in (400, 413)
        except (EOFError, ConnectionError):
            pass
        assert raw.is_closed()


def test_smaller_limit(launch):
    """`--http-max-input-size` is kept to the byte."""
    small = launch("--http-max-input-size", str(len(GOOD)), "--drain-seconds", "0", load=["bare"])
    assert small.post(INFER, GOOD).status == 200
    assert small.post(INFER, GOOD + b" ").status in (400, 413)
    assert small.answers()


def test_truncated_bodies(server):
    """Clients that go in the middle of a body leave nothing behind."""
    for _ in range(20):
        with RawHTTP(server) as raw:
            raw.send(post(INFER, GOOD)[:-10])
    wait_until(lambda: server.metric("sluice_requests_in_server") == 0, "nothing is left behind")


def test_half_closed_clients(server):
    """A client that closes its sending half counts as gone: the connection ends, cleanly."""
    for _ in range(20):
        with RawHTTP(server) as raw:
            raw.send(post(INFER, GOOD))
            raw.socket.shutdown(1)
            assert raw.is_closed()
    wait_until(lambda: server.metric("sluice_requests_in_server") == 0, "nothing is left behind")


def test_old_and_closing_clients(server):
    """HTTP/1.0 and `Connection: close` get their reply, then the connection closes."""
    with RawHTTP(server) as raw:
        raw.send("GET /v2/health/live HTTP/1.0\r\n\r\n")
        assert raw.reply()[0] == 200
        assert raw.is_closed()
    with RawHTTP(server) as raw:
        raw.send(post(INFER, GOOD, "Connection: close"))
        assert raw.reply()[0] == 200
        assert raw.is_closed()


def test_slow_loris(server):
    """Clients that stop in the middle of a head, or send it drop by drop, are cut off in bounded
    time; others are served meanwhile."""
    slow = [RawHTTP(server, timeout=60) for _ in range(20)]
    for raw in slow:
        raw.send(f"POST {INFER} HTTP/1.1\r\nHost: te")
    cut = Background(lambda: all(raw.is_closed() for raw in slow[1:]))

    def drips():
        try:
            slow[0].send("x")
        except OSError:
            return False
        return True

    wait_until(
        lambda: server.answers() and not drips() and not cut.is_running, "slow clients are cut", 60
    )
    assert cut.result()
    for raw in slow:
        raw.socket.close()


def test_client_that_never_reads(server):
    """Replies of 1 MiB pile up for one client: memory is bounded, others are served."""
    before = server.resident_bytes()
    request = post(
        "/v2/models/broad/infer",
        json.dumps(
            {**body(tensor(shape=[1, 1], data=[1])), "parameters": {"binary_data_output": True}}
        ),
    )
    with RawHTTP(server, timeout=3) as raw:
        try:
            for _ in range(400):
                raw.send(request)
        except OSError:
            pass
        for _ in range(5):
            assert server.answers()
        grown = server.resident_bytes() - before
        assert grown < 300 << 20, f"{grown >> 20} MiB more for one client that never reads"
    wait_until(lambda: server.metric("sluice_requests_in_server") == 0, "nothing is left behind")


def test_many_connections(server):
    """500 idle connections do not keep others from being served."""
    idle = [RawHTTP(server) for _ in range(500)]
    assert server.answers()
    for raw in idle:
        raw.socket.close()


def test_admin_endpoints_take_no_nonsense(server):
    """Malformed bodies of the other POST endpoints: 400 each."""
    for path in (
        "/v2/repository/index",
        "/v2/repository/models/bare/load",
        "/v2/logging",
        "/v2/trace/setting",
        "/v2/models/bare/trace/setting",
    ):
        for text in (b"{", b"[1]", b"\xff", b"[" * 10_000):
            reply = server.post(path, text)
            assert reply.status == 400 and reply.error, (path, text[:10], reply.body)


def test_log_lines_can_not_be_forged(server):
    """Line ends in a name that a client sends do not begin a line of the log."""
    assert server.post("/v2/repository/models/x%0Aforged%20line/load").status >= 400
    assert "forged line" in server.logged()
    assert not any(line.startswith("forged") for line in server.logged().splitlines())
