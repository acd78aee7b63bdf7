import { describeSection, describeUnknownKey } from "./_collect.ts";
import { removeIniKey, setIniValue } from "./_ini_edit.ts";
import type { IniDocument, IniEdit } from "./_ini_types.ts";
import { formatValue } from "./_format.ts";
import { CONFIG_KEYS, type ConfigKey, propertyOf, SECTION_NAMES, spellings } from "./_keys.ts";
import type { Config } from "./_types.ts";

/** Finds a key of master.ini in any of its spellings. */
export function findConfigKey(section: string, key: string): ConfigKey | undefined {
  return CONFIG_KEYS.find((row) => row.section === section && spellings(row).includes(key));
}

/**
 * The values of a key in a configuration, as master.ini would have them: none when the key has no
 * value, several only for a repeated key. A secret that is set gives `"…"` in place of its value.
 */
export function configValues(config: Config, key: ConfigKey): readonly string[] {
  const texts = formatValue(propertyOf(config, key));
  if (key.secret) return texts.map(() => "…");
  return key.repeats || texts.length < 2 ? texts : [texts.join(", ")];
}

/**
 * Sets a known key in a master.ini document, in whichever spelling it stands there, as
 * `setIniValue` does. The value is not checked: print the document and give it to `loadConfig`.
 *
 * @param value The value, or the values of a repeated key in order; none removes the key.
 */
export function setConfigValue(
  document: IniDocument,
  section: string,
  key: string,
  value: string | readonly string[],
): IniEdit {
  const known = findConfigKey(section, key);
  if (known === undefined) return { ok: false, message: describeMissing(section, key) };
  if (typeof value !== "string" && value.length > 1 && !known.repeats) {
    return { ok: false, message: `${known.key} takes one value, not ${value.length}` };
  }
  return setIniValue(document, known.section, spellings(known), value);
}

/** Removes a known key from a master.ini document, in all its spellings, as `removeIniKey` does. */
export function removeConfigValue(document: IniDocument, section: string, key: string): IniEdit {
  const known = findConfigKey(section, key);
  if (known === undefined) return { ok: false, message: describeMissing(section, key) };
  return { ok: true, document: removeIniKey(document, known.section, spellings(known)) };
}

function describeMissing(section: string, key: string): string {
  return (SECTION_NAMES as readonly string[]).includes(section)
    ? describeUnknownKey(section, key)
    : `unknown section ${describeSection(section)}`;
}
