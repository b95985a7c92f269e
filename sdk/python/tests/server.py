"""A real server on a fresh file, for one test class."""

import json
import os
import pathlib
import secrets
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("LOOP_SERVER", str(ROOT / "target/debug/loop-server"))


class ServerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cls.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        cls.key = "tl_" + secrets.token_hex(24)
        cls.unix = f"unix:{cls.folder.name}/loop.sock"
        environment = {"LOOP_API_KEY": cls.key, "LOOP_LISTEN_UNIX": cls.unix.removeprefix("unix:")}
        arguments = [BINARY, "--listen", cls.url.removeprefix("http://"), "--db", f"{cls.folder.name}/loop.db"]
        cls.server = subprocess.Popen(
            arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        cls.addClassCleanup(cls.stop)
        for _ in range(300):
            try:
                cls.api("GET", "/api/stats")
                break
            except OSError:
                if cls.server.poll() is not None:
                    raise RuntimeError(f"{BINARY} ended") from None
                time.sleep(0.05)
        cls.api("POST", "/api/blocked-tools", {"tool_name": "wipe", "reason": "never"})
        cls.api("POST", "/api/approval-rules", {"rule_text": "Any payment over £1,000 needs approval"})

    @classmethod
    def stop(cls):
        cls.server.terminate()
        cls.server.wait()

    @classmethod
    def api(cls, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(cls.url + path, data, {"x-api-key": cls.key}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def approve(self):
        waiting = self.api("GET", "/api/pending-approvals")
        self.assertTrue(waiting)
        self.api("POST", f"/api/pending-approvals/{waiting[0]['id']}/decide", {"action": "approved"})


def says(answer: bytes) -> str:
    """A server that reads a request and says this, whatever it was asked."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as client:
            seen = b""
            while not seen.endswith(b"}"):
                piece = client.recv(65536)
                if not piece:
                    return
                seen += piece
            client.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def nobody() -> str:
    """An address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
