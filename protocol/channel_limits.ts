/**
 * Limits of the JSON messages of rings 0, 1 and 2. A character is a Unicode code point. Requests
 * are held to them strictly; what a master says, which may be of old-style servers, to wider ones;
 * those of ring 0 alone are at the end.
 *
 * @module
 */

/** Bytes of one message: the most that one Noise message carries, 65,535 less its 16-byte tag. */
export const MAX_CHANNEL_MESSAGE_BYTES = 65_519;

/** Characters of a gamename: what the column that it is kept in holds. */
export const MAX_GAMENAME_CHARACTERS = 64;

/** Characters of a server's name. One line of a list has room for it. */
export const MAX_NAME_CHARACTERS = 64;

/** Characters of a user's name. */
export const MAX_USER_CHARACTERS = 64;

/** Characters of a player's name in a roster. */
export const MAX_PLAYER_NAME_CHARACTERS = 64;

/** Characters of a map's name: an old-style status may have as many, and a relay passes it on. */
export const MAX_MAP_CHARACTERS = 256;

/** Characters of how to reach a server's operator: the longest mail address has 254. */
export const MAX_ADMIN_CHARACTERS = 255;

/** Characters of a DNS name (RFC 1035 without the root's dot). */
export const MAX_HOST_CHARACTERS = 253;

/** Settings of a server: as many as an old-style heartbeat has. */
export const MAX_SETTINGS = 64;

/** Characters of a setting's key, and of a filter's. */
export const MAX_SETTING_KEY_CHARACTERS = 64;

/** Characters of a setting's value, and of a filter's. */
export const MAX_SETTING_VALUE_CHARACTERS = 256;

/**
 * Bytes of a server's settings as JSON: as many as an old-style message has. Everyone who asks for
 * a list gets them.
 */
export const MAX_SETTINGS_BYTES = 4096;

/** Pairs of a filter. A list is filtered server by server, so each costs. */
export const MAX_FILTER_PAIRS = 16;

/** Characters of a cursor: room for the place in every master of the largest network. */
export const MAX_CURSOR_CHARACTERS = 8192;

/** A count of players, kills or points above this is none. */
export const MAX_COUNT = 1_000_000;

/** Highest version of a game's own protocol. */
export const MAX_GAME_PROTOCOL = 1_000_000_000;

/** Seconds between two reports, and before trying again, that a client lets a master ask for. */
export const MAX_ANSWER_SECONDS = 86_400;

/** Characters of a text for people in an answer: it may quote twice what is all escapes. */
export const MAX_ANSWER_TEXT_CHARACTERS = 2048;

/** Characters of a name, key or value in an answer: bytes of an old-style token. */
export const MAX_ANSWER_NAME_CHARACTERS = 256;

/** Settings of a server in an answer: room for those that masters add. */
export const MAX_ANSWER_SETTINGS = 256;

/** Masters of an answer: ten times the largest network. */
export const MAX_ANSWER_MASTERS = 1000;

/** Ports of a master in an answer: it has one a ring. */
export const MAX_ANSWER_PORTS = 32;

/** Servers of one answer. A message has room for some 350 of the shortest. */
export const MAX_ANSWER_SERVERS = 512;

/** Removed servers of one answer. A message has room for some 5,500 of the shortest. */
export const MAX_ANSWER_REMOVED = 6000;

/**
 * Bytes of a server's settings as JSON, as masters pass them on: an old-style heartbeat of 4 KiB
 * has room for as much when JSON has to escape each of its characters.
 */
export const MAX_RECORD_SETTINGS_BYTES = 32_768;

/** Milliseconds that a server may have left to live: the longest `server-alive-timeout`. */
export const MAX_LEASE_MS = 86_400_000;

/** Masters of one message between masters: more than twice the largest network. */
export const MAX_MEMBERS = 256;

/** Characters of what a master calls itself, which is its DNS name unless it is told another. */
export const MAX_MASTER_NAME_CHARACTERS = 253;

/** Hashes of a digest. Each stands for its part of all that is replicated. */
export const DIGEST_BUCKETS = 256;

/** Characters of a program's version. */
export const MAX_PROGRAM_CHARACTERS = 64;

/** Latest time in milliseconds since 1970 that every database can hold: the end of year 9999. */
export const MAX_TIME_MS = 253_402_300_799_999;
