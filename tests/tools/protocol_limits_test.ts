/**
 * The limits and times that docs/protocol.md tells are those of the code. Most of them are private
 * to their file, so they are read from its text.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  MAX_ADMIN_CHARACTERS,
  MAX_ANSWER_MASTERS,
  MAX_ANSWER_NAME_CHARACTERS,
  MAX_ANSWER_REMOVED,
  MAX_ANSWER_SECONDS,
  MAX_ANSWER_SERVERS,
  MAX_ANSWER_SETTINGS,
  MAX_ANSWER_TEXT_CHARACTERS,
  MAX_CHANNEL_MESSAGE_BYTES,
  MAX_COUNT,
  MAX_CURSOR_CHARACTERS,
  MAX_FILTER_PAIRS,
  MAX_GAME_PROTOCOL,
  MAX_GAMENAME_CHARACTERS,
  MAX_HOST_CHARACTERS,
  MAX_MAP_CHARACTERS,
  MAX_NAME_CHARACTERS,
  MAX_PLAYER_NAME_CHARACTERS,
  MAX_ROSTER,
  MAX_SETTING_KEY_CHARACTERS,
  MAX_SETTING_VALUE_CHARACTERS,
  MAX_SETTINGS,
  MAX_SETTINGS_BYTES,
  MAX_USER_CHARACTERS,
} from "../../protocol/mod.ts";
import { ROOT } from "../../tools/_project.ts";
import { page, table } from "./_protocol_pages.ts";

const PROTOCOL = page("protocol.md");

/** A number with commas, as the page has it. */
function number(value: number): string {
  return value.toLocaleString("en-US");
}

function seconds(milliseconds: number): string {
  return `${number(milliseconds / 1000)} s`;
}

/** Files of ring 0, whose limits are told on a page of their own. */
const RING_0 = /^rings\/(?:ring_0|_mesh_)/;

/** What the files of a folder, or one file, set a constant or a member of one to. */
function constant(place: string, name: string, member?: string): number {
  const files = place.endsWith(".ts")
    ? [place]
    : [...Deno.readDirSync(`${ROOT}/${place}`)].map((file) => `${place}/${file.name}`)
      .filter((file) => !RING_0.test(file));
  const set = new RegExp(`^(?:export )?const ${name}(?:: \\w+)? = ([^;]*);`, "m");
  const found = files.flatMap((file) =>
    set.exec(Deno.readTextFileSync(`${ROOT}/${file}`))?.[1] ?? []
  );
  assert.equal(found.length, 1, `${place} sets ${name} ${found.length} times: correct this test`);
  const value = member === undefined
    ? found[0]
    : new RegExp(`${member}: ([0-9_.]+(?: / [0-9_]+)?)`).exec(found[0] ?? "")?.[1];
  assert.match(value ?? "", /^[0-9_.]+( [*/] [0-9_]+)*$/, `${name} of ${place} is no number`);
  const [first, ...rest] = (value ?? "").replaceAll("_", "").split(" ");
  let result = Number(first);
  for (let i = 0; i < rest.length; i += 2) {
    result = rest[i] === "*" ? result * Number(rest[i + 1]) : result / Number(rest[i + 1]);
  }
  return result;
}

/** What a setting has when nobody sets it. */
function setting(key: string): number {
  const text = Deno.readTextFileSync(`${ROOT}/master.ini`);
  return Number(new RegExp(`^ *${key} = ([0-9]+);`, "m").exec(text)?.[1] ?? assert.fail(key));
}

function check(firstCell: string, expected: Readonly<Record<string, string>>): void {
  const rows = table(PROTOCOL, firstCell) ?? assert.fail(`no table that begins with ${firstCell}`);
  assert.deepEqual(Object.fromEntries(rows), expected);
}

