const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Longer times are told in one unit, or in two that follow each other. */
const TIME_UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
];

/** Bytes with two digits at least: `999 B`, `1.5 kB`, `12 MB`. */
export function formatBytes(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (Math.round(size) >= 1000 && unit < BYTE_UNITS.length - 1) {
    [size, unit] = [size / 1000, unit + 1];
  }
  // 9.96 has two digits already once it is rounded.
  const decimals = unit === 0 || size >= 9.95 ? 0 : 1;
  return `${size.toFixed(decimals)} ${BYTE_UNITS[unit]}`;
}

/** Seconds as `59s`, `12m`, `2h5m` or `3d4h`; none below zero. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const first = TIME_UNITS.findIndex(([, size]) => whole >= size);
  const [unit, size] = TIME_UNITS[first] ?? ["s", 1];
  const text = `${Math.floor(whole / size)}${unit}`;
  const [nextUnit, nextSize] = TIME_UNITS[first + 1] ?? ["", Infinity];
  const rest = Math.floor(whole % size / nextSize);
  // Nobody wants to know of seconds beside minutes.
  return rest === 0 || nextSize === 1 ? text : `${text}${rest}${nextUnit}`;
}

/** Milliseconds as `12 ms`, `1.5 s`, or as {@link formatDuration} from a minute on. */
export function formatMilliseconds(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  return ms < 59_950 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(Math.round(ms / 1000));
}
