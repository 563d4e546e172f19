"""HTTP/1.1 over a bare socket, for what no HTTP library would send."""

import json
import socket

from server import WAIT_SECONDS


class RawHTTP:
    """One connection; replies are read whole, one after the other."""

    def __init__(self, server, timeout=WAIT_SECONDS):
        host, port = server.http.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *pieces):
        for piece in pieces:
            self.socket.sendall(piece if isinstance(piece, bytes) else piece.encode())

    def _more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        self.buffer += data

    def reply(self):
        """The next reply: status, headers with small names, body."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        assert version == "HTTP/1.1", lines[0]
        fields = (line.split(":", 1) for line in lines[1:])
        headers = {name.lower(): value.strip() for name, value in fields}
        length = int(headers.get("content-length", 0)) if int(status) >= 200 else 0
        assert "transfer-encoding" not in headers
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(status), headers, body

    def error(self):
        """The status and the one line of the next reply, which must be an error in JSON."""
        status, headers, body = self.reply()
        assert status >= 400, (status, body[:200])
        assert headers["content-type"].startswith("application/json"), headers
        line = json.loads(body)["error"]
        assert line and "\n" not in line
        return status, line

    def is_closed(self):
        """Reads until the server closes; True once it has."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True


def post(path, body, *headers):
    """A request's bytes."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"POST {path} HTTP/1.1", "Host: test", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
