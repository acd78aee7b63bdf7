import { type DecodedMessage, encodeMessage } from "../protocol/mod.ts";
import { quote } from "./_failures.ts";
import { ClientError } from "./errors.ts";
import type { RingRequest } from "./ring_protocol.ts";

/**
 * Reads a request as a master will, so that a mistake shows before anything is sent.
 *
 * @throws ClientError when every master would refuse it.
 */
export function checkRequest<Request extends RingRequest>(
  decode: (bytes: Uint8Array) => DecodedMessage<Request>,
  request: Request,
): void {
  const decoded = decode(encodeRequest(request));
  if (decoded.type === "message") return;
  const why = decoded.type === "refused" ? decoded.error.message : decoded.reason;
  throw badRequest(request, quote(why));
}

function badRequest(request: RingRequest, why: string, cause?: unknown): ClientError {
  return new ClientError("refused", `this "${request.type}" is no request to any master: ${why}`, {
    code: "bad_request",
    cause,
  });
}

function encodeRequest(request: RingRequest): Uint8Array {
  try {
    return encodeMessage(request);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badRequest(request, error.message, error);
  }
}
