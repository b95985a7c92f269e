// What the client does by itself, against a server that answers as it is told.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { inspect } from "node:util";
import { test } from "node:test";

import * as sdk from "../index.mjs";

const { OpenLoop, ConnectionError, RateLimitError, ServerError, TimeoutError } = sdk;

/** A server that gives these answers in turn and keeps what it was sent. */
async function scripted(t, answers) {
  const seen = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(parts).toString() });
      const answer = answers[Math.min(seen.length, answers.length) - 1];
      if (answer === "cut") return request.socket.destroy();
      if (answer === "hang") return undefined;
      const [status, body, headers] = answer;
      response.writeHead(status, { "content-type": "application/json", ...headers });
      return response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  return { seen, client: new OpenLoop({ apiKey: "lk_live_secret", baseUrl, timeoutMs: 5_000 }) };
}

const refusal = (code) => ({ error: { code, message: "no", requestId: "r1", details: { a: 1 } } });
const now = { "retry-after": "0" };

test("both module systems give the same classes", () => {
  const other = createRequire(import.meta.url)("../index.cjs");
  const { default: byDefault, ...named } = sdk;
  assert.equal(byDefault, OpenLoop);
  assert.deepEqual(Object.keys(named).sort(), Object.keys(other).sort());
  for (const name of Object.keys(other)) assert.equal(named[name], other[name], name);
});

test("a POST that found no answer is tried again under the same idempotency key", async (t) => {
  const { seen, client } = await scripted(t, ["cut", [503, refusal("UNAVAILABLE"), now], [201, { id: "task_1" }]]);
  assert.deepEqual(await client.tasks.create({ title: "t" }), { id: "task_1" });
  const keys = seen.map((request) => request.headers["idempotency-key"]);
  assert.equal(keys.length, 3);
  assert.ok(keys[0].length >= 32 && new Set(keys).size === 1, keys.join(" "));
  assert.deepEqual(new Set(seen.map((request) => request.body)), new Set(['{"title":"t"}']));
  await client.tasks.create({ title: "t" }, { idempotencyKey: "mine" });
  assert.equal(seen.at(-1).headers["idempotency-key"], "mine");
});

test("what may have had an effect is not tried again without a key for it", async (t) => {
  const { seen, client } = await scripted(t, ["cut"]);
  await assert.rejects(client.keys.revoke("k1"), ConnectionError);
  await assert.rejects(client.tasks.update("task_1", { status: "running" }), ConnectionError);
  assert.equal(seen.length, 2);
});

test("answers of the server are not tried again but for the two that ask for it", async (t) => {
  const { seen, client } = await scripted(t, [[500, refusal("INTERNAL")], [502, refusal("PROVIDER_FAILED")], [409, refusal("IDEMPOTENCY_CONFLICT")]]);
  await assert.rejects(client.tasks.create({ title: "t" }), ServerError);
  await assert.rejects(client.tasks.create({ title: "t" }), sdk.ProviderFailedError);
  await assert.rejects(client.tasks.create({ title: "t" }), sdk.ConflictError);
  assert.equal(seen.length, 3);
});

test("retries end, and a limit says how long to wait", async (t) => {
  const { seen, client } = await scripted(t, [[429, refusal("RATE_LIMITED"), now]]);
  const error = await client.loops.get("@a").catch((error) => error);
  assert.ok(error instanceof RateLimitError);
  assert.deepEqual([error.code, error.status, error.requestId, error.retryAfter], ["RATE_LIMITED", 429, "r1", 0]);
  assert.equal(seen.length, 3);
});

test("a first try that is still under way is waited for", async (t) => {
  const { seen, client } = await scripted(t, ["cut", [409, refusal("IDEMPOTENCY_CONFLICT"), now], [201, { id: "x" }]]);
  assert.deepEqual(await client.tasks.create({ title: "t" }), { id: "x" });
  assert.equal(seen.length, 3);
});

test("waiting has an end, and a caller can give up", async (t) => {
  const { client } = await scripted(t, ["hang"]);
  await assert.rejects(client.tasks.get("task_1", { timeoutMs: 30, maxRetries: 0 }), TimeoutError);
  const ended = new AbortController();
  const call = client.tasks.get("task_1", { signal: ended.signal });
  ended.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
  await assert.rejects(client.tasks.get("task_1", { signal: AbortSignal.abort(new Error("before")) }), /before/);
});

test("names and parameters reach the server as they were given, and none leads elsewhere", async (t) => {
  const { seen, client } = await scripted(t, [[200, {}]]);
  await client.loops.get("@a/../b?c#d e");
  assert.equal(seen[0].url, "/api/v1/loops/%40a%2F..%2Fb%3Fc%23d%20e");
  await client.aap.inbox({ since: new Date(0), types: "ACK", limit: 5, cursor: undefined });
  assert.equal(seen[1].url, "/api/v1/aap/inbox?since=1970-01-01T00%3A00%3A00.000Z&types=ACK&limit=5");
  for (const bad of ["", ".", "..", undefined, 5]) await assert.rejects(client.loops.get(bad), TypeError);
  await assert.rejects(client.aap.inbox({ sort: "up" }), /sort/);
  for (const bad of [undefined, null, [], "x"]) await assert.rejects(client.tasks.create(bad), TypeError);
  assert.equal(seen.length, 2);
});

test("the key goes to the server it is for and is not shown", async (t) => {
  const { seen, client } = await scripted(t, [[302, {}, { location: "http://127.0.0.1:1/" }]]);
  await assert.rejects(client.loops.get("@a", { maxRetries: 0 }), ConnectionError);
  assert.equal(seen[0].headers.authorization, "Bearer lk_live_secret");
  assert.ok(!inspect(client, { depth: 9, showHidden: true }).includes("lk_live_secret"));
  assert.ok(!JSON.stringify(client).includes("lk_live_secret"));
});

test("what is no JSON is no answer", async (t) => {
  const { client } = await scripted(t, [[200, "<html>"], [502, "<html>"]]);
  await assert.rejects(client.loops.get("@a", { maxRetries: 0 }), { code: "BAD_ANSWER" });
  await assert.rejects(client.loops.get("@a", { maxRetries: 0 }), { code: "UNKNOWN", status: 502 });
});

test("a client without a key or with a wrong address is refused at once", () => {
  for (const options of [undefined, {}, { apiKey: "" }, { apiKey: "k", baseUrl: "ftp://x" }, { apiKey: "k", baseUrl: "x" }]) {
    assert.throws(() => new OpenLoop(options), TypeError);
  }
  for (const more of [{ timeoutMs: 0 }, { timeoutMs: NaN }, { maxRetries: -1 }, { baseUrl: "http://x/?a" }]) {
    assert.throws(() => new OpenLoop({ apiKey: "k", ...more }), TypeError);
  }
});
