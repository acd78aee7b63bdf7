import type { RingSettings, ThreadSettings } from "../threads/mod.ts";

/** The settings of a ring. */
export function ringSettings(settings: ThreadSettings): RingSettings {
  if (settings.kind !== "ring") throw new TypeError(`settings of a ${settings.kind} for a ring`);
  return settings.ring;
}
