import assert from "node:assert/strict";
import { fromSqlTime, toSqlTime } from "../../db/_time.ts";

Deno.test("fromSqlTime: reads what toSqlTime writes", () => {
  const times = [0, 1, 999, Date.UTC(2024, 1, 29, 23, 59, 59, 999), Date.UTC(2026, 10, 22, 12)];
  for (const time of times) assert.equal(fromSqlTime(toSqlTime(time)), time);
  assert.equal(toSqlTime(Date.UTC(2026, 10, 22, 12, 0, 0, 123)), "2026-11-22 12:00:00.123");
  assert.equal(fromSqlTime("2026-11-22 12:00:00.123"), Date.UTC(2026, 10, 22, 12, 0, 0, 123));
});

Deno.test("fromSqlTime: any other text is no time", () => {
  const others = [
    "",
    "9999",
    "2026-11-22T12:00:00.123Z",
    "2026-11-22 12:00:00",
    "2026-11-22 12:00:00.1234",
    "2026-13-01 12:00:00.123",
    "2026-00-01 12:00:00.123",
    "2026-11-32 12:00:00.123",
    "2026-11-22 24:00:00.123",
    "2026-11-22 12:60:00.123",
    "2026-11-22 12:00:60.123",
    " 2026-11-22 12:00:00.123",
  ];
  for (const text of others) assert.equal(fromSqlTime(text), NaN, text);
});
