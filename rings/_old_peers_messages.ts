const encoder = new TextEncoder();

/** Token that ends a message, so that no value can be it. */
const FINAL = "final";

/** Whether a password can be sent in the old style. */
export function isSendable(password: string): boolean {
  return password !== "" && password !== FINAL && !password.includes("\\");
}

/** What a master says of itself, again and again, to be listed as one. */
export function encodeMasterHeartbeat(port: number, password: string): Uint8Array {
  return encoder.encode(
    `\\heartbeat\\port\\${port}\\gamename\\master\\password\\${password}\\final\\`,
  );
}

/** What a master says when it stops. Older programs want all of it, others the port alone. */
export function encodeMasterQuit(port: number, password: string): Uint8Array {
  return encoder.encode(`\\quit\\gamename\\master\\password\\${password}\\port\\${port}\\final\\`);
}
