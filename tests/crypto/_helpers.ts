/** What tests of this folder share. */

import {
  Channel,
  type ChannelEvent,
  type ChannelOptions,
  type Crypto,
  openCrypto,
  PROLOGUES,
} from "../../crypto/mod.ts";

/** Bytes of hexadecimal digits; spaces do not matter. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
}

/** Hexadecimal digits of bytes. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** libgcrypt, or an error that says why not. */
export function crypto(): Crypto {
  const outcome = openCrypto();
  if (outcome.type === "unavailable") throw new Error(outcome.message);
  return outcome.crypto;
}

/** An initiator and a responder that do not know each other yet. */
export function twoChannels(
  primitives: Crypto,
  options: Partial<ChannelOptions> = {},
): { readonly initiator: Channel; readonly responder: Channel } {
  const make = (role: "initiator" | "responder"): Channel =>
    new Channel({
      primitives,
      role,
      pattern: "XX",
      prologue: PROLOGUES.ring1,
      staticKey: primitives.keyPair(),
      ...options,
    });
  return { initiator: make("initiator"), responder: make("responder") };
}

/** The frames among some events, one after the other. */
export function sent(events: readonly ChannelEvent[]): Uint8Array {
  return concat(events.flatMap((event) => event.type === "send" ? [event.bytes] : []));
}

/** Lets two channels shake hands, and gives what came out on both sides but frames. */
export function shakeHands(
  initiator: Channel,
  responder: Channel,
): { readonly initiator: readonly ChannelEvent[]; readonly responder: readonly ChannelEvent[] } {
  const responderEvents = [...responder.start()];
  const first = responder.receive(sent(initiator.start()));
  const initiatorEvents = initiator.receive(sent(first));
  responderEvents.push(...first, ...responder.receive(sent(initiatorEvents)));
  const isNoFrame = (event: ChannelEvent): boolean => event.type !== "send";
  return {
    initiator: initiatorEvents.filter(isNoFrame),
    responder: responderEvents.filter(isNoFrame),
  };
}

/** Two channels that are open. */
export function openChannels(
  primitives: Crypto,
  options: Partial<ChannelOptions> = {},
): { readonly initiator: Channel; readonly responder: Channel } {
  const channels = twoChannels(primitives, options);
  shakeHands(channels.initiator, channels.responder);
  return channels;
}

/** Parts one after the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
