"""A small local server that can misbehave."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


class Server(ThreadingHTTPServer):
    """Serve bytes by address; ``faults[address]`` is a list of ways to fail, used up one by one."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.faults, self.requests = {}, {}, Counter()
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.closing = Event()


class Handler(BaseHTTPRequestHandler):
    """Answer with the file, or with the next fault: a status, "cut", "corrupt" or "silent"."""

    def do_GET(self):
        server = self.server
        server.requests[self.path] += 1
        body = server.files.get(self.path)
        faults = server.faults.get(self.path)
        fault = faults.pop(0) if faults else (404 if body is None else "none")
        if isinstance(fault, int):
            self.send_error(fault)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "cut":
            body = body[: len(body) // 2]
        elif fault == "corrupt":
            body = b"9" + body[1:]
        elif fault == "silent":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            server.closing.wait(20)
            return
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    """Serve files by address, in a thread."""
    with Server() as server:
        server.files |= files
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
