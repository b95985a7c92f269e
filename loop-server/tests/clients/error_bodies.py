"""The official `openai` and `anthropic` clients, unmodified, through the proxy, when something goes wrong: an error of
the provider passes undecided, so no client may find a call in its body; a stream that cannot be read ends with an event
that every client raises; choices that begin out of order, which a client's helper would join otherwise, give no call.

Starts a fake provider on FAKE_UPSTREAM_PORT (default 18999), which must be the server's upstream for both. The last user
message is a JSON script {status, media, body} that it plays back. Prints a line per check and a summary; exits 1 when a
check fails, 77 when a package is missing. Env: BASE_URL, API_KEY, FAKE_UPSTREAM_PORT."""
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    import anthropic
    import openai
except ImportError as error:
    print(f"SKIPPED: {error}")
    sys.exit(77)

BASE, KEY = os.environ["BASE_URL"], os.environ["API_KEY"]
PORT = int(os.environ.get("FAKE_UPSTREAM_PORT", "18999"))
FAILED = []


def ok(name, good, detail=""):
    print(("PASS " if good else "FAIL ") + name + ("" if good else f" -- {detail}"))
    if not good:
        FAILED.append(name)


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        script = json.loads(asked["input"] if "input" in asked else asked["messages"][-1]["content"])
        body = script["body"].encode()
        self.send_response(script["status"])
        for name, value in (("content-type", script["media"]), ("content-length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


FUNCTION = {"name": "pay", "arguments": '{"to":"s3ntinel"}'}
CALL = {"id": "c", "type": "function", "function": FUNCTION}
ITEM = {"id": "f", "type": "function_call", "call_id": "c", "status": "completed", **FUNCTION}
BLOCK = {"type": "tool_use", "id": "t", "name": "pay", "input": {"to": "s3ntinel"}}
ANSWERS = {
    "chat": {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "tool_calls": [CALL]}}]},
    "responses": {"id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [ITEM]},
    "messages": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [BLOCK],
                 "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}},
}


def chunk(choices):
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return f"data: {json.dumps(data)}\n\n"


def delta(index, finish=None, **members):
    return {"index": index, "delta": members, "finish_reason": finish}


def events(*all_of_them):
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in all_of_them)


START = {"type": "message_start", "message": {**ANSWERS["messages"], "content": [], "stop_reason": None}}
CREATED = {"type": "response.created", "sequence_number": 0, "response": {**ANSWERS["responses"], "status": "in_progress", "output": []}}
STREAMS = {
    "chat": chunk([delta(0, tool_calls=[{"index": 0, **CALL}])]) + chunk([delta(0, "tool_calls")]) + "data: [DONE]\n\n",
    "responses": events(CREATED, {"type": "response.output_item.done", "sequence_number": 1, "output_index": 0, "item": ITEM},
                        {"type": "response.completed", "sequence_number": 2, "response": ANSWERS["responses"]}),
    "messages": events(START, {"type": "content_block_start", "index": 0, "content_block": BLOCK},
                       {"type": "content_block_stop", "index": 0}, {"type": "message_stop"}),
}
BEGINNINGS = {"chat": chunk([delta(0, role="assistant", content="let me")]), "responses": events(CREATED), "messages": events(START)}

headers = {"default_headers": {"x-loop-key": KEY}, "max_retries": 0}
gpt = openai.OpenAI(api_key="sk-upstream", base_url=f"{BASE}/v1", **headers)
claude = anthropic.Anthropic(api_key="sk-ant-upstream", base_url=BASE, **headers)
TOOL = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}


def ask(form, stream, script):
    text = json.dumps(script)
    said = [{"role": "user", "content": text}]
    if form == "chat":
        return gpt.chat.completions.create(model="m", messages=said, tools=[TOOL], stream=stream)
    if form == "responses":
        return gpt.responses.create(model="m", input=text, stream=stream)
    return claude.messages.create(model="m", max_tokens=9, messages=said, stream=stream)


def heard(form, stream, script):
    """All that a client is told before it raises, and what it raises."""
    told = []
    try:
        answer = ask(form, stream, script)
        if stream:
            told.extend(answer)
        else:
            told.append(answer)
        return told, None
    except (openai.APIError, anthropic.APIError) as error:
        return told, error


server = ThreadingHTTPServer(("127.0.0.1", PORT), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()

for form in ("chat", "responses", "messages"):
    for stream in (False, True):
        how = "stream" if stream else "whole"
        script = {"status": 200, "media": "text/event-stream" if stream else "application/json",
                  "body": STREAMS[form] if stream else json.dumps(ANSWERS[form])}
        told, error = heard(form, stream, script)
        ok(f"{form}.{how}.a_call_is_heard", error is None and "s3ntinel" in repr(told), error)
        for status in (400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529):
            for media, body in (("application/json", json.dumps(ANSWERS[form])), ("text/event-stream", STREAMS[form])):
                told, error = heard(form, stream, {"status": status, "media": media, "body": body})
                raised = isinstance(error, (openai.APIStatusError, anthropic.APIStatusError)) and error.status_code == status
                ok(f"{form}.{how}.{status}.{media}", raised and not told, (told, error))
    told, error = heard(form, True, {"status": 200, "media": "text/event-stream", "body": BEGINNINGS[form] + "data: nonsense\n\n"})
    ok(f"{form}.what_cannot_be_read_is_raised", error is not None and "cannot be read" in str(error), (told, error))
    ok(f"{form}.what_came_before_is_heard", len(told) == 1, told)

# Of choices that begin out of order the helper of the client would join the fragments of different calls.
half, rest = '{"to":"s3nt', 'inel"}'


def named(text):
    return [{"index": 0, "id": "c", "type": "function", "function": {"name": "pay", "arguments": text}}]


def fragment(text):
    return [{"index": 0, "function": {"arguments": text}}]


ORDERS = {
    "in_order": [delta(0, role="assistant"), delta(1, role="assistant"), delta(1, tool_calls=named(half)),
                 delta(0, tool_calls=named(half)), delta(1, tool_calls=fragment(rest)), delta(0, tool_calls=fragment(rest))],
    "second_first": [delta(0, role="assistant"), delta(2, tool_calls=named(half)), delta(1, tool_calls=fragment(rest)),
                     delta(1, tool_calls=fragment(rest))],
    "gap": [delta(0, role="assistant"), delta(2, tool_calls=named(half)), delta(2, tool_calls=fragment(rest)),
            delta(1, content="x")],
}
for name, deltas in ORDERS.items():
    ends = [delta(index, "tool_calls") for index in sorted({one["index"] for one in deltas})]
    body = "".join(chunk([one]) for one in deltas + ends) + "data: [DONE]\n\n"
    said = [{"role": "user", "content": json.dumps({"status": 200, "media": "text/event-stream", "body": body})}]
    with gpt.chat.completions.stream(model="m", messages=said, tools=[TOOL], n=2) as stream:
        final = stream.get_final_completion()
    calls = [call for choice in final.choices for call in choice.message.tool_calls or []]
    if name == "in_order":
        ok(f"choices.{name}", [call.function.arguments for call in calls] == [half + rest] * 2, calls)
    else:
        ok(f"choices.{name}", not calls and "s3nt" not in final.to_json(), final)

print(f"SUMMARY error bodies: FAIL={len(FAILED)}")
sys.exit(1 if FAILED else 0)
