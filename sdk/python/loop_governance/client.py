"""The client: one call, decided by a running server."""

from __future__ import annotations

import http.client
import json
import os
import socket
from typing import Any
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:4242"
# The longest answer that is read, in bytes.
ANSWER_LIMIT = 1 << 20


class NotAllowed(Exception):
    """The call must not be made. The text is for the model and for people."""

    # The wrapped tool whose call it is, where one was wrapped.
    of: Any = None


class Blocked(NotAllowed):
    """A rule, the kill switch or a human said no."""


class Pending(NotAllowed):
    """A human is asked. Once they agree, the identical call is allowed, once."""

    def __init__(self, message: str, approval_id: str):
        super().__init__(message)
        self.approval_id = approval_id


class Undecided(NotAllowed):
    """There was no decision: no server, no key, no answer in time, an answer that makes no sense."""


class Loop:
    """A server that decides calls.

    `url` is `http://…`, `https://…` or `unix:PATH` (else `LOOP_URL`), `api_key` the key (else `LOOP_API_KEY`),
    `agent` the name that rules and the log know the agent by, `timeout` how many seconds the server may be silent.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        agent: str | None = None,
        session: str | None = None,
        timeout: float = 5.0,
    ):
        self._url = (url or os.environ.get("LOOP_URL") or DEFAULT_URL).rstrip("/")
        self._key = api_key or os.environ.get("LOOP_API_KEY") or ""
        if not self._key:
            raise ValueError("no key: pass `api_key` or set LOOP_API_KEY")
        self._agent = agent
        self._session = session
        self._timeout = timeout
        parts = urlsplit(self._url)
        if parts.scheme not in ("http", "https", "unix") or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("`url` must be http://…, https://… or unix:PATH")

    def __repr__(self) -> str:
        return f"Loop({self._url!r})"

    def check(self, tool: str, arguments: dict[str, Any], *, reason: str | None = None) -> None:
        """Returns when the call may be made, now and once; raises `NotAllowed` in every other case."""
        try:
            text = json.dumps(arguments, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Undecided(f"the arguments of `{tool}` are no JSON: {error}") from error
        self.check_json(tool, text, reason=reason)

    def check_json(self, tool: str, arguments: str, *, reason: str | None = None) -> None:
        """As `check`, with the arguments as the JSON text that the model wrote, every digit of it."""
        try:
            if not isinstance(json.loads(arguments), dict):
                raise ValueError("an object is expected")
            beside = {"tool_name": tool, "agent_name": self._agent, "session_id": self._session, "reason": reason}
            members = json.dumps({name: value for name, value in beside.items() if value is not None})
            answer = self._ask(f'{members[:-1]}, "arguments": {arguments}}}'.encode())
        except NotAllowed:
            raise
        except Exception as error:
            raise Undecided(f"Loop could not decide `{tool}`, so it is not run: {error}") from error
        self._read(tool, answer)

    def _read(self, tool: str, answer: Any) -> None:
        allowed, status = (answer.get("allowed"), answer.get("status")) if isinstance(answer, dict) else (None, None)
        if allowed is True and status == "ALLOWED":
            return
        message = str(answer.get("message", "")) if isinstance(answer, dict) else ""
        if allowed is False and status == "BLOCKED":
            raise Blocked(f"Loop blocked `{tool}`: {message}")
        if allowed is False and status == "PENDING" and isinstance(answer.get("approval_id"), str):
            approval = answer["approval_id"]
            raise Pending(
                f"Loop asks a human about `{tool}`: {message}. Approval {approval} waits; once it is approved, the "
                "identical call passes, once.",
                approval,
            )
        raise Undecided(f"Loop could not decide `{tool}`, so it is not run: the answer is no decision")

    def _ask(self, body: bytes) -> Any:
        connection, path = self._connect()
        headers = {"x-api-key": self._key, "content-type": "application/json"}
        try:
            connection.request("POST", f"{path}/api/intercept", body, headers)
            response = connection.getresponse()
            answer = response.read(ANSWER_LIMIT + 1)
        finally:
            connection.close()
        if len(answer) > ANSWER_LIMIT:
            raise ValueError("the answer is too large")
        if response.status != 200:
            raise ValueError(f"the server answered {response.status}")
        if response.length:
            raise ValueError("the answer broke off")
        return json.loads(answer)

    def _connect(self) -> tuple[http.client.HTTPConnection, str]:
        parts = urlsplit(self._url)
        if parts.scheme == "unix":
            return _UnixConnection(parts.path, self._timeout), ""
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.netloc, timeout=self._timeout), parts.path


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
