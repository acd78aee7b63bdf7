import type { SqlEngine } from "../../db/_engine.ts";
import { hlcAt } from "../../registry/mod.ts";
import type { DatabaseSettings } from "../../threads/mod.ts";
import { makeFirstSchema } from "./_first_schema.ts";
import { NOW, ORIGIN } from "./_records.ts";

const BINARY = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

/** What the release of version 2 made of the schema of version 1. */
const CHANGES: Readonly<Record<DatabaseSettings["type"], readonly string[]>> = {
  sqlite: [
    "ALTER TABLE master_data ADD COLUMN hlc BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE master_data ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE server_data ADD COLUMN hlc BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE server_data ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX server_data_gone ON server_data (state, hlc, origin) WHERE state = 'gone'",
    `CREATE TABLE server_names (
      name   TEXT PRIMARY KEY,
      owner  TEXT NOT NULL,
      hlc    BIGINT NOT NULL,
      origin TEXT NOT NULL
    )`,
  ],
  mysql: [
    "ALTER TABLE master_data ADD COLUMN hlc BIGINT NOT NULL DEFAULT 0",
    `ALTER TABLE master_data ADD COLUMN origin VARCHAR(16) ${BINARY} NOT NULL DEFAULT ''`,
    "ALTER TABLE server_data ADD COLUMN hlc BIGINT NOT NULL DEFAULT 0",
    `ALTER TABLE server_data ADD COLUMN origin VARCHAR(16) ${BINARY} NOT NULL DEFAULT ''`,
    "CREATE INDEX server_data_gone ON server_data (state, hlc, origin)",
    `CREATE TABLE server_names (
      name   VARCHAR(255) ${BINARY} PRIMARY KEY,
      owner  VARCHAR(44) ${BINARY} NOT NULL,
      hlc    BIGINT NOT NULL,
      origin VARCHAR(16) ${BINARY} NOT NULL
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  ],
};

/** Two servers with versions, the second of which has gone. */
const ROWS = [
  `INSERT INTO server_data (Number, Name, IP, NetName, Country, Admin, config, port, first_seen,
    last_seen, state, verified, hlc, origin)
   SELECT 13, Name, '10.0.0.3', NetName, Country, Admin, config, port, first_seen, last_seen,
    'listed', 1, ${hlcAt(NOW) + 3}, '${ORIGIN}' FROM server_data WHERE Number = 12`,
  `INSERT INTO server_data (Number, Name, IP, NetName, Country, Admin, config, port, first_seen,
    last_seen, state, verified, hlc, origin)
   SELECT 14, Name, '10.0.0.4', NetName, Country, Admin, config, port, first_seen, last_seen,
    'gone', 1, ${hlcAt(NOW) + 4}, '${ORIGIN}' FROM server_data WHERE Number = 12`,
  "UPDATE schema_version SET version = 2",
];

/** Makes a database of version 2, with the rows of version 1 and two more. */
export async function makeSecondSchema(
  engine: SqlEngine,
  type: DatabaseSettings["type"],
): Promise<void> {
  await makeFirstSchema(engine, type);
  for (const statement of [...CHANGES[type], ...ROWS]) await engine.execute(statement);
}
