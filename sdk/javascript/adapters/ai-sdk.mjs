// Tools of the Vercel AI SDK (`ai`), decided before they run.
//
//   const tools = governed({ search, pay }, { agent: "billing-bot" });
//   await generateText({ model, tools, prompt });
//
// A refusal is thrown inside the tool; the SDK shows it to the model as the tool's error. Without an answer nothing runs.

const DEFAULT_URL = "http://127.0.0.1:4242";
const DEFAULT_TIMEOUT = 5_000;
const TOO_DEEP = 64;

/** The call must not be made. `status` is `BLOCKED`, `PENDING` (with `approvalId`) or `UNDECIDED`. */
export class NotAllowedError extends Error {
  constructor(message, status, details = {}) {
    super(message, { cause: details.cause });
    this.name = "NotAllowedError";
    this.status = status;
    this.approvalId = details.approvalId;
  }
}

/** The same tools, each decided before it runs. Options: `url`, `apiKey`, `agent`, `session`, `timeoutMs`. */
export function governed(tools, options = {}) {
  const ask = asking(options);
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, wrapped(name, tool, ask)]));
}

function wrapped(name, tool, ask) {
  const { execute } = tool;
  if (typeof execute !== "function") throw new TypeError(`\`${name}\` has no \`execute\`: it runs where nothing can be decided`);
  if (Object.getPrototypeOf(execute)?.constructor?.name === "AsyncGeneratorFunction") {
    return {
      ...tool,
      async *execute(input, call) {
        yield* execute.call(tool, await decided(ask, name, input, call), call);
      },
    };
  }
  return {
    ...tool,
    async execute(input, call) {
      const output = await execute.call(tool, await decided(ask, name, input, call), call);
      if (typeof output?.[Symbol.asyncIterator] !== "function") return output;
      let last;
      for await (const piece of output) last = piece;
      return last;
    },
  };
}

// What runs is what was decided: nobody can change it while the answer is waited for.
async function decided(ask, name, input, call) {
  let kept, text;
  try {
    plain(input ?? {}, 0);
    kept = structuredClone(input);
    text = JSON.stringify(kept ?? {});
  } catch (cause) {
    throw new NotAllowedError(`the arguments of \`${name}\` cannot be decided: ${cause.message}`, "UNDECIDED", { cause });
  }
  await ask(name, text, call?.abortSignal);
  return kept;
}

// JSON turns what it does not know into something else without a word, and a rule would see that instead.
function plain(value, depth) {
  if (depth > TOO_DEEP) throw new TypeError("they nest too deep");
  if (value === null || value === undefined || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (Array.isArray(value)) return value.forEach((item) => plain(item, depth + 1));
  if (value instanceof Date && !Number.isNaN(value.getTime())) return;
  const prototype = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError("they hold what JSON cannot say");
  if (typeof value.toJSON === "function") throw new TypeError("they hold what JSON cannot say");
  for (const item of Object.values(value)) plain(item, depth + 1);
}

function asking(options) {
  const url = new URL(options.url ?? process.env.LOOP_URL ?? DEFAULT_URL);
  const apiKey = options.apiKey ?? process.env.LOOP_API_KEY;
  if (typeof apiKey !== "string" || apiKey === "") throw new TypeError("no key: pass `apiKey` or set LOOP_API_KEY");
  if (!["http:", "https:"].includes(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new TypeError("`url` must be http or https, without a password or a query");
  }
  const path = `${url.href.replace(/\/+$/, "")}/api/intercept`;
  const beside = JSON.stringify({ agent_name: options.agent, session_id: options.session });
  return async (name, text, signal) => {
    const limit = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT);
    const body = `{"tool_name":${JSON.stringify(name)},"arguments":${text}${beside === "{}" ? "}" : `,${beside.slice(1)}`}`;
    let answer;
    try {
      const response = await fetch(path, {
        method: "POST",
        headers: { "x-api-key": apiKey, "content-type": "application/json" },
        body,
        redirect: "error",
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      });
      if (response.status !== 200) throw new Error(`the server answered ${response.status}`);
      answer = await response.json();
    } catch (cause) {
      const message = `Loop could not decide \`${name}\`, so it is not run: ${cause.message}`;
      throw new NotAllowedError(message, "UNDECIDED", { cause });
    }
    judge(name, answer);
  };
}

function judge(name, answer) {
  const { allowed, status, message, approval_id: approvalId } = answer ?? {};
  if (allowed === true && status === "ALLOWED") return;
  if (allowed === false && status === "BLOCKED") throw new NotAllowedError(`Loop blocked \`${name}\`: ${message}`, status);
  if (allowed === false && status === "PENDING" && typeof approvalId === "string") {
    const text = `Loop asks a human about \`${name}\`: ${message}. Approval ${approvalId} waits; once it is approved, the identical call passes, once.`;
    throw new NotAllowedError(text, status, { approvalId });
  }
  throw new NotAllowedError(`Loop could not decide \`${name}\`, so it is not run: the answer is no decision`, "UNDECIDED");
}
