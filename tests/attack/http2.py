"""An HTTP/2 client that may do what a proper one would refuse to: frames by hand, over a blocking socket."""

import socket
import struct
import time

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW_SIZE = 4
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_MAX_FRAME = 16384


def integer(value: int, prefix_bits: int, first: int = 0, padding: int = 0) -> bytes:
    """An HPACK integer; `padding` appends that many bytes that add nothing to its value."""
    limit = (1 << prefix_bits) - 1
    if value < limit and padding == 0:
        return bytes([first | value])
    out = bytearray([first | limit])
    value -= limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    if padding:
        out.append(value | 128)
        out += b"\x80" * (padding - 1) + b"\0"
    else:
        out.append(value)
    return bytes(out)


def string(value: bytes) -> bytes:
    return integer(len(value), 7) + value


def literal(name: bytes, value: bytes) -> bytes:
    """A header that neither side remembers."""
    return b"\0" + string(name) + string(value)


def remembered(name: bytes, value: bytes) -> bytes:
    """A header that the server keeps in its table."""
    return b"\x40" + string(name) + string(value)


def grpc_headers(path: str, *more: tuple[bytes, bytes]) -> bytes:
    """The block of an ordinary call; `more` replaces or adds headers."""
    fields = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": path.encode(),
        b":authority": b"localhost",
        b"te": b"trailers",
        b"content-type": b"application/grpc",
        **dict(more),
    }
    return b"".join(literal(name, value) for name, value in fields.items())


class Connection:
    """One connection. Methods raise OSError when the server has closed it or does not read."""

    def __init__(self, port: int, window: int = 65535, timeout: float = 5) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._received = bytearray()
        self._stream = -1
        self.socket.sendall(_PREFACE)
        self.frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, window))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def frame(self, kind: int, flags: int, stream: int, payload: bytes = b"") -> None:
        self.socket.sendall(len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload)

    def new_stream(self) -> int:
        self._stream += 2
        return self._stream

    def headers(self, block: bytes, flags: int = END_HEADERS) -> int:
        """Opens a stream with a header block that fits a frame."""
        stream = self.new_stream()
        self.frame(HEADERS, flags, stream, block)
        return stream

    def data(self, stream: int, body: bytes, end: bool = True) -> None:
        """Sends a body without regard to the server's window; keep bodies below 64 KB, or read in between."""
        pieces = [body[at : at + _MAX_FRAME] for at in range(0, len(body), _MAX_FRAME)] or [b""]
        for number, piece in enumerate(pieces):
            self.frame(DATA, END_STREAM if end and number == len(pieces) - 1 else 0, stream, piece)

    def call(self, path: str, message: bytes, *more: tuple[bytes, bytes]) -> int:
        stream = self.headers(grpc_headers(path, *more))
        self.data(stream, message)
        return stream

    def reset(self, stream: int, code: int = 8) -> None:
        self.frame(RST_STREAM, 0, stream, struct.pack(">I", code))

    def read(self, seconds: float) -> list[tuple[int, int, int, bytes]]:
        """Frames (kind, flags, stream, payload) that arrive in that time; answers pings and settings."""
        frames = []
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                arrived = self.socket.recv(65536)
            except TimeoutError:
                break
            if not arrived:
                raise ConnectionResetError("the server closed the connection")
            self._received += arrived
            while (received := self._take()) is not None:
                kind, flags, _, payload = received
                if kind in (PING, SETTINGS) and not flags & ACK:
                    self.frame(kind, ACK, 0, payload if kind == PING else b"")
                frames.append(received)
        return frames

    def _take(self) -> tuple[int, int, int, bytes] | None:
        if len(self._received) < 9:
            return None
        length = int.from_bytes(self._received[:3], "big")
        if len(self._received) < 9 + length:
            return None
        kind, flags, stream = struct.unpack(">BBI", self._received[3:9])
        payload = bytes(self._received[9 : 9 + length])
        del self._received[: 9 + length]
        return kind, flags, stream & 0x7FFFFFFF, payload
