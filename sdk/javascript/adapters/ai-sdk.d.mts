/** The call must not be made. */
export class NotAllowedError extends Error {
  readonly status: "BLOCKED" | "PENDING" | "UNDECIDED";
  /** What is waited for, when `status` is `PENDING`. */
  readonly approvalId?: string;
}

/** Which server decides, and for whom. */
export interface GovernedOptions {
  /** `http://…` or `https://…` [default: `LOOP_URL`, else `http://127.0.0.1:4242`]. */
  url?: string;
  /** The key [default: `LOOP_API_KEY`]. */
  apiKey?: string;
  /** The name that rules and the log know the agent by. */
  agent?: string;
  /** The conversation. */
  session?: string;
  /** How long the server may take, in milliseconds [default: 5000]. */
  timeoutMs?: number;
}

/** The same tools, each decided before it runs. A tool without `execute` is refused with a `TypeError`. */
export function governed<TOOLS extends Record<string, object>>(tools: TOOLS, options?: GovernedOptions): TOOLS;
