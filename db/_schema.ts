/** Version of the schema this program reads and writes, kept in the file's `user_version`. */
export const SCHEMA_VERSION = 1;

/**
 * Steps from each version to the next. The table and its first seven columns are spelt as the
 * design of the network spells them; what follows is what an index or a restart needs.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE server_data (
    Number     INTEGER PRIMARY KEY AUTOINCREMENT,
    Name       TEXT NOT NULL,
    IP         TEXT NOT NULL,
    NetName    TEXT NOT NULL DEFAULT '',
    Country    TEXT NOT NULL DEFAULT '',
    Admin      TEXT NOT NULL DEFAULT '',
    config     TEXT NOT NULL,
    port       INTEGER NOT NULL,
    state      TEXT NOT NULL,
    verified   INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    UNIQUE (IP, port)
  ) STRICT;
  CREATE INDEX server_data_by_registration ON server_data (first_seen, Number)`,
];

/** A server that comes back keeps its Number. */
export const PUT_SERVER = `
  INSERT INTO server_data (Name, IP, port, config, state, verified, first_seen, last_seen)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (IP, port) DO UPDATE SET
    Name = CASE WHEN excluded.Name = '' THEN Name ELSE excluded.Name END,
    config = excluded.config, state = excluded.state,
    verified = max(verified, excluded.verified),
    first_seen = excluded.first_seen, last_seen = excluded.last_seen`;

/** Servers were heard of: a time, and a JSON array of [IP, port]. */
export const SEE_SERVERS = `
  UPDATE server_data SET last_seen = ? FROM json_each(?) AS seen
  WHERE IP = seen.value ->> 0 AND port = seen.value ->> 1`;

/** A server that was ever listed leaves a row behind, */
export const RETIRE_SERVER =
  "UPDATE server_data SET state = 'gone' WHERE IP = ? AND port = ? AND verified = 1";

/** and one that never was leaves nothing. */
export const FORGET_SERVER = "DELETE FROM server_data WHERE IP = ? AND port = ? AND verified = 0";

/**
 * A page of the servers that may still be alive, in order of registration. A Number alone does not
 * tell that order: a server that left and came back has registered anew under its old one.
 */
export const LOAD_SERVERS = `
  SELECT Number, IP, port, config, state, first_seen, last_seen FROM server_data
  WHERE state <> 'gone' AND last_seen > ? AND (first_seen, Number) > (?, ?)
  ORDER BY first_seen, Number LIMIT ?`;
