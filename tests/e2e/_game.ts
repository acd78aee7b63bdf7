import { NETPANZER } from "./_needs.ts";
import { soon } from "./_until.ts";

/** A real dedicated game server. Disposing of it kills it. */
export class Game {
  readonly #process: Deno.ChildProcess;
  #running = true;

  /**
   * Starts one that knows a master.
   *
   * @param home Folder for its files.
   * @param port Port that players connect to.
   * @param master Address of the master, which is on the port that is built into the game.
   */
  constructor(home: string, readonly port: number, master = "127.0.0.1") {
    const ownHome = `${home}/game-${port}`;
    Deno.mkdirSync(ownHome, { recursive: true });
    this.#process = new Deno.Command(NETPANZER, {
      args: ["-d", "-p", String(port), `--master_server=${master}`],
      env: { HOME: ownHome },
      // Kept open: with an ended input it reads its console in an endless loop.
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Ends it without a word to the master, as a crash or a lost line would. */
  async kill(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#process.kill("SIGKILL");
    await soon("the game server's end", this.#process.status);
    await this.#process.stdin.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
