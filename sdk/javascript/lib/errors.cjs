"use strict";

/** What every refusal and failure of a call is. */
class OpenLoopError extends Error {
  /**
   * @param {string} message for people
   * @param {{code: string, status?: number, requestId?: string, details?: object, retryAfter?: number, cause?: unknown}} about
   */
  constructor(message, about) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.name = new.target.name;
    this.code = about.code;
    this.status = about.status ?? 0;
    this.requestId = about.requestId;
    this.details = about.details;
    this.retryAfter = about.retryAfter;
  }
}

/** 400: the request is malformed. */
class InvalidRequestError extends OpenLoopError {}
/** 401: no key, or one that no longer works. */
class AuthenticationError extends OpenLoopError {}
/** 402: credits are low. */
class InsufficientCreditsError extends OpenLoopError {}
/** 403: the key's scopes, the policy or a suspension refuse it; `code` says which. */
class PermissionError extends OpenLoopError {}
/** 404: there is no such thing, or it is not yours to see. */
class NotFoundError extends OpenLoopError {}
/** 409: the state of things does not allow it; `code` says why. */
class ConflictError extends OpenLoopError {}
/** 410: a message or an approval is past its time. */
class ExpiredError extends OpenLoopError {}
/** 422: an input misses its schema, or an idempotency key was used for another body. */
class SchemaMismatchError extends OpenLoopError {}
/** 429: too many requests; `retryAfter` says for how many seconds to wait. */
class RateLimitError extends OpenLoopError {}
/** 502: a tool's provider failed. */
class ProviderFailedError extends OpenLoopError {}
/** Any other failure of the server. */
class ServerError extends OpenLoopError {}
/** No answer came. */
class ConnectionError extends OpenLoopError {}
/** No answer came in time. */
class TimeoutError extends ConnectionError {}

const BY_STATUS = {
  400: InvalidRequestError,
  401: AuthenticationError,
  402: InsufficientCreditsError,
  403: PermissionError,
  404: NotFoundError,
  409: ConflictError,
  410: ExpiredError,
  413: InvalidRequestError,
  422: SchemaMismatchError,
  429: RateLimitError,
  502: ProviderFailedError,
};

/** The error that an answer stands for. */
function fromAnswer(status, headers, body) {
  const said = body !== null && typeof body === "object" && body.error !== null && typeof body.error === "object" ? body.error : {};
  const Kind = BY_STATUS[status] ?? (status >= 500 ? ServerError : OpenLoopError);
  const wait = Number(headers.get("retry-after"));
  return new Kind(typeof said.message === "string" ? said.message : `the server answered ${status}`, {
    code: typeof said.code === "string" ? said.code : "UNKNOWN",
    status,
    requestId: said.requestId ?? headers.get("x-request-id") ?? undefined,
    details: said.details,
    retryAfter: headers.has("retry-after") && Number.isFinite(wait) && wait >= 0 ? wait : undefined,
  });
}

module.exports = {
  OpenLoopError,
  InvalidRequestError,
  AuthenticationError,
  InsufficientCreditsError,
  PermissionError,
  NotFoundError,
  ConflictError,
  ExpiredError,
  SchemaMismatchError,
  RateLimitError,
  ProviderFailedError,
  ServerError,
  ConnectionError,
  TimeoutError,
};
Object.defineProperty(module.exports, "fromAnswer", { value: fromAnswer, enumerable: false });
