import { canonicalAddress, isIpv6 } from "../protocol/mod.ts";
import type { BoundSocket } from "../threads/mod.ts";

/** Tries for a TCP port taken at random whose UDP twin is free too. */
const MAX_PAIR_TRIES = 20;

/** A TCP listener and a UDP socket on one port. */
export interface SocketPair {
  readonly tcp: Deno.TcpListener;
  readonly udp: Deno.DatagramConn;
}

/** Where to listen, and which key of master.ini says so. */
export interface ListenOptions {
  /** IP address, or `*` for every interface. */
  readonly address: string;
  /** Port; 0 takes any free one. */
  readonly port: number;
  /** Key of master.ini, named in errors. */
  readonly key: string;
}

function listenError(transport: string, options: ListenOptions, error: unknown): Error {
  const where = `${transport} port ${options.port} on ${options.address}`;
  if (error instanceof Deno.errors.AddrInUse) {
    return new Error(
      `${where} is in use: stop the program that has it, or set ${options.key} to another port or off`,
      { cause: error },
    );
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new Error(
      `${where} may not be opened by this user: set ${options.key} to a port above 1023`,
      { cause: error },
    );
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return new Error(
      `${where}: this machine has no such address, set [network] adress to one it has or to *`,
      { cause: error },
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(`${where} cannot be opened: ${reason}`, { cause: error });
}

/** `*` is the IPv6 wildcard, which takes IPv4 too, or the IPv4 one where there is no IPv6. */
function onAddress<T>(address: string, open: (hostname: string) => T): T {
  if (address !== "*") return open(address);
  try {
    return open("::");
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return open("0.0.0.0");
  }
}

/**
 * Opens a TCP port.
 *
 * @throws An Error that names the port and the key to change.
 */
export function listenTcp(options: ListenOptions): Deno.TcpListener {
  try {
    return onAddress(options.address, (hostname) => Deno.listen({ hostname, port: options.port }));
  } catch (error) {
    throw listenError("TCP", options, error);
  }
}

/**
 * Opens a UDP port.
 *
 * @throws An Error that names the port and the key to change.
 */
export function listenUdp(options: ListenOptions): Deno.DatagramConn {
  try {
    return onAddress(
      options.address,
      (hostname) => Deno.listenDatagram({ transport: "udp", hostname, port: options.port }),
    );
  } catch (error) {
    throw listenError("UDP", options, error);
  }
}

/**
 * Opens TCP and UDP on one port.
 *
 * @throws An Error that names the port and the key to change.
 */
export function listenPair(options: ListenOptions): SocketPair {
  for (let attempt = 1;; attempt++) {
    const tcp = listenTcp(options);
    try {
      return { tcp, udp: listenUdp({ ...options, port: tcp.addr.port }) };
    } catch (error) {
      tcp.close();
      if (options.port !== 0 || attempt >= MAX_PAIR_TRIES) throw error;
    }
  }
}

/** How a socket that takes both families spells the beginning of an IPv4 address. */
const MAPPED_IPV4 = "::ffff:";

/**
 * Canonical address of a socket's end. What the system says of IPv4 is canonical but for that
 * beginning, and parsing it for every connection would cost a tenth of answering a list.
 */
export function socketAddress({ hostname }: Deno.NetAddr): string {
  if (!isIpv6(hostname)) return hostname;
  return hostname.startsWith(MAPPED_IPV4) && hostname.includes(".")
    ? hostname.slice(MAPPED_IPV4.length)
    : canonicalAddress(hostname) ?? hostname;
}

/** What a socket is bound to. */
export function boundSocket(socket: Deno.TcpListener | Deno.DatagramConn): BoundSocket {
  const { hostname, port, transport } = socket.addr as Deno.NetAddr;
  return { transport, address: hostname, port };
}

/** What a pair is bound to. */
export function boundSockets({ tcp, udp }: SocketPair): BoundSocket[] {
  return [boundSocket(tcp), boundSocket(udp)];
}
