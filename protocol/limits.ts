/**
 * Limits of the old-style text protocol. Each bounds what one peer can make the daemon hold or do
 * before it has shown who it is.
 *
 * @module
 */

/** Bytes of one message, end token included. Real heartbeats take about 60. */
export const MAX_MESSAGE_BYTES = 4096;

/** Key/value pairs of one message. */
export const MAX_PAIRS = 64;

/** Bytes of one token (a command, a key or a value). */
export const MAX_TOKEN_BYTES = 256;

/** Bytes of a game server's status answer that are read: a full server of 64 players fits. */
export const MAX_STATUS_BYTES = 16 * 1024;

/** Players of one status answer that are kept. netPanzer itself allows far fewer. */
export const MAX_ROSTER = 128;

/** Bytes of an answer over UDP to a source that has not proved its address. */
export const MAX_UDP_ANSWER_BYTES = 256;
