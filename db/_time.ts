/** `YYYY-MM-DD HH:MM:SS.mmm` in UTC, as both databases sort and people read it. */
export function toSqlTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("T", " ").slice(0, -1);
}

/** Milliseconds since 1970 of a text made by {@link toSqlTime}; NaN for any other text. */
export function fromSqlTime(text: string): number {
  return SQL_TIME.test(text) ? Date.parse(`${text.replace(" ", "T")}Z`) : NaN;
}

const SQL_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/;
