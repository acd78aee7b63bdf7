/** Between two columns of a table. */
const GAP = "  ";

/** What stands for the rest of a text that had to be cut. */
const CUT = "…";

/**
 * What a terminal draws two cells wide, as far as a script or a block tells: East Asian writing and
 * pictures. Half-width forms of the same scripts are left out.
 */
const WIDE =
  /^(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\u3000-\u303e\u30fb\u30fc\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/u;

/** Asks for the coloured, two cells wide form of what stands before it. */
const EMOJI_VARIATION = "\ufe0f";

/** What takes no cell of its own. */
const ZERO_WIDTH = /^[\p{M}\p{Cf}\u115f-\u11ff]+$/u;

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

function graphemeWidth(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) || grapheme.includes(EMOJI_VARIATION) ? 2 : 1;
}

/** How many cells of a terminal a text takes; control characters must have been escaped. */
export function textWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** A text that takes so many cells at most; what does not fit gives way to an ellipsis. */
export function cutToWidth(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = "";
  let used = CUT.length;
  for (const { segment } of segmenter.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return width < CUT.length ? "" : kept + CUT;
}

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly align?: "right";
  /** Cells that it keeps at least when the table is too wide; what has none is never narrowed. */
  readonly shrinksTo?: number;
  /**
   * Columns are left out of a table that is too wide however narrow they are made, those that are
   * worth least first; what has no worth of its own always stays.
   */
  readonly worth?: number;
}

function pad(text: string, width: number, align: Column["align"]): string {
  const space = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "right" ? space + text : text + space;
}

/** Takes cells from the widest column that can give any, until all fit or none can. */
function shrink(widths: number[], columns: readonly Column[], tooWide: number): void {
  for (let excess = tooWide; excess > 0; excess--) {
    let widest: number | undefined;
    columns.forEach(({ shrinksTo }, i) => {
      const width = widths[i] as number;
      if (shrinksTo === undefined || width <= shrinksTo) return;
      if (widest === undefined || width > (widths[widest] as number)) widest = i;
    });
    if (widest === undefined) return;
    widths[widest] = (widths[widest] as number) - 1;
  }
}

/** Cells that columns take side by side. */
function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
}

/** Which columns there is room for, when those that can be narrowed are as narrow as can be. */
function fitting(columns: readonly Column[], widths: readonly number[], width: number): number[] {
  const least = columns.map(({ shrinksTo = Infinity }, i) => Math.min(shrinksTo, widths[i] ?? 0));
  let kept = [...columns.keys()];
  while (totalWidth(kept.map((i) => least[i] ?? 0)) > width) {
    const lowest = Math.min(...kept.map((i) => columns[i]?.worth ?? Infinity));
    if (lowest === Infinity) break;
    kept = kept.filter((i) => columns[i]?.worth !== lowest);
  }
  return kept;
}

/**
 * Lines of a table, the titles first. No line is wider than asked for, nor ends in a space.
 *
 * @param rows Cells in the order of the columns, control characters escaped.
 * @param width Cells of the terminal; undefined where nothing has to fit.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width?: number,
): string[] {
  const cells = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, i) =>
    cells.reduce((widest, row) => Math.max(widest, textWidth(row[i] ?? "")), 0)
  );
  if (width !== undefined) {
    const kept = fitting(columns, widths, width);
    if (kept.length < columns.length) {
      const pick = <T>(row: readonly T[]): T[] => kept.map((i) => row[i] as T);
      return formatTable(pick(columns), rows.map(pick), width);
    }
    shrink(widths, columns, totalWidth(widths) - width);
  }
  return cells.map((row) => {
    const padded = columns.map(({ align }, i) => {
      const cell = widths[i] as number;
      return pad(cutToWidth(row[i] ?? "", cell), cell, align);
    });
    const line = padded.join(GAP).trimEnd();
    return width === undefined ? line : cutToWidth(line, width);
  });
}
