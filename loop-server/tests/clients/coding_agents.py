"""Claude Code and Codex themselves, unmodified, with the hook that `loop-server hook install` writes.

Each runs without a terminal against a fake provider, whose model makes the calls that it is told to. What counts is
whether a call ran, which a file tells, and what the model was told of it.
Prints a line per check and a summary; exits 1 when a check fails, 77 when neither of them is installed.
Env: MODULES (a `node_modules` with `@anthropic-ai/claude-code` or `@openai/codex`), LOOP_SERVER (the program)."""
import http.server
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("LOOP_SERVER", str(ROOT / "target/release/loop-server"))
BIN = pathlib.Path(os.environ["MODULES"]) / ".bin"
FAILED = []
PASSED = 0


def ok(name, good, detail=""):
    global PASSED
    print(("PASS " if good else "FAIL ") + name + ("" if good else f" -- {detail}"), flush=True)
    PASSED += good
    if not good:
        FAILED.append(name)


class Provider(http.server.BaseHTTPRequestHandler):
    """A model that makes the calls of `script`, one each turn, and then says what it was told of them."""

    protocol_version = "HTTP/1.1"
    script = []

    def log_message(self, *args):
        pass

    def answer(self, body, kind="application/json"):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def events(self, events):
        text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
        self.answer(text.encode(), "text/event-stream")

    def do_HEAD(self):
        self.answer(b"")

    def do_GET(self):
        self.answer(b'{"data":[],"models":[]}')

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.startswith("/v1/responses"):
            self.openai(body)
        elif self.path.startswith("/v1/messages") and "count_tokens" not in self.path:
            self.anthropic(body)
        else:
            self.answer(b'{"input_tokens":1}')

    def anthropic(self, body):
        parts = [part for m in body["messages"] if isinstance(m["content"], list) for part in m["content"]]
        told = [part["content"] for part in parts if part.get("type") == "tool_result"]
        # Some requests are for a title or a summary: the model has no tools then.
        if body.get("tools") and len(told) < len(self.script):
            name, arguments = self.script[len(told)]
            block = {"type": "tool_use", "id": f"toolu_{len(told)}", "name": name, "input": {}}
            delta, stop = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}, "tool_use"
        else:
            block, delta, stop = {"type": "text", "text": ""}, {"type": "text_delta", "text": json.dumps(told)}, "end_turn"
        message = {"id": "m", "type": "message", "role": "assistant", "model": body["model"], "content": [],
                   "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
        if not body.get("stream"):
            return self.answer(json.dumps(message | {"stop_reason": "end_turn", "content": [{"type": "text", "text": "-"}]}).encode())
        self.events([
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ])

    def openai(self, body):
        told = [item["output"] for item in body["input"] if item.get("type", "").endswith("_output")]
        if len(told) < len(self.script):
            name, arguments = self.script[len(told)]
            n = len(told)
            item = {"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}", "name": name, "arguments": json.dumps(arguments)}
        else:
            content = [{"type": "output_text", "text": json.dumps(told)}]
            item = {"type": "message", "id": "msg", "role": "assistant", "content": content}
        usage = {"input_tokens": 1, "input_tokens_details": None, "output_tokens": 1, "output_tokens_details": None, "total_tokens": 2}
        self.events([
            {"type": "response.created", "response": {"id": "r"}},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {"id": "r", "usage": usage}},
        ])


class ClaudeCode:
    name, entry, settings = "Claude Code", "claude-code", "settings.json"
    moved = "CLAUDE_CONFIG_DIR"

    def shell(self, command):
        return "Bash", {"command": command, "description": "d"}

    def command(self, provider):
        return [str(BIN / "claude"), "-p", "go", "--allowedTools", "Bash"], {
            "ANTHROPIC_BASE_URL": provider, "ANTHROPIC_API_KEY": "sk-ant-none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
        }


class Codex:
    name, entry, settings = "Codex", "codex", "hooks.json"
    moved = "CODEX_HOME"

    def shell(self, command):
        return "exec_command", {"cmd": command}

    def command(self, provider):
        own = f'{{name="fake",base_url="{provider}/v1",wire_api="responses",env_key="NO_KEY"}}'
        return [
            str(BIN / "codex"), "exec", "--skip-git-repo-check", "-s", "danger-full-access", "-m", "gpt-5",
            # What a person does once in `/hooks`.
            "--dangerously-bypass-hook-trust",
            "-c", "model_provider=fake", "-c", f"model_providers.fake={own}", "go",
        ], {"NO_KEY": "none"}


