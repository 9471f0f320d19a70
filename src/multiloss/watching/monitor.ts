// Seeing conflict: what each step's report tells, gathered over a run in bounded memory.
import { checkArgument, FUNCTION, type Kinds, NUMBER, optionsOf, TEXT } from '../../tensor/check.ts';
import { Alarms } from './alarms.ts';
import { count } from '../checks.ts';
import { History, type Series } from './history.ts';
import type { Alarm, MonitorData, PairSummary, SeriesKey } from './monitor-data.ts';
import type { BackwardReport } from '../combining/report.ts';
import { NAMES } from '../state.ts';

/** Options of `Monitor`. */
export interface MonitorOptions {
  /**
   * How many numbers are kept at most (8 bytes each); where they are reached, neighbouring steps are averaged. Default
   * 250 000.
   */
  budget?: number;
  /** Steps before an alarm about weights, dominance or a dead loss can be raised. Default 50. */
  patience?: number;
  /**
   * Gets one line of JSON for every step: `write: (line) => appendFileSync('run.jsonl', line)`. Ends in a line break.
   */
  write?: (line: string) => void;
}

/** What is known of a step besides its report. */
export interface StepContext {
  /** The learning rate, for the predicted change of each loss. */
  lr?: number;
  /** The phase that trained. */
  phase?: string;
}

const OPTIONS: Kinds<MonitorOptions> = { budget: count(1000), patience: count(1), write: FUNCTION };
const CONTEXT: Kinds<StepContext> = { lr: NUMBER, phase: TEXT };
const REPORT = {
  what: 'a report of multiloss.backward',
  test: (v: unknown) => {
    const { names, losses, weights } = (v ?? {}) as Partial<BackwardReport>;
    return NAMES.test(names) && [losses, weights].every((numbers) => (names as string[]).every((n) => typeof numbers?.[n] === 'number'));
  },
};

/** Phase changes that are remembered. */
const PHASES = 200;

/** Which field of a line each kind of series goes to. */
const FIELDS: Readonly<Record<string, string>> = { loss: 'losses', weight: 'weights', norm: 'norms' };

/** A step's numbers as an object by kind and name; of layers by layer and name. */
function lineOf(values: Iterable<readonly [SeriesKey, number]>): Record<string, Record<string, unknown>> {
  const line = Object.create(null) as Record<string, Record<string, unknown>>;
  const at = (o: Record<string, unknown>, key: string): Record<string, unknown> => {
    o[key] ??= Object.create(null);
    return o[key] as Record<string, unknown>;
  };
  for (const [{ kind, name, layer }, value] of values) {
    const target = layer === undefined ? at(line, FIELDS[kind] ?? kind) : at(at(line, 'layers'), layer);
    target[name] = Number.isFinite(value) ? value : null;
  }
  return line;
}

/**
 * Gathers the reports of `multiloss.backward`: losses, weights, norms, cosines over all shared parameters and per
 * layer, how often losses conflict, and each loss's predicted change beside the measured one. Norms and cosines are
 * there where the method needs gradients or `measure: true` was asked for.
 *
 * ```ts
 * const monitor = new multiloss.Monitor();
 * for (const alarm of monitor.record(report, { lr })) console.warn(alarm.message);
 * ```
 */
export class Monitor {
  private readonly history: History;
  private readonly watch: Alarms;
  private readonly write: ((line: string) => void) | undefined;
  private readonly pairs = new Map<string, { n: number; mean: number; squares: number; negative: number }>();
  private readonly begun: { step: number; phase: string }[] = [];
  private previous: { losses: Readonly<Record<string, number>>; predicted: ReadonlyMap<string, number> } | null = null;
  private count = 0;

  constructor(options?: MonitorOptions) {
    const { budget = 250_000, patience = 50, write } = optionsOf('Monitor', options, OPTIONS, arguments.length);
    this.history = new History(budget);
    this.watch = new Alarms(patience);
    this.write = write;
  }

  /** Steps recorded. */
  get steps(): number {
    return this.count;
  }

  /** The alarms that last. */
  get alarms(): readonly Alarm[] {
    return this.watch.active;
  }

