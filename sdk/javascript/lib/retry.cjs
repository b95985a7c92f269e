"use strict";

/** The longest wait between two tries, in milliseconds. */
const LONGEST = 20_000;

/**
 * Whether a failed try may be made again. What is tried again must have had no effect, or have the same effect twice:
 * reads, and whatever carries an idempotency key.
 *
 * @param {import("./errors.cjs").OpenLoopError} error
 * @param {{safe: boolean, retried: boolean}} call `safe`: a read, or one with an idempotency key; `retried`: tried before
 */
function again(error, call) {
  // The server refused before it did anything.
  if (error.status === 429 || error.status === 503) return true;
  // The first try is still under way.
  if (error.code === "IDEMPOTENCY_CONFLICT" && error.status === 409) return call.safe && call.retried;
  // No answer, or one from something between here and the server. Its own 500 and 502 are answers.
  return call.safe && (error.status === 0 || error.status === 504);
}

/** How long to wait before try number `tried + 1`, in milliseconds: what the server says, else longer each time. */
function pause(tried, retryAfter, random = Math.random) {
  if (retryAfter !== undefined) return Math.min(LONGEST, retryAfter * 1000);
  return Math.min(LONGEST, 250 * 2 ** (tried - 1)) * (0.5 + random() / 2);
}

/** Waits, unless the signal ends it. */
function sleep(milliseconds, signal) {
  return new Promise((done, failed) => {
    if (signal?.aborted) return failed(signal.reason);
    const end = () => {
      clearTimeout(timer);
      failed(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      done();
    }, milliseconds);
    signal?.addEventListener("abort", end, { once: true });
  });
}

module.exports = { again, pause, sleep };
