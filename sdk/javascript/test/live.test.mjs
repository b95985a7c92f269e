// Against a real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  AuthenticationError,
  ConflictError,
  InvalidRequestError,
  NotFoundError,
  OpenLoop,
  OpenLoopError,
  PermissionError,
} from "../index.mjs";
import { loop, start } from "./server.mjs";

const DEALER = ["aap:send", "aap:read", "policy:evaluate", "contracts:read", "contracts:write", "tasks:read"];
let server;
let ann;
let bob;

before(async () => {
  server = await start();
  ann = await loop(server, { tag: "ann_buys", kind: "developer" }, DEALER);
  bob = await loop(server, { tag: "acme_business", kind: "business", ownerId: "bob" }, DEALER);
});
after(() => server?.stop());

test("the quick start runs", async () => {
  const key = await server.admin.keys.create({ name: "quick", scopes: ["policy:evaluate", "aap:send"], loopId: ann.id });
  process.env.OPENLOOP_API_KEY = key.key;

  const openloop = new OpenLoop({ apiKey: process.env.OPENLOOP_API_KEY, baseUrl: server.baseUrl });

  const verdict = await openloop.policy.evaluate({
    executionMode: "guided",
    domain: "sales_revenue_ops",
    step: { action: "find_leads", riskLevel: "low" },
  });

  const message = await openloop.aap.send({
    type: "TASK_REQUEST",
    to: "@acme_business",
    task: "quote_request",
    inputs: { city: "Atlanta", service: "roofing" },
  });

  assert.deepEqual([verdict.decision, verdict.allowed], ["allow", true]);
  assert.deepEqual(message.inputs, { city: "Atlanta", service: "roofing" });
});

test("two loops trade from request to payment", async () => {
  const asked = await ann.client.aap.send({ type: "TASK_REQUEST", to: "@acme_business", task: "roof" });
  const { contractId, correlationId } = asked;
  const inbox = await bob.client.aap.inbox({ types: "TASK_REQUEST", limit: 1 });
  assert.deepEqual([inbox.messages[0].id, inbox.messages[0].status], [asked.id, "delivered"]);
  const say = (from, type, more) =>
    (from === ann ? ann : bob).client.aap.send({ type, to: from === ann ? bob.id : ann.id, contractId, ...more });
  await say(bob, "TASK_OFFER", { proposedValue: 90 });
  await say(ann, "TASK_ACCEPT");
  await assert.rejects(say(ann, "TASK_ACCEPT"), { name: "ConflictError", code: "INVALID_TRANSITION" });
  await assert.rejects(say(ann, "TASK_COMPLETE"), ConflictError);
  await say(bob, "TASK_EXECUTE");
  await say(bob, "TASK_COMPLETE", { outcome: "done" });
  await say(bob, "PAYMENT_REQUEST", { amountCents: 9000, currency: "USD" });
  const paid = await say(ann, "PAYMENT_CONFIRM", { amountCents: 9000 });
  assert.equal(paid.contractStatus, "paid");
  const thread = await ann.client.aap.thread(correlationId);
  assert.deepEqual([thread.messages.length, thread.contracts[0].status], [7, "paid"]);
});

test("amounts are held, released once, and shown", async () => {
  const held = await ann.client.transactions.create({ sellerLoopId: bob.id, amountCents: 4200, currency: "USD" });
  await assert.rejects(bob.client.transactions.release(held.id), PermissionError);
  const released = await ann.client.transactions.release(held.id);
  assert.deepEqual([released.status, released.escrowStatus], ["completed", "released"]);
  await assert.rejects(ann.client.transactions.refund(held.id), OpenLoopError);
  assert.equal((await bob.client.transactions.get(held.id)).completedAt, released.completedAt);
});

test("tasks are laid out, moved and paged", async () => {
  const jobs = [{ name: "find" }, { name: "write", dependsOn: ["find"] }];
  const task = await ann.client.tasks.create({ title: "Find leads", executionMode: "sandbox", jobs });
  assert.deepEqual(task.jobs.map((job) => job.status), ["queued", "blocked"]);
  await ann.client.tasks.update(task.id, { status: "running" });
  const done = await ann.client.tasks.update(task.id, { status: "completed" });
  assert.equal(done.status, "completed");
  await ann.client.tasks.create({ title: "Another" });
  const first = await ann.client.tasks.list({ limit: 1 });
  const second = await ann.client.tasks.list({ limit: 1, cursor: first.nextCursor });
  assert.deepEqual([first.tasks[0].title, second.tasks[0].title, second.nextCursor], ["Another", "Find leads", null]);
});

test("the same idempotency key carries a request out once", async () => {
  const options = { idempotencyKey: "once-and-once-only" };
  const first = await ann.client.tasks.create({ title: "once" }, options);
  const again = await ann.client.tasks.create({ title: "once" }, options);
  assert.equal(first.id, again.id);
});

test("refusals are errors of their kind, with code and request id", async () => {
  const stranger = new OpenLoop({ apiKey: "lk_live_none", baseUrl: server.baseUrl });
  const cases = [
    [() => stranger.tasks.list(), AuthenticationError, "UNAUTHENTICATED", 401],
    [() => ann.client.keys.list(), PermissionError, "INSUFFICIENT_SCOPE", 403],
    [() => ann.client.tasks.get("task_none"), NotFoundError, "NOT_FOUND", 404],
    [() => ann.client.loops.get("@nobody_here"), NotFoundError, undefined, 404],
    [() => ann.client.policy.evaluate({}), InvalidRequestError, "INVALID_REQUEST", 400],
  ];
  for (const [call, Kind, code, status] of cases) {
    const error = await call().then(() => assert.fail("no refusal"), (error) => error);
    assert.ok(error instanceof Kind, `${error}`);
    assert.deepEqual([error.code, error.status], [code ?? error.code, status]);
    assert.ok(error.requestId, "no request id");
  }
  const error = await ann.client.keys.list().catch((error) => error);
  assert.deepEqual(error.details.required, ["keys:manage"]);
});

test("what answers say besides their body is told", async () => {
  const told = [];
  const client = new OpenLoop({ apiKey: server.apiKey, baseUrl: server.baseUrl, onResponse: (info) => told.push(info) });
  await client.loops.list({ limit: 1 });
  await client.tasks.get("task_none").catch(() => {});
  assert.deepEqual(told.map((info) => info.status), [200, 404]);
  assert.ok(told.every((info) => info.requestId));
});