  /** Takes one step's report. Returns the alarms that it raised; each is raised once until it clears. */
  record(report: BackwardReport, context?: StepContext): Alarm[] {
    checkArgument('Monitor.record', 'report', report, REPORT);
    const { lr, phase } = optionsOf('Monitor.record', context, CONTEXT, arguments.length, 2);
    const step = this.count++;
    const raised = this.watch.watch(step, report);
    const values = [...this.valuesOf(report)];
    this.history.add(step, values);
    if (phase !== undefined && this.begun.at(-1)?.phase !== phase) {
      this.begun.push({ step, phase });
      if (this.begun.length > PHASES) this.begun.shift();
    }
    this.previous = { losses: report.losses, predicted: predictedChange(report, lr) };
    const shown = raised.map(({ kind, loss, message }) => ({ kind, loss, message }));
    this.write?.(`${JSON.stringify({ step, ...(phase !== undefined && { phase }), ...lineOf(values), ...(shown.length > 0 && { alarms: shown }) })}\n`);
    return raised;
  }

  private *valuesOf(report: BackwardReport): Generator<[SeriesKey, number]> {
    const { names, losses, weights, norms, cosine, layers } = report;
    for (const name of names) {
      yield [{ kind: 'loss', name }, losses[name] as number];
      yield [{ kind: 'weight', name }, weights[name] as number];
      if (norms) yield [{ kind: 'norm', name }, norms[name] as number];
      // What the step before this one was to change, and did.
      const before = this.previous && Object.hasOwn(this.previous.losses, name) ? this.previous.losses[name] : undefined;
      const predicted = this.previous?.predicted.get(name);
      if (before !== undefined && predicted !== undefined) {
        yield [{ kind: 'predicted', name }, predicted];
        yield [{ kind: 'measured', name }, (losses[name] as number) - before];
      }
    }
    for (const [pair, c] of pairsOf(names, cosine)) {
      this.note(pair, c);
      yield [{ kind: 'cosine', name: pair }, c];
      yield [{ kind: 'conflict', name: pair }, c < 0 ? 1 : 0];
    }
    for (const layer of layers ?? []) for (const [pair, c] of pairsOf(names, layer.cosine)) yield [{ kind: 'cosine', name: pair, layer: layer.name }, c];
  }

  /** Mean and squared deviations of a pair's cosine, updated (Welford 1962). */
  private note(pair: string, c: number): void {
    if (!Number.isFinite(c)) return;
    const p = this.pairs.get(pair) ?? { n: 0, mean: 0, squares: 0, negative: 0 };
    p.n++;
    const d = c - p.mean;
    p.mean += d / p.n;
    p.squares += d * (c - p.mean);
    if (c < 0) p.negative++;
    this.pairs.set(pair, p);
  }

  /** How the gradients of each pair of losses agreed over the run. */
  get conflicts(): PairSummary[] {
    return [...this.pairs].map(([name, { n, mean, squares, negative }]) => ({ name, mean, sd: Math.sqrt(squares / Math.max(1, n - 1)), conflictRate: negative / n, steps: n }));
  }

  /** Everything as plain data. */
  toJSON(): MonitorData {
    const { steps, series } = this.history.points();
    const plain = series.map((s: Series) => ({ ...s, values: s.values.map((v) => (Number.isNaN(v) ? null : v)) }));
    const alarms = this.watch.log.map((a) => ({ ...a }));
    return { total: this.count, stride: this.history.stride, steps, series: plain, pairs: this.conflicts, alarms, phases: this.begun.map((p) => ({ ...p })) };
  }

  /**
   * One JSON object per point, in lines: `{ step, losses, weights, norms, cosine, conflict, predicted, measured, layers
   * }`.
   */
  toJSONLines(): string {
    const { steps, series } = this.history.points();
    const line = (step: number, i: number): string => {
      const present = series.filter((s) => !Number.isNaN(s.values[i] as number));
      return `${JSON.stringify({ step, ...lineOf(present.map((s) => [s, s.values[i] as number] as const)) })}\n`;
    };
    return steps.map(line).join('');
  }
}

/** Pairs of losses, `a·b`, with what a matrix says of them. */
function pairsOf(names: readonly string[], matrix: readonly (readonly number[])[] | null): [string, number][] {
  if (!matrix) return [];
  return names.flatMap((a, i) => names.slice(i + 1).map((b, k): [string, number] => [`${a}·${b}`, matrix[i]?.[i + 1 + k] as number]));
}

/**
 * −lr·(G w)ᵢ: how a plain gradient step over the shared parameters changes each loss, to first order. Other optimizers
 * scale it.
 */
function predictedChange(report: BackwardReport, lr: number | undefined): Map<string, number> {
  const { names, weights, gramian } = report;
  if (!gramian || lr === undefined) return new Map();
  return new Map(names.map((name, i) => [name, -lr * names.reduce((s, other, j) => s + (gramian[i]?.[j] as number) * (weights[other] as number), 0)]));
}
