import { nameOf } from "./_failures.ts";
import type { SecureConnection } from "./connection.ts";
import { ClientError } from "./errors.ts";
import type { RingAnswer, RingRequest } from "./ring_protocol.ts";
import type { Timing } from "./timing.ts";

/** Milliseconds for a whole answer: a list of 100,000 servers over a slow line. */
export const ANSWER_TIMEOUT_MS = 30_000;

/** Waits for an answer; one that is late ends the connection, and so the waiting. */
export async function answerInTime<Request extends RingRequest, Answer extends RingAnswer, Result>(
  connection: SecureConnection<Request, Answer>,
  timing: Timing,
  answer: Promise<Result>,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<Result> {
  const settled = new AbortController();
  const timer = timing.sleep(timeoutMs, settled.signal).then(async () => {
    if (settled.signal.aborted) return;
    const seconds = timeoutMs / 1000;
    await connection.close(
      new ClientError(
        "unavailable",
        `${nameOf(connection.master)} did not answer within ${seconds} s`,
      ),
    );
  });
  try {
    return await answer;
  } finally {
    settled.abort();
    await timer;
  }
}