Deno.test("protocol.md: limits of requests are those of the decoders", () => {
  const characters = (least: number, most: number): string => `${least} to ${most} characters`;
  check("of a request", {
    "a message": `${number(MAX_CHANNEL_MESSAGE_BYTES)} bytes`,
    "`gamename`": `${characters(1, MAX_GAMENAME_CHARACTERS)}, no \`\\\`, not \`master\``,
    "`name` of a server": characters(1, MAX_NAME_CHARACTERS),
    "`user`": characters(1, MAX_USER_CHARACTERS),
    "`name` of a player": `${characters(0, MAX_PLAYER_NAME_CHARACTERS)}, no control characters`,
    "`map`": `${characters(0, MAX_MAP_CHARACTERS)}, no control characters`,
    "`admin`": `${characters(0, MAX_ADMIN_CHARACTERS)}, no control characters`,
    "`netname`": `a DNS name of at most ${MAX_HOST_CHARACTERS} characters`,
    "`settings`": `${MAX_SETTINGS} pairs, ${number(MAX_SETTINGS_BYTES)} bytes as JSON`,
    "key of a setting": `${characters(1, MAX_SETTING_KEY_CHARACTERS)}, no \`\\\``,
    "value of a setting": `a text of ${characters(0, MAX_SETTING_VALUE_CHARACTERS)}, no \`\\\``,
    "`roster`": `${MAX_ROSTER} players`,
    "`players`, `max_players`": `0 to ${number(MAX_COUNT)}`,
    "`kills`, `deaths`, `points`": `-${number(MAX_COUNT)} to ${number(MAX_COUNT)}`,
    "`protocol`": `0 to ${number(MAX_GAME_PROTOCOL)}`,
    "`filter`": `${MAX_FILTER_PAIRS} pairs`,
    "key of a filter": characters(1, MAX_SETTING_KEY_CHARACTERS),
    "value of a filter": `a text of ${
      characters(0, MAX_SETTING_VALUE_CHARACTERS)
    }, a number, \`true\` or \`false\``,
    "`since`": `${number(MAX_CURSOR_CHARACTERS)} characters`,
  });
});

Deno.test("protocol.md: limits of answers are those of the decoders", () => {
  check("of an answer", {
    "a message": `${number(MAX_CHANNEL_MESSAGE_BYTES)} bytes`,
    "servers of one message": number(MAX_ANSWER_SERVERS),
    "removed servers of one message": number(MAX_ANSWER_REMOVED),
    "masters": number(MAX_ANSWER_MASTERS),
    "settings of a server": number(MAX_ANSWER_SETTINGS),
    "names, maps, keys and values": `${MAX_ANSWER_NAME_CHARACTERS} characters`,
    "texts for people": `${number(MAX_ANSWER_TEXT_CHARACTERS)} characters`,
    "`interval`, `retry_after`": `${number(MAX_ANSWER_SECONDS)} s`,
  });
});

Deno.test("protocol.md: limits of an address and of a ring are those of the rings", () => {
  const rate = (name: string): string => {
    const perSecond = constant("rings", name, "perSecond");
    const often = perSecond < 1
      ? `one every ${Math.round(1 / perSecond)} s`
      : `${perSecond} a second`;
    return `${constant("rings", name, "burst")} at once, then ${often}`;
  };
  check("of one address (IPv6: one /64)", {
    "connections to a ring at a time": `the greater of ${
      setting("connection-limit")
    } (\`connection-limit\`) and ${setting("servers-per-address")} (\`servers-per-address\`)`,
    "handshakes with a ring": rate("HANDSHAKES"),
    "messages to a ring, all its connections together": rate("MESSAGES"),
    "messages over that until a connection is closed": number(constant("rings", "MAX_IGNORED")),
    "of these `list`, `subscribe` and `whois`": rate("COSTLY_REQUESTS"),
    "logins": rate("LOGINS"),
    "of these under names that are new to the address": rate("NEW_NAMES"),
    "game servers": `${setting("servers-per-address")} (\`servers-per-address\`)`,
    "new names that game servers are listed under": `${
      constant("registry", "NAMES_AT_ONCE")
    } at once, then one every ${seconds(constant("registry", "NAME_INTERVAL_MS"))}`,
  });
  check("of one game server", { "changes": rate("CHANGES") });
  assert.match(PROTOCOL, new RegExp(`the last ${constant("rings", "MAX_NAMES")} that it has`));
  assert.match(
    PROTOCOL,
    new RegExp(`than ${constant("rings", "MAX_TURNED_AWAY")} connections too`),
  );
  assert.match(PROTOCOL, new RegExp(`takes over at most ${constant("rings", "MAX_UNKNOWN")}`));
  check("of a ring", {
    "connections at a time": number(constant("rings", "MAX_CONNECTIONS")),
    "bytes that wait for one client to read them": number(
      constant("rings", "MAX_WAITING_BYTES"),
    ),
  });
});

