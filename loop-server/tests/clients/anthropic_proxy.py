"""The official `anthropic` client, unmodified, through the proxy: POST {BASE_URL}/v1/messages, whole and streamed.

Starts a fake provider on FAKE_UPSTREAM_PORT (default 18999); the server under test must have it as its Anthropic
upstream (LOOP_ANTHROPIC_BASE_URL=http://127.0.0.1:PORT). The last user message is a JSON script that it plays back.
Prints a line per check and a summary; exits 1 when a check fails, 77 when the package is missing.
Env: BASE_URL, API_KEY, FAKE_UPSTREAM_PORT."""
import asyncio
import json
import os
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    import anthropic
except ImportError:
    print("SKIPPED: the package `anthropic` is not installed")
    sys.exit(77)

BASE, KEY = os.environ["BASE_URL"], os.environ["API_KEY"]
PORT = int(os.environ.get("FAKE_UPSTREAM_PORT", "18999"))
USAGE = {"input_tokens": 3, "output_tokens": 4}
SEEN = []
FAILED = []


def ok(name, good, detail=""):
    print(("PASS " if good else "FAIL ") + name + ("" if good else f" -- {detail}"))
    if not good:
        FAILED.append(name)


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def json(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in (("content-type", "application/json"), ("content-length", str(len(body))), ("request-id", "req_up")):
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        SEEN.append((self.path, dict(self.headers), None))
        self.json(200, {"data": [{"id": "claude-x", "type": "model", "display_name": "X", "created_at": "2026-01-01T00:00:00Z"}],
                        "has_more": False, "first_id": "claude-x", "last_id": "claude-x"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        SEEN.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        script = json.loads(body["messages"][-1]["content"])
        if "status" in script:
            return self.json(script["status"], {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}})
        calls = [{"type": "tool_use", "id": f"toolu_{i}", "name": n, "input": a} for i, (n, a) in enumerate(script.get("calls", []))]
        text = [{"type": "text", "text": script["text"]}] if script.get("text") else []
        message = {"id": "msg_up", "type": "message", "role": "assistant", "model": body["model"], "content": text + calls,
                   "stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None, "usage": USAGE}
        if not body.get("stream"):
            return self.json(200, message)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()

        def event(name, **data):
            self.wfile.write(f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode())
            self.wfile.flush()

        event("message_start", message={**message, "content": [], "stop_reason": None})
        for index, block in enumerate(text + calls):
            if block["type"] == "text":
                event("content_block_start", index=index, content_block={"type": "text", "text": ""})
                for word in block["text"].split(" "):
                    event("content_block_delta", index=index, delta={"type": "text_delta", "text": word + " "})
            else:
                event("content_block_start", index=index, content_block={**block, "input": {}})
                arguments = json.dumps(block["input"])
                for at in range(0, len(arguments), 5):
                    event("content_block_delta", index=index,
                          delta={"type": "input_json_delta", "partial_json": arguments[at:at + 5]})
            event("content_block_stop", index=index)
            event("ping")
        event("message_delta", delta={"stop_reason": message["stop_reason"], "stop_sequence": None}, usage=USAGE)
        event("message_stop")
        self.close_connection = True


def rest(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, {"x-api-key": KEY, "content-type": "application/json"}, method=method)
    return json.loads(urllib.request.urlopen(request, timeout=10).read())


def asked(script):
    return {"model": "claude-x", "max_tokens": 100, "messages": [{"role": "user", "content": json.dumps(script)}],
            "tools": [{"name": "x", "input_schema": {"type": "object"}}]}


def verdict(message):
    return (message.model_extra or {}).get("_trustloop") or {}


def tools(message):
    return [(block.name, block.input) for block in message.content if block.type == "tool_use"]


def said(message):
    return "".join(block.text for block in message.content if block.type == "text")


def checks(label, ask):
    """`ask(script)` answers a final message; the same checks hold whole and streamed."""
    m = ask({"text": "hello there"})
    ok(f"{label}.text", said(m).strip() == "hello there" and m.stop_reason == "end_turn", m)
    m = ask({"text": "let me", "calls": [["read_file", {"path": "/some/long/path"}], ["list_files", {"d": "/"}]]})
    ok(f"{label}.allowed", tools(m) == [("read_file", {"path": "/some/long/path"}), ("list_files", {"d": "/"})] and m.stop_reason == "tool_use", m)
    rest("POST", "/api/blocked-tools", {"tool_name": "kill_me", "reason": "test"})
    m = ask({"text": "let me", "calls": [["read_file", {}], ["kill_me", {"secret": "zzz"}]]})
    ok(f"{label}.blocked", not tools(m) and "kill_me" in said(m) and "block" in said(m) and m.stop_reason == "end_turn", m)
    ok(f"{label}.blocked_leaks_nothing", "zzz" not in m.to_json(), m)
    script = {"calls": [["wire_transfer", {"amount": 5000, "ref": label}]]}
    m = ask(script)
    ok(f"{label}.pending", not tools(m) and "requires human approval" in said(m), m)
    # Others may wait for theirs on the same server.
    waiting = [one for one in rest("GET", "/api/pending-approvals") if one["arguments"].get("ref") == label]
    ok(f"{label}.pending_is_listed", len(waiting) == 1, waiting)
    rest("POST", f"/api/pending-approvals/{waiting[0]['id']}/decide", {"action": "approved"})
    before = len(SEEN)
    m = ask(script)
    ok(f"{label}.resumed", tools(m) == [("wire_transfer", {"amount": 5000, "ref": label})], m)
    ok(f"{label}.resumed_without_the_model", len(SEEN) == before)


def whole(client):
    def ask(script):
        message = client.messages.create(**asked(script))
        ok("whole.verdict", isinstance(verdict(message).get("decisions"), list), message)
        return message
    return ask


def streamed(client):
    def ask(script):
        with client.messages.stream(**asked(script)) as stream:
            return stream.get_final_message()
    return ask


async def aio():
    async with anthropic.AsyncAnthropic(**SETTINGS) as client:
        async with client.messages.stream(**asked({"calls": [["kill_me", {}]]})) as stream:
            ok("async.blocked", not tools(await stream.get_final_message()))


SETTINGS = {"api_key": "sk-ant-upstream", "base_url": BASE, "default_headers": {"x-loop-key": KEY}, "max_retries": 0}
server = ThreadingHTTPServer(("127.0.0.1", PORT), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()
for name in rest("GET", "/api/blocked-tools"):
    rest("DELETE", "/api/blocked-tools/" + name["tool_name"])
rule = rest("POST", "/api/approval-rules", {"rule_text": "Any wire transfer over £1,000 needs approval", "action": "approve"})
client = anthropic.Anthropic(**SETTINGS)
checks("whole", whole(client))
rest("DELETE", "/api/blocked-tools/kill_me")
checks("stream", streamed(client))
asyncio.run(aio())
path, headers, body = [seen for seen in SEEN if seen[2]][0]
ok("upstream.path", path.startswith("/v1/messages"), path)
ok("upstream.own_key_sent", "sk-ant-upstream" in json.dumps(headers), headers)
ok("upstream.loop_key_stays", KEY not in json.dumps([seen[:2] for seen in SEEN]))
ok("upstream.body_unchanged", body["tools"] == [{"name": "x", "input_schema": {"type": "object"}}], body)
try:
    client.messages.create(**asked({"status": 429}))
    ok("error.passes", False, "no error raised")
except anthropic.RateLimitError as error:
    ok("error.passes", "slow down" in str(error), error)
before = len(SEEN)
for name, key in (("none", None), ("bad", "tl_nope")):
    try:
        other = {**SETTINGS, "default_headers": {"x-loop-key": key} if key else {}}
        anthropic.Anthropic(**other).messages.create(**asked({"text": "x"}))
        ok(f"key.{name}", False, "no error raised")
    except anthropic.AuthenticationError as error:
        ok(f"key.{name}", len(SEEN) == before, error)
ok("models", [model.id for model in client.models.list().data] == ["claude-x"])
rest("DELETE", f"/api/approval-rules/{rule['id']}")
rest("DELETE", "/api/blocked-tools/kill_me")
print(f"SUMMARY anthropic: FAIL={len(FAILED)}")
sys.exit(1 if FAILED else 0)
