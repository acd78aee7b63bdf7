/** Exit statuses, named and numbered as in sysexits.h. */
export const EXIT = {
  OK: 0,
  /** Something the program's authors did not foresee. */
  SOFTWARE: 70,
  /** The command line is wrong. */
  USAGE: 64,
  /** A file that is needed cannot be read. */
  NO_INPUT: 66,
  /** A host name is unknown. */
  NO_HOST: 68,
  /** A service cannot be had: no ring could start, a master does not answer. */
  UNAVAILABLE: 69,
  /** A file cannot be written. */
  CANT_CREATE: 73,
  /** What was handed in makes no sense. */
  DATA: 65,
  /** Another one is running; later it may work. */
  TEMP_FAIL: 75,
  /** The other side does not speak the protocol, or refused. */
  PROTOCOL: 76,
  /** master.ini is wrong. */
  CONFIG: 78,
} as const;

/** An end of the program that was foreseen: a text for the user and a status for the shell. */
export class Exit extends Error {
  override readonly name = "Exit";

  constructor(readonly status: number, message: string) {
    super(message);
  }
}