Deno.test("protocol.md: times of a master are those of the rings and the registry", () => {
  const challenges = 1 + constant("registry", "CHALLENGE_RETRIES");
  const apart = seconds(constant("registry", "CHALLENGE_INTERVAL_MS"));
  assert.equal(constant("rings", "REPORTS_PER_LIFE"), 3);
  check("of a master", {
    "it closes a connection whose handshake is not done after": `${
      seconds(constant("rings", "HANDSHAKE_MS"))
    }, or \`client-request-timeout\` if less`,
    "ring 1 closes a connection on which nothing is registered after": `${
      seconds(constant("rings", "UNREGISTERED_MS"))
    }, or ${constant("rings", "UNREGISTERED_REQUESTS")} times \`client-request-timeout\` if less`,
    "it sends `ping` when the other side was silent for": `${
      seconds(constant("rings", "PING_MS"))
    }, looked at every ${seconds(constant("rings", "PING_SWEEP_MS"))}`,
    "it closes a connection whose other side was silent for": seconds(
      constant("rings", "SILENCE_MS"),
    ),
    "`interval` of reports": `${
      constant("rings", "REPORT_INTERVAL_S")
    } s, or a third of \`server-alive-timeout\``,
    "an entry whose server says nothing is gone after": `${
      setting("server-alive-timeout")
    } s (\`server-alive-timeout\`)`,
    "its address and port are kept for its key": `${
      seconds(constant("registry", "OWNER_GRACE_MS"))
    } after its last word`,
    "UDP challenges": `${challenges}, one every ${apart}`,
    "`unreachable` after a challenge in vain": seconds(
      constant("rings", "UNREACHABLE_MS"),
    ),
    "`retry_after` of `too_many` servers or names": `${constant("rings", "LIMIT_RETRY_S")} s`,
    "`retry_after` of `too_many` connections": `${constant("rings", "CONNECTIONS_RETRY_S")} s`,
    "`retry_after` of `shutting_down`": `${constant("rings", "RESTART_S")} s`,
    "`busy` when the database does not answer for": seconds(
      constant("rings", "PATIENCE_MS"),
    ),
    "`retry_after` of `busy`": `${constant("rings", "RETRY_S")} s`,
    "batches of a subscription": `${constant("rings", "ROUND_MS")} ms apart, ${
      constant("rings/_subscriptions.ts", "GATHER_MS")
    } ms after the first change`,
    "a cursor is good for changes, at least": `${
      constant("registry", "TOMBSTONE_TIMEOUTS")
    } times \`server-alive-timeout\``,
    "`last_seen` of a list may be late by": seconds(
      constant("rings", "MAX_HEARD_LATENESS_MS"),
    ),
  });
});

Deno.test("protocol.md: how long a frame is that counts as a sign of life is told", () => {
  const told = /a frame of ([0-9,]+)\s+bytes or more/.exec(PROTOCOL)?.[1];
  assert.equal(told, number(constant("rings", "BULK_BYTES")));
});

Deno.test("protocol.md: times of clients are those of the clients", () => {
  const most = seconds(constant("clients", "MAX_BACK_OFF_MS"));
  const first = seconds(constant("clients", "FIRST_BACK_OFF_MS"));
  check("of the clients that come with this program", {
    "connecting and the handshake take at most": seconds(
      constant("clients", "CONNECT_TIMEOUT_MS"),
    ),
    "an answer takes at most": seconds(constant("clients", "ANSWER_TIMEOUT_MS")),
    "they send `ping` when the master was silent for": seconds(
      constant("clients", "PING_AFTER_MS"),
    ),
    "they give a master up that was silent for": seconds(
      constant("clients", "DEAD_AFTER_MS"),
    ),
    "they back off for": `${first}, doubled up to ${most}, by chance below that`,
    "they try again what is refused for good after": seconds(
      constant("clients", "REFUSED_RETRY_MS"),
    ),
    "they wait for the answer to `bye`": seconds(
      constant("clients", "BYE_TIMEOUT_MS"),
    ),
    "between two reports are at least": seconds(constant("clients", "MIN_GAP_MS")),
  });
});
