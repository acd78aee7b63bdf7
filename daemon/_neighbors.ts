import { type IniDocument, parseIni } from "../config/mod.ts";
import { canonicalAddress, formatEndpoint, parsePort } from "../protocol/mod.ts";
import type { HostPort } from "../threads/mod.ts";
import { replaceFile } from "./_replace_file.ts";

/** Masters that are kept; a network has about a hundred at most. */
const MAX_NEIGHBORS = 256;

/** Bytes of a file that is read: many times what is written. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Problems that are told one by one: a file of something else would fill the log. */
const MAX_PROBLEMS = 10;

/** Characters of a value that a problem quotes. */
const MAX_QUOTED = 64;

/** Everyone may know the masters. */
const FILE_MODE = 0o644;

const SECTION = "neighbors";

/** RFC 1035, section 2.3.4, less the length octets: the longest name that can be asked for. */
const MAX_HOST_CHARACTERS = 253;

/** Letters, digits and inner hyphens; `_` too, as container networks have it in names. */
const HOST_NAME =
  /^(?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?\.)*[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?$/;

/** Addresses that are nobody's in particular. */
const UNSPECIFIED = new Set(["0.0.0.0", "::"]);

/** What is known of the masters of an earlier run. */
export interface Neighbors {
  /** Where their ring 0 is, in the file's order, none twice. */
  readonly neighbors: HostPort[];
  /** What could not be read, for the operator. */
  readonly problems: string[];
}

/** An address as its canonical text, a name in lower case; undefined when it is neither. */
function readHost(text: string): string | undefined {
  const address = canonicalAddress(/^\[(.*)\]$/.exec(text)?.[1] ?? text);
  if (address !== undefined) return UNSPECIFIED.has(address) ? undefined : address;
  const name = text.toLowerCase().replace(/\.$/, "");
  // A name that ends in a number is an IPv4 address gone wrong.
  const isName = name.length <= MAX_HOST_CHARACTERS && HOST_NAME.test(name) &&
    !/(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(name);
  return isName ? name : undefined;
}

function quote(text: string): string {
  const shown = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return `"${shown.toWellFormed().replaceAll(/\p{Cc}/gu, "?")}"`;
}

/** What is wrong with a line. */
interface LineProblem {
  readonly line: number;
  readonly text: string;
}

/** A value, and where it stands. */
interface Field {
  readonly value: string;
  readonly line: number;
}

/** Hosts and ports by their number, as it is written. */
interface Fields {
  readonly ip: Map<string, Field>;
  readonly port: Map<string, Field>;
}

/** The keys of the one section that counts. */
function collect({ entries }: IniDocument, problems: LineProblem[]): Fields {
  const fields: Fields = { ip: new Map(), port: new Map() };
  for (const { section, key, value, line } of entries) {
    if (section.toLowerCase() !== SECTION) continue;
    const [, kind, number = ""] = /^(ip|port)(\d{1,9})$/.exec(key.toLowerCase()) ?? [];
    if (kind !== "ip" && kind !== "port") {
      const text = `${quote(key)} is no key of this file; write ip0 = HOST and port0 = PORT`;
      problems.push({ line, text });
      continue;
    }
    const first = fields[kind].get(number);
    if (!first) fields[kind].set(number, { value, line });
    else {
      const text = `${quote(key)} is in line ${first.line} already; give it another number`;
      problems.push({ line, text });
    }
  }
  return fields;
}

/** One master; undefined, with the reasons among the problems, when it makes no sense. */
function join(
  number: string,
  ip: Field,
  port: Field | undefined,
  problems: LineProblem[],
): HostPort | undefined {
  const host = readHost(ip.value);
  const portNumber = parsePort(port?.value);
  if (host === undefined) {
    const text = `ip${number} = ${quote(ip.value)} is neither a host name nor an address of a host`;
    problems.push({ line: ip.line, text: `${text}; correct or remove the line` });
  }
  if (port === undefined) {
    const text = `ip${number} has no port${number}; write port${number} = 6060, or its mmport`;
    problems.push({ line: ip.line, text });
  } else if (portNumber === undefined) {
    const text = `port${number} = ${quote(port.value)} is no port; write one from 1 to 65535`;
    problems.push({ line: port.line, text });
  }
  return host === undefined || portNumber === undefined ? undefined : { host, port: portNumber };
}

/** The masters of a file's text. */
function parse(text: string, path: string): Neighbors {
  const { document, problems: syntax } = parseIni(text, path);
  const sectionAt = (line: number): string | undefined =>
    document.sections.findLast((section) => section.line <= line)?.name.toLowerCase();
  const problems: LineProblem[] = syntax.filter(({ line }) => sectionAt(line) === SECTION)
    // The parser speaks of the file that it was made for.
    .map(({ line, message }) => ({ line, text: message.replace("master.ini", "this file") }));
  const fields = collect(document, problems);
  const neighbors = new Map<string, HostPort>();
  for (const [number, ip] of fields.ip) {
    const neighbor = join(number, ip, fields.port.get(number), problems);
    if (!neighbor) continue;
    const id = formatEndpoint(neighbor.host, neighbor.port);
    if (neighbors.size === MAX_NEIGHBORS && !neighbors.has(id)) {
      const text = `there are more than ${MAX_NEIGHBORS} masters; the rest is left out`;
      problems.push({ line: ip.line, text });
      break;
    }
    neighbors.set(id, neighbor);
  }
  for (const [number, { line }] of fields.port) {
    if (fields.ip.has(number)) continue;
    const text = `port${number} has no ip${number}; write ip${number} = HOST, or remove the line`;
    problems.push({ line, text });
  }
  return { neighbors: [...neighbors.values()], problems: summary(problems, path) };
}

function summary(problems: readonly LineProblem[], path: string): string[] {
  const told = problems.toSorted((a, b) => a.line - b.line).slice(0, MAX_PROBLEMS)
    .map(({ line, text }) => `${path}:${line}: ${text}`);
  const more = problems.length - told.length;
  if (more > 0) told.push(`${path}: ${more} more such problems; correct the file or remove it`);
  return told;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The file's text; undefined when there is no file. */
function readText(path: string): string | undefined {
  try {
    const { isFile, size } = Deno.statSync(path);
    // Opening a pipe would wait for someone to write to it.
    if (!isFile) throw new Error("it is no file");
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, which no such list has`);
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Reads the masters known from an earlier run, or written by hand.
 *
 * ```ini
 * [neighbors]
 * ip0=192.0.2.1
 * port0=6060
 * ```
 *
 * Entries that make no sense are left out and told; that there is no file is no problem.
 */
export function readNeighbors(path: string): Neighbors {
  try {
    return parse(readText(path) ?? "", path);
  } catch (error) {
    const problem = `cannot read the masters known from before in ${path}: ${reasonOf(error)}. ` +
      "Let this user read the file, or set [system] servercachefile to another place";
    return { neighbors: [], problems: [problem] };
  }
}

function format(neighbors: readonly HostPort[]): string {
  const known = new Map<string, HostPort>();
  for (const { host, port } of neighbors) {
    // What other masters say of themselves is not trusted to be a host.
    const readable = readHost(host);
    if (readable === undefined || parsePort(String(port)) === undefined) continue;
    known.set(formatEndpoint(readable, port), { host: readable, port });
    if (known.size >= MAX_NEIGHBORS) break;
  }
  const entries = [...known.values()].map(({ host, port }, i) =>
    `ip${i}=${host}\nport${i}=${port}\n`
  );
  return `[${SECTION}]\n${entries.join("")}`;
}

function isWritten(path: string, text: string): boolean {
  try {
    return readText(path) === text;
  } catch {
    // Whatever is wrong with it, writing tells it better.
    return false;
  }
}

/**
 * Writes the masters that are known, the first 256 of them, for the next start.
 *
 * @returns What went wrong, for the operator; undefined when the file is as it should be.
 */
export function writeNeighbors(path: string, neighbors: readonly HostPort[]): string | undefined {
  const text = format(neighbors);
  if (isWritten(path, text)) return undefined;
  try {
    replaceFile(path, text, FILE_MODE);
    return undefined;
  } catch (error) {
    return `cannot write the known masters to ${path}: ${reasonOf(error)}. Let this user write ` +
      "there, or set [system] servercachefile to another place";
  }
}
