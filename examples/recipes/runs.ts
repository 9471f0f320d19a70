// What the recipes share: their arguments, a table of means over seeds, and pictures made of text.
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { tick } from 'gradloom';

/** `--short`: one seed and a few steps, for the tests. */
export const { short } = parseArgs({ options: { short: { type: 'boolean', default: false } } }).values;
export const seeds: readonly number[] = short ? [1] : [1, 2, 3];
/** So many steps, or the few of the short form. */
export const stepsOf = (count: number): number => (short ? 6 : count);

/** A column of the table: its title, how many decimals, and what its numbers are multiplied by (100 for a share in %). */
export type Column = readonly [title: string, decimals: number, factor?: number];

/** "mean ± standard deviation" of a measure over seeds; in the short form there is one. */
export function overSeeds(values: readonly number[], decimals: number, factor = 1): string {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, values.length - 1));
  return [mean, ...(short ? [] : [sd])].map((value) => (factor * value).toFixed(decimals)).join(' ± ');
}

/** The run of the last seed. */
export const last = <Run>(runs: readonly Run[]): Run => runs[runs.length - 1] as Run;

/** Rows of text in columns, the first to the left. */
export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = Object.fromEntries(
    ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`, `left-${side}`, `right-${side}`]).map((k) => [k, '']),
  );
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
    chars: { ...none, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((r) => [...r]));
  return table.toString();
}

/**
 * Trains each way with each seed, and prints a row for each way: the mean over seeds of what a run measured, and after ± its standard deviation.
 *
 * @returns the runs, by way
 */
export async function compare<Name extends string, Way, Measure extends string, Run extends Readonly<Record<Measure, number>>>(
  ways: Readonly<Record<Name, Way>>,
  train: (way: Way, seed: number) => Run | Promise<Run>,
  measures: Readonly<Record<Measure, Column>>,
): Promise<Record<Name, Run[]>> {
  const keys = Object.keys(measures) as Measure[];
  const found: [Name, Run[]][] = [];
  for (const [name, way] of Object.entries<Way>(ways)) {
    const runs: Run[] = [];
    for (const seed of seeds) {
      runs.push(await train(way, seed));
      await tick(); // memory that nothing holds any more is given back between turns of the event loop
    }
    found.push([name as Name, runs]);
  }
  const cell = (runs: readonly Run[], key: Measure): string => {
    const [, decimals, factor] = measures[key];
    return overSeeds(
      runs.map((r) => r[key]),
      decimals,
      factor,
    );
  };
  console.log(
    columns(
      [short ? 'a short run' : `${seeds.length} seeds, mean ± sd`, ...keys.map((k) => measures[k][0])],
      found.map(([name, runs]) => [name, ...keys.map((k) => cell(runs, k))]),
    ),
  );
  return Object.fromEntries(found) as Record<Name, Run[]>;
}

/** A grey picture in text, two rows a line: what is above the threshold is drawn. */
export function picture(rows: readonly ArrayLike<number>[], threshold: number): string {
  const on = (r: number, c: number): boolean => ((rows[r]?.[c] as number) ?? 0) > threshold;
  return Array.from({ length: Math.ceil(rows.length / 2) }, (_, i) =>
    Array.from({ length: (rows[0] as ArrayLike<number>).length }, (_, c) => [' ', '▀', '▄', '█'][Number(on(2 * i, c)) + 2 * Number(on(2 * i + 1, c))])
      .join('')
      .trimEnd(),
  ).join('\n');
}
