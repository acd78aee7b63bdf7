import {
  decodeDatagram,
  encodeError,
  encodeMasterStatus,
  MAX_STATUS_BYTES,
  MAX_UDP_ANSWER_BYTES,
  networkKey,
} from "../protocol/mod.ts";
import type { Replica } from "../registry/mod.ts";
import type { RingSettings } from "../threads/mod.ts";
import { AnswerBudget } from "./_answer_budget.ts";
import { socketAddress } from "./_sockets.ts";

/** Bytes of a datagram that are read; what is longer is cut and then no valid message. */
const MAX_DATAGRAM_BYTES = MAX_STATUS_BYTES + 1;

/** Milliseconds to wait after the system failed to receive, before trying again. */
const RECEIVE_PAUSE_MS = 100;

const LIST_NEEDS_TCP = encodeError("Lists go over TCP");

/** A datagram and whom it is from. */
export interface Datagram {
  readonly bytes: Uint8Array;
  /** Canonical address. */
  readonly ip: string;
  readonly port: number;
}

/** What a UDP socket needs of its ring. */
export interface UdpOptions {
  readonly socket: Deno.DatagramConn;
  readonly replica: Replica;
  settings(): RingSettings;
  /** Takes a datagram that was waited for; false when it was not. */
  expected(datagram: Datagram): boolean;
}

/** The UDP side of an old-style ring: answers little, to few, and never more than it was sent for. */
export class UdpService {
  readonly #options: UdpOptions;
  readonly #budget = new AnswerBudget(performance.now());
  #stopped = false;
  received = 0;
  answered = 0;
  dropped = 0;

  constructor(options: UdpOptions) {
    this.#options = options;
  }

  /** Receives until stopped. */
  async run(): Promise<void> {
    const buffer = new Uint8Array(MAX_DATAGRAM_BYTES);
    while (!this.#stopped) {
      try {
        const [bytes, from] = await this.#options.socket.receive(buffer);
        this.received++;
        const address = from as Deno.NetAddr;
        this.#receive({ bytes, ip: socketAddress(address), port: address.port });
      } catch (error) {
        if (this.#stopped || error instanceof Deno.errors.BadResource) return;
        await new Promise((resolve) => setTimeout(resolve, RECEIVE_PAUSE_MS));
      }
    }
  }

  /** Sends a datagram; one that cannot be delivered is lost, as any datagram may be. */
  send(ip: string, port: number, bytes: Uint8Array): void {
    this.#options.socket.send(bytes, { transport: "udp", hostname: ip, port }).catch(() => {
      this.dropped++;
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#options.socket.close();
  }

  #receive(datagram: Datagram): void {
    if (this.#options.expected(datagram)) return;
    const answer = this.#answerTo(datagram.bytes);
    // A source port of 0 cannot be answered.
    const allowed = answer && datagram.port > 0 && answer.length <= MAX_UDP_ANSWER_BYTES &&
      this.#budget.take(networkKey(datagram.ip), answer.length, performance.now());
    if (!allowed) {
      this.dropped++;
      return;
    }
    this.answered++;
    this.send(datagram.ip, datagram.port, answer);
  }

  /** The answer to a request; none to what is no request, or two masters could answer each other. */
  #answerTo(bytes: Uint8Array): Uint8Array | undefined {
    const message = decodeDatagram(bytes);
    if (message?.command === "status") return this.#status();
    if (message?.command === "list") return LIST_NEEDS_TCP;
    if (message?.command !== "echo") return undefined;
    return echoToken(bytes);
  }

  #status(): Uint8Array {
    const { hostname, version } = this.#options.settings();
    const { servers, players } = this.#options.replica;
    return encodeMasterStatus({ hostname, servers, players, version });
  }
}

/** Byte by byte, so that any token comes back as it was sent. */
const ECHO = /^[\\\s]*echo\\+([^\\]+)/;

/** The bytes of the token that follows `echo`. */
function echoToken(bytes: Uint8Array): Uint8Array | undefined {
  const token = ECHO.exec(String.fromCharCode(...bytes))?.[1];
  return token === undefined ? undefined : Uint8Array.from(token, (byte) => byte.charCodeAt(0));
}
