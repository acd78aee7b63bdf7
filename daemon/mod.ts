/**
 * The daemon: configuration, registry, rings and database wired together, from start to stop.
 *
 * @module
 */

export * from "./daemon.ts";
export { escapeControls, LogFileError } from "./_log.ts";
export { PidFileError } from "./_pidfile.ts";
export { storeSettings } from "./_settings.ts";
