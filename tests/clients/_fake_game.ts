import { bytes, text } from "../_helpers.ts";

/** What Debian's netPanzer 0.8.7 answers, with a place for what differs from game to game. */
export function gameStatus(pairs: Readonly<Record<string, string>> = {}, more = ""): string {
  const values = {
    gamename: "netpanzer",
    protocol: "1122",
    hostname: "Bob's tanks",
    gameversion: "0.8.7",
    mapname: "Two clans",
    mapcycle: "Two clans, Bullet Hole",
    password: "n",
    numplayers: "0",
    maxplayers: "8",
    empty: "1",
    gamestyle: "Objective",
    units_per_player: "36",
    time: "0",
    timelimit: "30",
    fraglimit: "300",
    objectivelimit: "7",
    ...pairs,
  };
  return Object.entries(values).map(([key, value]) => `${key}\\${value}`).join("\\") +
    `${more}\\final\\`;
}

/** The UDP side of a game server; what it answers is changed as the test goes on. */
export class FakeGame implements AsyncDisposable {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #running = this.#run();
  /** Questions that came. */
  readonly questions: string[] = [];
  /** The answer to the next questions; none when undefined. */
  answer: string | undefined;
  /** How many of the next questions get lost. */
  lose = 0;

  constructor(answer?: string) {
    this.answer = answer;
  }

  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  /** Sends a datagram unasked. */
  async send(data: string, to: Deno.NetAddr): Promise<void> {
    await this.#socket.send(bytes(data), to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    for await (const [data, from] of this.#socket) {
      this.questions.push(text(data));
      if (this.lose > 0) this.lose--;
      else if (this.answer !== undefined) await this.#socket.send(bytes(this.answer), from);
    }
  }
}
