import { ask } from "./_peers.ts";

// A Worker of its own: what is measured must not wait for what the test does meanwhile.

/** Milliseconds between two lists. */
const LOOK_MS = 10;

const worker = self as unknown as {
  onmessage: ((event: MessageEvent<{ readonly port?: number }>) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
};

let running = true;

async function watch(port: number): Promise<void> {
  const times: number[] = [];
  let wrong: string | undefined;
  while (running) {
    const started = performance.now();
    try {
      const list = await ask(port, "\\list\\gamename\\netpanzer\\final\\");
      if (!list.endsWith("\\final\\")) wrong = list;
    } catch (error) {
      wrong = String(error);
    }
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  worker.postMessage({ times, wrong });
  worker.close();
}

worker.onmessage = ({ data }) => {
  if (data.port === undefined) running = false;
  else void watch(data.port);
};
worker.postMessage("ready");
