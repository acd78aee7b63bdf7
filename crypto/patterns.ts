/** A handshake of the Noise specification that this implementation can do. */
export type HandshakePattern = "XX" | "XXpsk3" | "NX" | "IK";

/** What a message of a handshake does (Noise specification, section 7.1). */
export type Token = "e" | "s" | "ee" | "es" | "se" | "ss" | "psk";

/** A handshake, message for message; the initiator writes the first one. */
export interface PatternSteps {
  /** Whether the initiator knows the responder's static key beforehand. */
  readonly responderIsKnown: boolean;
  readonly messages: readonly (readonly Token[])[];
}

/** The handshakes of sections 7.5 and 9.4. The program itself uses XX and XXpsk3. */
export const PATTERNS: Readonly<Record<HandshakePattern, PatternSteps>> = {
  XX: { responderIsKnown: false, messages: [["e"], ["e", "ee", "s", "es"], ["s", "se"]] },
  XXpsk3: {
    responderIsKnown: false,
    messages: [["e"], ["e", "ee", "s", "es"], ["s", "se", "psk"]],
  },
  NX: { responderIsKnown: false, messages: [["e"], ["e", "ee", "s", "es"]] },
  IK: { responderIsKnown: true, messages: [["e", "es", "s", "ss"], ["e", "ee", "se"]] },
};
