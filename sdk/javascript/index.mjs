// One implementation for both module systems, so that `instanceof` holds across them.
import sdk from "./index.cjs";

export const {
  OpenLoop,
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
} = sdk;

export default OpenLoop;
