// Series of numbers over steps in bounded memory: where it is full, neighbours are averaged, so that the whole run
// stays in view.

import type { SeriesKey } from './monitor-data.ts';

/** A series: one value per point, NaN where it had none. */
export interface Series extends SeriesKey {
  readonly values: number[];
}

/** Points that are kept at least, however many series there are. */
const FEWEST = 32;

/** Columns over steps; at most `budget` numbers. */
export class History {
  /** How many added steps one point is the mean of. */
  stride = 1;
  private readonly steps: number[] = [];
  private readonly columns = new Map<string, Series>();
  private readonly open = new Map<string, { sum: number; n: number }>();
  private readonly budget: number;
  private inOpen = 0;
  private last = 0;

  constructor(budget: number) {
    this.budget = budget;
  }

  /** Takes one step's numbers. What is not finite leaves a gap. Series beyond what the budget allows are not kept. */
  add(step: number, values: Iterable<readonly [SeriesKey, number]>): void {
    for (const [key, value] of values) {
      if (!Number.isFinite(value)) continue;
      const id = `${key.kind}\n${key.name}\n${key.layer ?? ''}`;
      if (!this.columns.has(id)) {
        if ((this.columns.size + 2) * FEWEST > this.budget) continue;
        this.columns.set(id, { ...key, values: this.steps.map(() => Number.NaN) });
      }
      this.into(id, value, 1);
    }
    this.last = step;
    if (++this.inOpen === this.stride) this.closePoint();
  }

  private into(id: string, sum: number, n: number): void {
    const cell = this.open.get(id) ?? { sum: 0, n: 0 };
    this.open.set(id, { sum: cell.sum + sum, n: cell.n + n });
  }

  private closePoint(): void {
    this.steps.push(this.last);
    for (const [id, column] of this.columns) column.values.push(this.valueOf(id));
    this.open.clear();
    this.inOpen = 0;
    while (this.steps.length > 2 && (this.columns.size + 1) * this.steps.length > this.budget) this.halve();
  }

  private valueOf(id: string): number {
    const cell = this.open.get(id);
    return cell ? cell.sum / cell.n : Number.NaN;
  }

  /** Every two points become one; an odd last one is opened again, so that every point is the mean of as many steps. */
  private halve(): void {
    const half = Math.floor(this.steps.length / 2);
    if (this.steps.length % 2 === 1) {
      for (const [id, { values }] of this.columns) {
        const v = values[2 * half] as number;
        if (!Number.isNaN(v)) this.into(id, v * this.stride, this.stride);
      }
      this.inOpen += this.stride;
    }
    for (let i = 0; i < half; i++) this.steps[i] = this.steps[2 * i + 1] as number;
    this.steps.length = half;
    for (const { values } of this.columns.values()) {
      for (let i = 0; i < half; i++) {
        const [a, b] = [values[2 * i] as number, values[2 * i + 1] as number];
        values[i] = Number.isNaN(a) ? b : Number.isNaN(b) ? a : (a + b) / 2;
      }
      values.length = half;
    }
    this.stride *= 2;
  }

  /** Points and series so far, the unfinished point included. */
  points(): { steps: number[]; series: Series[] } {
    const more = this.inOpen > 0;
    return {
      steps: more ? [...this.steps, this.last] : [...this.steps],
      series: [...this.columns].map(([id, c]) => ({ ...c, values: more ? [...c.values, this.valueOf(id)] : [...c.values] })),
    };
  }
}
