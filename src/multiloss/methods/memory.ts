// What methods remember of losses: by name, so that their order does not matter and losses may come and go.
import { FINITE, type Kind } from '../../tensor/check.ts';
import { valueError } from '../../tensor/errors.ts';
import { NAMES, numbers, type State, stateOf } from '../state.ts';
import type { Stats } from './method.ts';

type Numbers<Key extends string> = Record<Key, number>;

/** Numbers of a method's own, and some for each loss that it has met. */
export class Memory<Own extends string, Per extends string> implements State {
  own: Numbers<Own>;
  private rows = new Map<string, Numbers<Per>>();
  private readonly start: Readonly<Numbers<Own>>;
  private readonly per: readonly Per[];
  private readonly kinds: Readonly<Partial<Record<Own | Per, Kind>>> | undefined;

  /** @param start its own at the start. @param per what there is of each loss. @param kinds what of these is more than a finite number */
  constructor(start: Numbers<Own>, per: readonly Per[], kinds?: Readonly<Partial<Record<NoInfer<Own | Per>, Kind>>>) {
    this.start = start;
    this.own = { ...start };
    this.per = per;
    this.kinds = kinds;
  }

  /** The losses met so far. */
  get names(): string[] {
    return [...this.rows.keys()];
  }

  /** What is remembered of every loss met. */
  get all(): Iterable<Numbers<Per>> {
    return this.rows.values();
  }

  /** What is remembered of a loss. */
  get(name: string): Numbers<Per> | undefined {
    return this.rows.get(name);
  }

  /**
   * What is remembered of each of the losses, to be changed in place. `fresh`: of the i-th, where it comes for the
   * first time.
   */
  of(names: readonly string[], fresh: (i: number) => Numbers<Per>): Numbers<Per>[] {
    return names.map((name, i) => {
      let row = this.rows.get(name);
      if (!row) {
        row = fresh(i);
        this.rows.set(name, row);
      }
      return row;
    });
  }

  /** Its own numbers, names, and a list for each number of a loss. */
  save(): Record<string, unknown> {
    const rows = [...this.rows.values()];
    return { ...this.own, names: this.names, ...Object.fromEntries(this.per.map((key) => [key, rows.map((row) => row[key])])) };
  }

  load(op: string, state: unknown): void {
    const own = Object.keys(this.start) as Own[];
    const kindOf = (key: Own | Per): Kind => this.kinds?.[key] ?? FINITE;
    const kinds = { ...Object.fromEntries(own.map((key) => [key, kindOf(key)])), names: NAMES, ...Object.fromEntries(this.per.map((key) => [key, numbers()])) };
    const { names } = stateOf(op, state, kinds) as { names: string[] };
    const given = stateOf(op, state, { ...kinds, ...Object.fromEntries(this.per.map((key) => [key, numbers(names.length, kindOf(key))])) });
    this.own = Object.fromEntries(own.map((key) => [key, given[key]])) as Numbers<Own>;
    this.rows = new Map(names.map((name, i) => [name, Object.fromEntries(this.per.map((key) => [key, (given[key] as number[])[i]])) as Numbers<Per>]));
  }

  reset(): void {
    this.own = { ...this.start };
    this.rows.clear();
  }
}

/** Makes remembered shares add up to `sum` again where losses came or went; equal shares where their sum is 0. */
export function reshare<Key extends string>(rows: readonly Numbers<Key>[], key: Key, sum: number): void {
  const now = rows.reduce((s, row) => s + row[key], 0);
  if (Math.abs(now - sum) <= 1e-9 * sum) return;
  for (const row of rows) (row as Numbers<string>)[key] = now > 0 ? (row[key] * sum) / now : sum / rows.length;
}

/**
 * The position of a loss that an option names; −1 where this step lacks it.
 * @param known losses of earlier steps: those and absent ones are no misspellings
 */
export function indexOfLoss(method: string, option: string, name: string, { names, absent = [] }: Stats, known: readonly string[]): number {
  const at = names.indexOf(name);
  if (at >= 0 || absent.includes(name) || known.includes(name)) return at;
  throw valueError(method, `${option} is '${name}', but the losses are ${names.join(', ')}. Name one of them; where a batch lacks it, give null.`);
}
