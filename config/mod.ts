/**
 * master.ini: its text parsed without loss, checked against one table of keys, and turned into a
 * frozen configuration; and the same text edited with its comments and its spacing kept.
 *
 * Pure: the caller reads and writes the file, and says what the home directory and the host's name
 * are.
 *
 * @module
 */

export { type ConfigSource, loadConfig, type LoadedConfig } from "./_load.ts";
export { formatProblem } from "./_messages.ts";
export { changesBetween, type ConfigChange, planReload, type ReloadPlan } from "./_changes.ts";
export { configValues, findConfigKey, removeConfigValue, setConfigValue } from "./_config_edit.ts";
export { CONFIG_KEYS, type ConfigKey, SECTION_NAMES } from "./_keys.ts";
export type { KindName } from "./_kinds.ts";
export { parseIni, printIni } from "./_ini.ts";
export { readIniValues, removeIniKey, setIniValue } from "./_ini_edit.ts";
export type {
  IniDocument,
  IniEdit,
  IniEntry,
  IniLine,
  IniParse,
  IniSection,
} from "./_ini_types.ts";
export type {
  Config,
  ConfigEnvironment,
  ConsoleConfig,
  DatabaseConfig,
  DatabaseNode,
  DatabaseType,
  GameConfig,
  HostPort,
  LogLevel,
  MastersConfig,
  NetworkConfig,
  Port,
  Problem,
  RunAsUser,
  SectionName,
  SystemConfig,
} from "./_types.ts";
