import type { SqlEngine } from "../../db/_engine.ts";
import type { DatabaseSettings } from "../../threads/mod.ts";

/** The schema of version 1, as the release that had it wrote it. */
const TABLES: Readonly<Record<DatabaseSettings["type"], readonly string[]>> = {
  sqlite: [
    `CREATE TABLE schema_version (
      one     INTEGER PRIMARY KEY,
      version INTEGER NOT NULL
    )`,
    `CREATE TABLE master_data (
      Number     INTEGER PRIMARY KEY AUTOINCREMENT,
      Name       TEXT NOT NULL,
      IP         TEXT NOT NULL,
      NetName    TEXT NOT NULL,
      last_seen  TEXT NOT NULL,
      config     TEXT NOT NULL,
      port       INTEGER NOT NULL,
      first_seen TEXT NOT NULL,
      state      TEXT NOT NULL,
      UNIQUE (IP, port),
      UNIQUE (first_seen, Number)
    )`,
    `CREATE TABLE server_data (
      Number     INTEGER PRIMARY KEY AUTOINCREMENT,
      Name       TEXT NOT NULL,
      IP         TEXT NOT NULL,
      NetName    TEXT NOT NULL,
      Country    TEXT NOT NULL,
      Admin      TEXT NOT NULL,
      config     TEXT NOT NULL,
      port       INTEGER NOT NULL,
      first_seen TEXT NOT NULL,
      last_seen  TEXT NOT NULL,
      state      TEXT NOT NULL,
      verified   INTEGER NOT NULL,
      UNIQUE (IP, port),
      UNIQUE (first_seen, Number)
    )`,
    `CREATE TABLE Client_data (
      Number     INTEGER PRIMARY KEY AUTOINCREMENT,
      User       TEXT NOT NULL,
      IP         TEXT NOT NULL,
      NetName    TEXT NOT NULL,
      Country    TEXT NOT NULL,
      config     TEXT NOT NULL,
      UNIQUE (User)
    )`,
    `CREATE TABLE server_history (
      server      BIGINT NOT NULL,
      at          BIGINT NOT NULL,
      step        INTEGER NOT NULL,
      players     DOUBLE PRECISION NOT NULL,
      peak        INTEGER NOT NULL,
      max_players INTEGER NOT NULL,
      map         TEXT NOT NULL,
      PRIMARY KEY (at, server)
    )`,
  ],
  mysql: [
    `CREATE TABLE schema_version (
      one     INTEGER PRIMARY KEY,
      version INTEGER NOT NULL
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
    `CREATE TABLE master_data (
      Number     BIGINT PRIMARY KEY AUTO_INCREMENT,
      Name       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      IP         VARCHAR(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      NetName    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      last_seen  VARCHAR(23) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      config     MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      port       INTEGER NOT NULL,
      first_seen VARCHAR(23) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      state      VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      UNIQUE (IP, port),
      UNIQUE (first_seen, Number)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
    `CREATE TABLE server_data (
      Number     BIGINT PRIMARY KEY AUTO_INCREMENT,
      Name       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      IP         VARCHAR(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      NetName    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      Country    VARCHAR(2) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      Admin      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      config     MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      port       INTEGER NOT NULL,
      first_seen VARCHAR(23) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      last_seen  VARCHAR(23) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      state      VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      verified   INTEGER NOT NULL,
      UNIQUE (IP, port),
      UNIQUE (first_seen, Number)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
    `CREATE TABLE Client_data (
      Number     BIGINT PRIMARY KEY AUTO_INCREMENT,
      User       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      IP         VARCHAR(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      NetName    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      Country    VARCHAR(2) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      config     MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      UNIQUE (User)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
    `CREATE TABLE server_history (
      server      BIGINT NOT NULL,
      at          BIGINT NOT NULL,
      step        INTEGER NOT NULL,
      players     DOUBLE PRECISION NOT NULL,
      peak        INTEGER NOT NULL,
      max_players INTEGER NOT NULL,
      map         VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      PRIMARY KEY (at, server)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  ],
};

const CONFIG = '{"gamename":"netpanzer","settings":{"gamename":"netpanzer","port":"3030"}}';
const MASTER_CONFIG = '{"gamename":"master","settings":{"gamename":"master","port":"28900"}}';
const CLIENT_CONFIG =
  '{"key":"k","first_seen":"2026-11-22T12:00:00.123Z","last_seen":"2026-11-22T12:00:00.123Z"}';
const SEEN = "2026-11-22 12:00:00.123";

/** Rows as that release left them: a master, a listed server, one that is gone, a player. */
const ROWS = [
  "INSERT INTO schema_version (one, version) VALUES (1, 1)",
  `INSERT INTO master_data
    (Number, Name, IP, NetName, last_seen, config, port, first_seen, state)
   VALUES (5, '', '10.0.0.9', '', '${SEEN}', '${MASTER_CONFIG}', 28900, '${SEEN}', 'listed')`,
  `INSERT INTO server_data (Number, Name, IP, NetName, Country, Admin, config, port, first_seen,
    last_seen, state, verified)
   VALUES
    (11, 'tanks', '10.0.0.1', '', 'FR', '', '${CONFIG}', 3030, '${SEEN}', '${SEEN}', 'listed', 1),
    (12, 'gone', '10.0.0.2', '', 'FR', '', '${CONFIG}', 3030, '${SEEN}', '${SEEN}', 'gone', 1)`,
  `INSERT INTO Client_data (Number, User, IP, NetName, Country, config)
   VALUES (21, 'Bob', '::1', '', 'FR', '${CLIENT_CONFIG}')`,
  "INSERT INTO server_history VALUES (11, 1795348800, 300, 2, 3, 8, 'Two clans')",
];

/** Makes a database of version 1, with a few rows. */
export async function makeFirstSchema(
  engine: SqlEngine,
  type: DatabaseSettings["type"],
): Promise<void> {
  for (const statement of [...TABLES[type], ...ROWS]) await engine.execute(statement);
}
