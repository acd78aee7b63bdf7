import { formatValue } from "./_format.ts";
import { deepFreeze } from "./_load.ts";
import { type ConfigKey, KEY_ROWS, propertyOf } from "./_keys.ts";
import type { Config, SectionName } from "./_types.ts";

/** One key whose value differs between two configurations. */
export interface ConfigChange {
  /** Its section. */
  readonly section: SectionName;
  /** The key as master.ini spells it. */
  readonly key: string;
  /** Whether the new value waits for the next start. */
  readonly needsRestart: boolean;
  /** Whether it is a secret; then neither value is here. */
  readonly secret: boolean;
  /** The old value as master.ini would have it; left out when there was none. */
  readonly before?: string;
  /** The new value as master.ini would have it; left out when there is none. */
  readonly after?: string;
}

/** What a reload comes to. */
export interface ReloadPlan {
  /** What to go on with: new values where a reload applies them, the running ones elsewhere. */
  readonly config: Config;
  /** Changes that `config` holds. */
  readonly applied: readonly ConfigChange[];
  /** Changes that wait for the next start; they come up again at every reload until then. */
  readonly waiting: readonly ConfigChange[];
}

/** Lists the keys whose values differ, in the order of the sample file. */
export function changesBetween(before: Config, after: Config): readonly ConfigChange[] {
  return KEY_ROWS.flatMap((row) => {
    const [old, now] = [textOf(before, row), textOf(after, row)];
    if (old === now) return [];
    const { section, key, needsRestart, secret } = row;
    const change: ConfigChange = {
      section,
      key,
      needsRestart,
      secret,
      ...(secret || old === undefined ? {} : { before: old }),
      ...(secret || now === undefined ? {} : { after: now }),
    };
    return [Object.freeze(change)];
  });
}

/**
 * Works out what a reload (SIGHUP) does.
 *
 * @param running The configuration in use.
 * @param loaded The configuration just read.
 */
export function planReload(running: Config, loaded: Config): ReloadPlan {
  const changes = changesBetween(running, loaded);
  const sections: Record<string, Record<string, unknown>> = {};
  for (const row of KEY_ROWS) {
    const section = sections[row.section] ??= {};
    section[row.property] = propertyOf(row.needsRestart ? running : loaded, row);
  }
  return {
    // Every property was copied from a Config, by the table that has them all.
    config: deepFreeze(sections as unknown as Config),
    applied: changes.filter((change) => !change.needsRestart),
    waiting: changes.filter((change) => change.needsRestart),
  };
}

function textOf(config: Config, key: ConfigKey): string | undefined {
  const texts = formatValue(propertyOf(config, key));
  return texts.length === 0 ? undefined : texts.join(", ");
}
