/**
 * What is said in the sessions of docs/protocol_session.md, and by whose keys.
 *
 * @module
 */

import { type Crypto, encodeKey, type KeyPair, networkKey, PROLOGUES } from "../crypto/mod.ts";
import type {
  MasterEntry,
  Ring1Answer,
  Ring1Request,
  Ring2Answer,
  Ring2Request,
  ServerEntry,
} from "../protocol/mod.ts";
import type { WalkedSide } from "./_noise_walk.ts";

/** A side's keys, and what it is called. */
export interface SampleSide extends WalkedSide {
  /** For headings and lists of keys. */
  readonly name: string;
}

/** A message after the handshake, and who sends it. */
export type SampleMessage =
  | { readonly from: "initiator"; readonly message: Ring1Request | Ring2Request }
  | { readonly from: "responder"; readonly message: Ring1Answer | Ring2Answer };

/** A connection from its first byte on. */
export interface SampleSession {
  /** Of its part of the document. */
  readonly title: string;
  /** What happens in it, a paragraph. */
  readonly story: string;
  /** Its handshake. */
  readonly pattern: "XX" | "XXpsk3";
  /** Its ring's. */
  readonly prologue: Uint8Array;
  /** The password that the pre-shared key is made of, on ring 0. */
  readonly password?: string;
  /** The pre-shared key. */
  readonly psk?: Uint8Array;
  /** The side that connects. */
  readonly initiator: SampleSide;
  /** The master that is connected to. */
  readonly responder: SampleSide;
  /** After the handshake. */
  readonly messages: readonly SampleMessage[];
}

/** What the private keys are hashes of, so that nobody takes them for anything but examples. */
const KEY_LABEL = "netpanzer-masterserver, for documentation only: ";

const encoder = new TextEncoder();

function ask(message: Ring1Request | Ring2Request): SampleMessage {
  return { from: "initiator", message };
}

function answer(message: Ring1Answer | Ring2Answer): SampleMessage {
  return { from: "responder", message };
}

/** All sessions of the document. */
export function sampleSessions(crypto: Crypto): readonly SampleSession[] {
  const key = (label: string): KeyPair =>
    crypto.keyPair(crypto.sha256(encoder.encode(`${KEY_LABEL}${label}`)));
  const side = (name: string, ring: string): SampleSide => ({
    name,
    staticKey: key(name),
    ephemeralKey: key(`${name}, ${ring}`),
  });
  const gameServer = side("game server", "ring 1");
  const password = "documentation only";
  return [
    {
      title: "Ring 1: a game server registers and leaves",
      story: "The game server connects to TCP port 7070. Between `registered` and `listed` the " +
        "master asks it\n`\\echo\\TOKEN` over UDP, which is not part of this connection.",
      pattern: "XX",
      prologue: PROLOGUES.ring1,
      initiator: gameServer,
      responder: side("master", "ring 1"),
      messages: ring1Messages(masterEntry(key("master"))),
    },
    {
      title: "Ring 2: a client asks for servers, twice",
      story: "The client connects to TCP port 3040. The first answer is the whole list; the " +
        "second one says what has\nchanged since.",
      pattern: "XX",
      prologue: PROLOGUES.ring2,
      initiator: side("client", "ring 2"),
      responder: side("master", "ring 2"),
      messages: ring2Messages(gameServer.staticKey, key("master")),
    },
    {
      title: "Ring 0: the handshake of two masters",
      story:
        "Game servers and clients need none of this. One master connects to TCP port 6060 of " +
        "another one;\nboth know the password of their network.",
      pattern: "XXpsk3",
      prologue: PROLOGUES.ring0,
      password,
      psk: networkKey(crypto, password),
      initiator: side("second master", "ring 0"),
      responder: side("master", "ring 0"),
      messages: [],
    },
  ];
}

function masterEntry({ publicKey }: KeyPair): MasterEntry {
  return {
    name: "master.example.org",
    host: "203.0.113.1",
    ports: { ring1: 7070, ring1bis: 28900, ring2: 3040, ring2bis: 3030 },
    key: encodeKey(publicKey),
  };
}

function ring1Messages(master: MasterEntry): SampleMessage[] {
  return [
    ask({
      type: "register",
      gamename: "netpanzer",
      name: "Bob's tanks",
      port: 3030,
      protocol: 1122,
      admin: "bob@example.org",
      settings: { gameversion: "0.8.7", gamestyle: "Objective" },
    }),
    answer({
      type: "registered",
      number: 17,
      interval: 60,
      listed: false,
      reason: "its answer over UDP is awaited",
      masters: [master],
    }),
    answer({ type: "listed", listed: true }),
    ask({
      type: "status",
      map: "Two clans",
      players: 1,
      max_players: 8,
      roster: [{ name: "Zoë", kills: 3, deaths: 1, points: 7 }],
    }),
    answer({ type: "ping" }),
    ask({ type: "pong" }),
    ask({ type: "bye" }),
    answer({ type: "bye" }),
  ];
}

/** A cursor as masters make them. It means nothing to clients. */
function cursorOf({ publicKey }: KeyPair, time: string): string {
  return `1.${publicKey.slice(0, 8).toHex()}${(Date.parse(time) * 1024).toString(36)}`;
}

function ring2Messages(gameServer: KeyPair, master: KeyPair): SampleMessage[] {
  const first: ServerEntry = {
    ip: "203.0.113.5",
    port: 3030,
    gamename: "netpanzer",
    name: "Bob's tanks",
    protocol: 1122,
    country: "FR",
    map: "Two clans",
    players: 1,
    max_players: 8,
    key: encodeKey(gameServer.publicKey),
    number: 17,
    verified: true,
    last_seen: "2026-07-01T12:00:00.000Z",
    settings: {
      gameversion: "0.8.7",
      gamestyle: "Objective",
      gamename: "netpanzer",
      port: "3030",
      protocol: "1122",
    },
  };
  const second: ServerEntry = {
    ip: "198.51.100.7",
    port: 3031,
    gamename: "netpanzer",
    name: "Panzerkönig",
    protocol: 1122,
    country: "DE",
    map: "",
    players: 0,
    max_players: 0,
    number: 12,
    verified: true,
    last_seen: "2026-07-01T11:58:30.250Z",
    settings: { gamename: "netpanzer", port: "3031", protocol: "1122" },
  };
  const before = cursorOf(master, "2026-07-01T12:00:00Z");
  const after = cursorOf(master, "2026-07-01T12:01:00Z");
  const filter = { gamename: "netpanzer" };
  return [
    ask({ type: "list", filter }),
    answer({ type: "servers", servers: [first, second], removed: [], last: true, cursor: before }),
    ask({ type: "list", filter, since: before }),
    answer({
      type: "servers",
      servers: [],
      removed: ["203.0.113.5:3030"],
      last: true,
      cursor: after,
    }),
  ];
}