class Bench:
    """A server of ours, a provider, and a home for the agent."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.key = "tl_" + secrets.token_hex(24)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self.server = subprocess.Popen(
            [PROGRAM, "--listen", self.url.removeprefix("http://"), "--db", str(self.folder / "loop.db")],
            env={"LOOP_API_KEY": self.key}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.model = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        threading.Thread(target=self.model.serve_forever, daemon=True).start()
        for _ in range(300):
            try:
                return self.api("GET", "/api/stats") and None
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{PROGRAM} does not answer")

    def close(self):
        self.model.shutdown()
        self.server.terminate()
        self.server.wait()

    def api(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"x-api-key": self.key}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


class Drive:
    """One agent on the bench."""

    def __init__(self, bench, agent):
        self.bench, self.agent = bench, agent
        self.home = bench.folder / agent.entry
        self.work = self.home / "work"
        self.work.mkdir(parents=True)
        self.config = self.home / "config"
        self.key_file = self.home / "key"
        self.key_file.write_text(bench.key)

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), self.agent.moved: str(self.config)}

    def hook(self, *options, program=PROGRAM):
        run = subprocess.run([program, "hook", "install", self.agent.entry, *options],
                             env=self.environment(), capture_output=True, text=True, timeout=30)
        ok(f"{self.agent.name}: `hook install {options[0]}`", run.returncode == 0, run.stderr)

    def turn(self, *calls):
        """What the model was told of its calls."""
        Provider.script = list(calls)
        command, more = self.agent.command(f"http://127.0.0.1:{self.bench.model.server_port}")
        run = subprocess.run(command, env=self.environment() | more, cwd=self.work, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=180)
        return run.stdout + ("" if run.returncode == 0 else f"[{run.returncode}] {run.stderr}")

    def touch(self, name):
        return self.agent.shell(f"echo ran >> {self.work / name}")

    def times(self, name):
        path = self.work / name
        return len(path.read_text().split()) if path.exists() else 0

    def check(self, what, name, times, said, *wanted):
        ok(f"{self.agent.name}: {what}", self.times(name) == times and all(text in said for text in wanted),
           f"ran {self.times(name)} times; {said[-600:]}")

    def run(self):
        bench, agent = self.bench, self.agent
        self.hook("--url", bench.url, "--key-file", str(self.key_file))
        self.check("a call that nothing objects to runs", "free", 1, self.turn(self.touch("free")))
        rows = [row for row in bench.api("GET", "/api/logs") if row["agent_name"] == agent.entry]
        ok(f"{agent.name}: the call stands in the log", [row["tool_name"] for row in rows] == ["Bash"], rows)

        rule = bench.api("POST", "/api/approval-rules", {"rule_text": "Any shell command needs approval"})
        said = self.turn(self.touch("asked"))
        self.check("a call that waits does not run, and the model is told why", "asked", 0, said, "Loop asks a human", "Any shell command")
        waiting = bench.api("GET", "/api/pending-approvals")
        bench.api("POST", f"/api/pending-approvals/{waiting[0]['id']}/decide", {"action": "approved"})
        said = self.turn(self.touch("asked"), self.touch("asked"))
        self.check("once approved, the identical call runs, once", "asked", 1, said, "Loop asks a human")
        bench.api("DELETE", f"/api/approval-rules/{rule['id']}")

        bench.api("POST", "/api/blocked-tools", {"tool_name": "Bash", "reason": "never"})
        said = self.turn(self.touch("blocked"))
        self.check("a blocked tool does not run, and the model is told why", "blocked", 0, said, "'Bash' is blocked")
        bench.api("DELETE", "/api/blocked-tools/Bash")
        self.check("an unblocked one runs again", "blocked", 1, self.turn(self.touch("blocked")))

        self.hook("--url", "unix:" + str(self.home / "nobody.sock"), "--key-file", str(self.key_file))
        self.check("without a server nothing runs", "nobody", 0, self.turn(self.touch("nobody")), "no server at")
        gone = self.home / "gone"
        shutil.copy(PROGRAM, gone)
        self.hook("--url", bench.url, "--key-file", str(self.key_file), program=str(gone))
        gone.unlink()
        self.check("without the program nothing runs", "gone", 0, self.turn(self.touch("gone")), "the hook failed")
        self.hook("--uninstall")
        ok(f"{agent.name}: nothing is left of it", not (self.config / agent.settings).exists(), os.listdir(self.config))


def main():
    agents = [agent for agent in (ClaudeCode(), Codex()) if (BIN / agent.command("")[0][0]).exists()]
    if not agents:
        print("SKIPPED: neither Claude Code nor Codex is installed")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        try:
            for agent in agents:
                Drive(bench, agent).run()
        finally:
            bench.close()
    print(f"{PASSED} passed, {len(FAILED)} failed")
    return 1 if FAILED else 0


sys.exit(main())
