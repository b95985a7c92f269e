// The tool wrapper inside the real `ai` package, which is looked for in the folder LOOP_NPM.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";

import { NotAllowedError, governed } from "../../adapters/ai-sdk.mjs";
import { start } from "../server.mjs";

const require = createRequire(join(process.env.LOOP_NPM ?? import.meta.dirname, "package.json"));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { dynamicTool, generateText, isStepCount, jsonSchema, stepCountIs, streamText, tool } = await load("ai");
const { MockLanguageModelV3, convertArrayToReadableStream } = await load("ai/test");

let server;
let ran = [];

before(async () => {
  server = await start();
  await api("/api/blocked-tools", { tool_name: "wipe", reason: "never" });
  await api("/api/approval-rules", { rule_text: "Any payment over £1,000 needs approval" });
});
after(() => server.stop());
beforeEach(() => {
  ran = [];
});

async function api(path, body) {
  const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(server.baseUrl + path, { ...request, headers: { "x-api-key": server.apiKey } });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
}

const inputSchema = jsonSchema({ type: "object" });
const tools = {
  wipe: tool({ inputSchema, execute: async (input) => ran.push(["wipe", input]) }),
  read_file: tool({ inputSchema, execute: async ({ path }) => (ran.push(["read_file", path]), `text of ${path}`) }),
  send_payment: dynamicTool({ inputSchema, execute: async (input) => (ran.push(["send_payment", input]), "paid") }),
  follow: tool({
    inputSchema,
    async *execute({ path }) {
      ran.push(["follow", path]);
      yield "a part";
      yield "the whole";
    },
  }),
};

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const calls = (toolName, input) => ({ type: "tool-call", toolCallId: "call-1", toolName, input: JSON.stringify(input) });

/** What the tool's call came to, as the SDK tells the model: a result or an error. */
async function called(name, input, options = {}) {
  const model = new MockLanguageModelV3({
    doGenerate: async () => ({
      content: [calls(name, input)],
      finishReason: { unified: "tool-calls", raw: "tool_calls" },
      usage,
      warnings: [],
    }),
  });
  const asked = { url: server.baseUrl, apiKey: server.apiKey, agent: "ai-sdk", ...options };
  const stopWhen = (isStepCount ?? stepCountIs)(1);
  const { content } = await generateText({ model, prompt: "go", tools: governed(tools, asked), stopWhen });
  const part = content.find((one) => one.type === "tool-result" || one.type === "tool-error");
  return part.type === "tool-result" ? { output: part.output } : { error: part.error };
}

test("an allowed tool runs as before", async () => {
  assert.deepEqual(await called("read_file", { path: "a" }), { output: "text of a" });
  assert.deepEqual(await called("follow", { path: "b" }), { output: "the whole" });
  assert.deepEqual(ran, [["read_file", "a"], ["follow", "b"]]);
});

test("a blocked tool never runs, and the model is told why", async () => {
  const { error } = await called("wipe", { target: "disk" });
  assert.ok(error instanceof NotAllowedError && error.status === "BLOCKED", String(error));
  assert.match(error.message, /'wipe' is blocked/);
  assert.deepEqual(ran, []);
});

test("what is approved passes once and unchanged", async () => {
  const pay = { amount: 5000, currency: "GBP" };
  const first = await called("send_payment", pay);
  assert.equal(first.error.status, "PENDING");
  const [waiting] = await api("/api/pending-approvals");
  assert.equal(waiting.id, first.error.approvalId);
  await api(`/api/pending-approvals/${waiting.id}/decide`, { action: "approved" });
  assert.equal((await called("send_payment", { ...pay, amount: 5001 })).error.status, "PENDING");
  assert.deepEqual(await called("send_payment", pay), { output: "paid" });
  assert.equal((await called("send_payment", pay)).error.status, "PENDING");
  assert.deepEqual(ran, [["send_payment", pay]]);
});

test("a streamed run is decided too", async () => {
  const finishReason = { unified: "tool-calls", raw: "tool_calls" };
  const model = new MockLanguageModelV3({
    doStream: async () => ({
      stream: convertArrayToReadableStream([
        { type: "stream-start", warnings: [] },
        calls("wipe", {}),
        { type: "finish", finishReason, usage },
      ]),
    }),
  });
  const asked = { url: server.baseUrl, apiKey: server.apiKey };
  const parts = [];
  for await (const part of streamText({ model, prompt: "go", tools: governed(tools, asked) }).fullStream) parts.push(part);
  const error = parts.find((part) => part.type === "tool-error");
  assert.match(String(error?.error), /'wipe' is blocked/);
  assert.deepEqual(ran, []);
});

test("without a whole yes nothing runs", async () => {
  let said = [200, "{}"];
  const strange = createServer((_, response) => response.writeHead(said[0], { location: "/" }).end(said[1]));
  await new Promise((done) => strange.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${strange.address().port}`;
  const yes = '{"allowed":true,"status":"ALLOWED"}';
  for (const answer of [
    [200, ""],
    [200, "{}"],
    [200, "null"],
    [200, "true"],
    [200, '{"allowed":true}'],
    [200, '{"status":"ALLOWED"}'],
    [200, '{"allowed":"true","status":"ALLOWED"}'],
    [200, '{"allowed":true,"status":"PENDING"}'],
    [200, '{"allowed":false,"status":"PENDING"}'],
    [201, yes],
    [302, yes],
    [500, yes],
  ]) {
    said = answer;
    const { error } = await called("read_file", { path: "a" }, { url });
    assert.equal(error?.status, "UNDECIDED", String(answer));
  }
  assert.deepEqual(ran, []);
  said = [200, yes];
  assert.deepEqual(await called("read_file", { path: "a" }, { url }), { output: "text of a" });
  strange.close();
  const silent = createServer(() => {});
  await new Promise((done) => silent.listen(0, "127.0.0.1", done));
  const slow = { url: `http://127.0.0.1:${silent.address().port}`, timeoutMs: 20 };
  assert.equal((await called("read_file", {}, slow)).error.status, "UNDECIDED");
  silent.closeAllConnections();
  silent.close();
  assert.equal((await called("read_file", {}, slow)).error.status, "UNDECIDED");
  assert.equal((await called("read_file", {}, { apiKey: "tl_unknown" })).error.status, "UNDECIDED");
});

test("what cannot be decided is refused", async () => {
  const { read_file } = governed(tools, { url: server.baseUrl, apiKey: server.apiKey });
  for (const input of [{ n: NaN }, { n: 1n }, { m: new Map() }, { f() {} }, { d: new Date(NaN) }]) {
    await assert.rejects(read_file.execute(input, {}), { name: "NotAllowedError", status: "UNDECIDED" });
  }
  assert.throws(() => governed({ far: { inputSchema } }, { apiKey: "k" }), TypeError);
  assert.throws(() => governed(tools, { apiKey: "" }), TypeError);
  assert.throws(() => governed(tools, { apiKey: "k", url: "http://user:secret@a" }), TypeError);
  assert.deepEqual(ran, []);
});

test("what runs is what was decided", async () => {
  const { read_file } = governed(tools, { url: server.baseUrl, apiKey: server.apiKey });
  const input = { path: "a" };
  const running = read_file.execute(input, {});
  input.path = "changed";
  assert.equal(await running, "text of a");
});
