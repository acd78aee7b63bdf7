import type { Problem } from "./_types.ts";

/** One `key = value` of an INI document. Offsets are UTF-16 code units into the text. */
export interface IniEntry {
  /** Name of the section it stands in; `""` when it stands before any. */
  readonly section: string;
  /** The key as it is written, without the white space around it. */
  readonly key: string;
  /** The value without quotes, escapes resolved; unquoted values without edge white space. */
  readonly value: string;
  /** Whether the value is written in quotes. */
  readonly quoted: boolean;
  /** Line, from 1. */
  readonly line: number;
  /** Column of the key, from 1. */
  readonly column: number;
  /** Column of the value as it is written (or of where it would be), from 1. */
  readonly valueColumn: number;
  /** Offset of the key. */
  readonly start: number;
  /** Offset of the value as it is written, quotes included. */
  readonly valueStart: number;
  /** Offset after the value as it is written. */
  readonly valueEnd: number;
  /** Offset after the statement, its `;` included. */
  readonly end: number;
}

/** One `[section]` line of an INI document; it always is the first thing on its line. */
export interface IniSection {
  /** The name between the brackets, without the white space around it. */
  readonly name: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column of the `[`, from 1. */
  readonly column: number;
}

/** Where one line lies in the text. */
export interface IniLine {
  /** Offset of its first character (after a byte order mark on line 1). */
  readonly start: number;
  /** Offset after its last character, the line end (`\n`, `\r\n`) left out. */
  readonly end: number;
  /** Offset of the next line's first character; the text's length on the last line. */
  readonly next: number;
  /** Offset of the `#` that starts its comment, or undefined. */
  readonly comment: number | undefined;
}

/** A parsed INI text. It keeps the text itself, so that it prints back byte for byte. */
export interface IniDocument {
  /** Name used in problems. */
  readonly fileName: string;
  /** The whole text, as given to {@linkcode parseIni}. */
  readonly text: string;
  /** Its lines, in order; there is always at least one. */
  readonly lines: readonly IniLine[];
  /** Its section headers, in order. */
  readonly sections: readonly IniSection[];
  /** Its entries, in order. */
  readonly entries: readonly IniEntry[];
}

/** What {@linkcode parseIni} gives: the document, and what is wrong with its syntax. */
export interface IniParse {
  /** Everything that could be read. */
  readonly document: IniDocument;
  /** Syntax errors and warnings in the text's order. They never quote a value. */
  readonly problems: readonly Problem[];
}

/** What an edit gives: the changed document, or why the value can't be written. */
export type IniEdit =
  | { readonly ok: true; readonly document: IniDocument }
  | { readonly ok: false; readonly message: string };
