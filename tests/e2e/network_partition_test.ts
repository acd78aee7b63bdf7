import { wrongClocks } from "./_clocks.ts";
import { crashes, oldState } from "./_crashes.ts";
import { endToEnd } from "./_needs.ts";
import { partition } from "./_partition.ts";
import { sideBySide } from "./_side_by_side.ts";

/** Milliseconds of the cut, and within which all agree after it. */
const CUT = { cutMs: 120_000, healMs: 60_000 } as const;

endToEnd(
  "network: masters that are cut off, killed, or have old states and wrong clocks agree in the end",
  ["links", "compiler"],
  () =>
    sideBySide({
      "a cut in which nobody dies": () =>
        partition({ name: "long timeout", aliveTimeout: 600, beatMs: 20_000, ...CUT }),
      "a cut in which each side gives up the other's": () =>
        partition({ name: "short timeout", aliveTimeout: 20, beatMs: 5000, ...CUT }),
      // Side by side with the cuts, and one after the other with each other.
      "masters that fail": async () => {
        await crashes();
        await oldState();
        await wrongClocks();
      },
    }),
);
