// Tables for a terminal.

/** Three digits, and no more zeros than needed. */
export function short(value: number): string {
  if (value >= 999.5) return value.toFixed(0);
  return value === 0 ? '0' : value.toPrecision(3);
}

export type Row = readonly string[];

/** Columns under their heads: the first is text, the others end on the right. Two blanks between. */
export function table(head: Row, rows: readonly Row[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (row: Row): string =>
    widths
      .map((width, i) => (i === 0 ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this share lies, between neighbours by straight line. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Medians by work and by who measured it: what `--json` prints. */
export type Medians = Record<string, Record<string, number>>;

/** The last line of a run with `--json`. */
export function printJson(results: Readonly<Record<string, Readonly<Record<string, number | null>>>>): void {
  console.log(JSON.stringify(results, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value)));
}
