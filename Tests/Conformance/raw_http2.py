"""A gRPC client at frame level, for what no well-behaved client does."""

import contextlib
import socket
import struct
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from server import WAIT_SECONDS

INFER = "/inference.GRPCInferenceService/ModelInfer"
LIVE = "/inference.GRPCInferenceService/ServerLive"


def message(payload, compressed=0):
    """gRPC's frame round a message."""
    return struct.pack(">BI", compressed, len(payload)) + payload


def varint(number):
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def field(number, payload):
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def infer_request(model, values, name=b"INPUT", datatype=b"FP32", shape=None):
    """A serialized ModelInferRequest with one raw input of float32 values."""
    raw = struct.pack(f"<{len(values)}f", *values)
    dims = b"".join(varint(size) for size in shape or [1, len(values)])
    tensor = field(1, name) + field(2, datatype) + field(3, dims)
    return field(1, model.encode()) + field(5, tensor) + field(7, raw)


class RawClient:
    """One connection; it reads only when it is told to."""

    def __init__(self, server, window=None):
        host, port = server.grpc.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.authority = server.grpc
        self.headers = {}
        self.trailers = {}
        self.data = {}
        self.resets = {}
        self.gone = False
        self.flush()

    def close(self):
        self.socket.close()

    def flush(self):
        try:
            self.socket.sendall(self.h2.data_to_send())
        except (ConnectionResetError, BrokenPipeError):
            # The server has closed the connection while this side was still writing.
            self.gone = True

    def open(self, path, *more, end=False, verb="POST", content_type="application/grpc"):
        """Opens a stream and returns its number."""
        stream = self.h2.get_next_available_stream_id()
        headers = [
            (":method", verb),
            (":scheme", "http"),
            (":path", path),
            (":authority", self.authority),
            ("te", "trailers"),
            ("content-type", content_type),
            *more,
        ]
        self.h2.send_headers(stream, headers, end_stream=end)
        return stream

    def call(self, path, payload, *more):
        """A whole unary request; returns the stream's number."""
        stream = self.open(path, *more)
        self.send(stream, message(payload), end=True)
        return stream

    def send(self, stream, data, end=False):
        """Sends as the windows allow, reading in between."""
        while data:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.flush()
                self.read()
                continue
            self.h2.send_data(stream, data[:room], end_stream=end and len(data) <= room)
            data = data[room:]
        self.flush()

    def reset(self, stream):
        self.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)

    def read(self, acknowledge=True):
        """Reads what is there, waiting for at least one piece."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            self.gone = True
            return
        for event in self.h2.receive_data(data):
            self._take(event, acknowledge)
        self.flush()

    def _take(self, event, acknowledge):
        if isinstance(event, h2.events.ResponseReceived):
            self.headers[event.stream_id] = dict(event.headers)
            if event.stream_ended is not None:
                self.trailers[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.TrailersReceived):
            self.trailers[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.data[event.stream_id] = self.data.get(event.stream_id, b"") + event.data
            if acknowledge:
                with contextlib.suppress(h2.exceptions.StreamClosedError):
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[event.stream_id] = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.gone = True

    def status(self, stream, seconds=WAIT_SECONDS):
        """Reads until the stream ended; its grpc-status as a number, None where it was reset."""
        end = time.monotonic() + seconds
        while stream not in self.trailers and stream not in self.resets and not self.gone:
            assert time.monotonic() < end, f"stream {stream} did not end in {seconds} s"
            self.read()
        found = self.trailers.get(stream, {}).get("grpc-status")
        return None if found is None else int(found)
