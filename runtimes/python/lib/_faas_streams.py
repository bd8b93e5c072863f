"""Answers in pieces: what a handler returned that is to be iterated, and how it is sent."""

PIECE = 65536


def is_parts(value):
    """A generator, an asynchronous one, an open file, or another iterator."""
    return hasattr(value, "__next__") or hasattr(value, "__anext__")


class Parts:
    """The pieces of an answer. Whoever takes them closes them, whatever happens."""

    def __init__(self, value, closing=None):
        self.value = value
        self.closing = closing or value

    def __iter__(self):
        if hasattr(self.value, "__anext__"):
            return self.run()
        if hasattr(self.value, "read"):
            return iter(lambda: self.value.read(PIECE) or None, None)
        return iter(self.value)

    def run(self):
        import asyncio

        loop = asyncio.new_event_loop()
        try:
            while True:
                try:
                    yield loop.run_until_complete(self.value.__anext__())
                except StopAsyncIteration:
                    return
        finally:
            if hasattr(self.value, "aclose"):
                loop.run_until_complete(self.value.aclose())
            loop.close()

    def close(self):
        if hasattr(self.closing, "close"):
            self.closing.close()


def encode(part):
    if isinstance(part, str):
        return part.encode("utf-8", "surrogatepass")
    if isinstance(part, (bytes, bytearray, memoryview)):
        return bytes(part)
    raise TypeError(f"The handler yielded a {type(part).__name__}; expected str or bytes")


def send(channel, start, chunk, header, parts):
    """Sends all pieces; each one waits until the worker has room for it, which is how a slow caller slows the function down."""
    is_started = False
    pieces = iter(parts)
    try:
        for part in pieces:
            data = encode(part)
            if not is_started:
                header.setdefault("contentType", "text/plain; charset=utf-8" if isinstance(part, str) else "application/octet-stream")
                channel.send(start, header, data[:PIECE])
                is_started, data = True, data[PIECE:]
            for at in range(0, len(data), PIECE):
                channel.send(chunk, None, data[at : at + PIECE])
        if not is_started:
            channel.send(start, header)
    finally:
        if pieces is not parts and hasattr(pieces, "close"):
            pieces.close()
        parts.close()
