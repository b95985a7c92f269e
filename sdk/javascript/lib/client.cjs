"use strict";

const { ConnectionError, OpenLoopError, TimeoutError, fromAnswer } = require("./errors.cjs");
const { again, pause, sleep } = require("./retry.cjs");
const { ROUTES } = require("./routes.cjs");

const DEFAULT_BASE_URL = "http://127.0.0.1:4242";
const DEFAULT_TIMEOUT = 30_000;
const DEFAULT_RETRIES = 2;

/** A client of Loop's developer API. Its methods stand in groups: `openloop.policy.evaluate(…)`. */
class OpenLoop {
  #apiKey;
  #base;
  #timeout;
  #retries;
  #fetch;
  #onResponse;

  constructor(options = {}) {
    const { apiKey, baseUrl = DEFAULT_BASE_URL, timeoutMs = DEFAULT_TIMEOUT, maxRetries = DEFAULT_RETRIES } = options;
    if (typeof apiKey !== "string" || apiKey === "") throw new TypeError("`apiKey` is missing");
    const base = new URL(baseUrl);
    if (base.protocol !== "http:" && base.protocol !== "https:") throw new TypeError("`baseUrl` must be http or https");
    if (base.search !== "" || base.hash !== "") throw new TypeError("`baseUrl` must have no query");
    if (!(timeoutMs > 0)) throw new TypeError("`timeoutMs` must be greater than 0");
    if (!Number.isInteger(maxRetries) || maxRetries < 0) throw new TypeError("`maxRetries` must be a whole number");
    this.#apiKey = apiKey;
    this.#base = base.href.replace(/\/+$/, "");
    this.#timeout = timeoutMs;
    this.#retries = maxRetries;
    this.#fetch = options.fetch ?? globalThis.fetch;
    this.#onResponse = options.onResponse;
    for (const route of ROUTES) {
      this[route.group] ??= {};
      this[route.group][route.name] = (...given) => this.#call(route, given);
    }
  }

  async #call(route, given) {
    const rest = [...given];
    let path = route.path;
    for (const name of route.params) {
      const value = rest.shift();
      if (typeof value !== "string" || value === "") throw new TypeError(`\`${name}\` must be text`);
      // A dot segment would be resolved away, and another path be called.
      if (value === "." || value === "..") throw new TypeError(`\`${name}\` cannot be \`${value}\``);
      path = path.replace(`{${name}}`, encodeURIComponent(value));
    }
    const takesBody = route.body || route.optional === true;
    const input = takesBody || route.query.length > 0 ? rest.shift() : undefined;
    const options = rest.shift() ?? {};
    if (input !== undefined && (input === null || typeof input !== "object" || Array.isArray(input))) {
      throw new TypeError("an object is expected");
    }
    if (route.body && input === undefined) throw new TypeError("an object is expected");
    const url = new URL(this.#base + path);
    if (!takesBody && input !== undefined) {
      for (const [name, value] of Object.entries(input)) {
        if (!route.query.includes(name)) throw new TypeError(`\`${name}\` is no parameter of this call`);
        if (value !== undefined && value !== null) {
          url.searchParams.set(name, value instanceof Date ? value.toISOString() : String(value));
        }
      }
    }
    const headers = { authorization: `Bearer ${this.#apiKey}`, accept: "application/json" };
    let body;
    if (takesBody && input !== undefined) {
      headers["content-type"] = "application/json";
      body = JSON.stringify(input);
    }
    if (route.method === "POST" && !route.pure) {
      // One key for all tries: however often the request arrives, it is carried out once.
      headers["idempotency-key"] = options.idempotencyKey ?? globalThis.crypto.randomUUID();
    }
    const safe = route.method === "GET" || route.method === "POST";
    return this.#send(url, { method: route.method, headers, body, redirect: "error" }, options, safe);
  }

  async #send(url, request, options, safe) {
    const tries = 1 + (options.maxRetries ?? this.#retries);
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#once(url, request, options);
      } catch (error) {
        const known = error instanceof OpenLoopError;
        if (!known || tried >= tries || !again(error, { safe, retried: tried > 1 })) throw error;
        await sleep(pause(tried, error.retryAfter), options.signal);
      }
    }
  }

  async #once(url, request, options) {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), options.timeoutMs ?? this.#timeout);
    const given = options.signal;
    const stop = () => limit.abort();
    given?.throwIfAborted();
    given?.addEventListener("abort", stop, { once: true });
    let answer;
    let text;
    try {
      answer = await this.#fetch.call(undefined, url, { ...request, signal: limit.signal });
      text = await answer.text();
    } catch (cause) {
      if (given?.aborted) throw given.reason;
      if (limit.signal.aborted) throw new TimeoutError("no answer came in time", { code: "TIMEOUT", cause });
      throw new ConnectionError("no answer came", { code: "NO_ANSWER", cause });
    } finally {
      clearTimeout(timer);
      given?.removeEventListener("abort", stop);
    }
    this.#tell(answer);
    const body = parsed(text);
    if (!answer.ok) throw fromAnswer(answer.status, answer.headers, body);
    if (body === undefined) {
      throw new ConnectionError("the answer is no JSON", { code: "BAD_ANSWER", status: answer.status });
    }
    return body;
  }

  #tell(answer) {
    if (this.#onResponse === undefined) return;
    const number = (name) => (answer.headers.has(name) ? Number(answer.headers.get(name)) : undefined);
    this.#onResponse({
      status: answer.status,
      requestId: answer.headers.get("x-request-id") ?? undefined,
      rateLimit: {
        limit: number("ratelimit-limit"),
        remaining: number("ratelimit-remaining"),
        reset: number("ratelimit-reset"),
      },
      creditsRemaining: number("x-openloop-credits-remaining"),
    });
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

module.exports = { OpenLoop };
