// What methods and strategies are made of: arguments that a program hands to one are checked before its formula sees
// them, and what it remembers is saved, loaded and forgotten in one way.
import { assertArity, assertTensors, checkArgument, isPlainObject, type Kind, optionsOf } from '../../tensor/check.ts';
import { GradloomError, shapeText } from '../../tensor/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { count } from '../checks.ts';
import type { Needs, Scalarizer, Stats, Weighting } from './method.ts';
import { NAMES, OBJECT, STATELESS, type State } from '../state.ts';

const floats = (n: number): Kind => ({ what: `a Float64Array of ${n}`, test: (v) => v instanceof Float64Array && v.length === n });

/** The losses' names, if there are some. */
function namesOf(op: string, names: unknown): readonly string[] {
  checkArgument(op, 'names', names, { what: NAMES.what, test: (v) => NAMES.test(v) && (v as string[]).length > 0 });
  return names as readonly string[];
}

/** How many losses a step's numbers are about, if all are there. */
function lossesIn(op: string, stats: unknown): number {
  checkArgument(op, 'stats', stats, OBJECT);
  const { names, losses = null, norms = null, gramian = null } = stats as unknown as Stats;
  const m = namesOf(op, names).length;
  const list = floats(m);
  const elements: Kind = { what: '{ largest, mean }', test: (v) => isPlainObject(v) && list.test(v.largest) && list.test(v.mean) };
  const kinds = { names: NAMES, losses: list, norms: list, gramian: floats(m * m), elements, rank: count(0), absent: NAMES, parameters: { what: 'a list', test: Array.isArray } };
  optionsOf(op, { ...(stats as object), losses, norms, gramian }, kinds);
  return m;
}

function assertSizes(op: string, list: readonly Tensor[], fits: (t: Tensor) => boolean, what: string): void {
  const bad = list.find((t) => !fits(t));
  if (bad) throw new GradloomError('SHAPE', op, `takes ${what}, got ${shapeText(bad.sizes)}.`);
}

/** How many arguments each takes, and what they are checked for. */
const TAKES: Readonly<Record<string, readonly [most: number, check?: (op: string, given: readonly unknown[]) => void]>> = {
  weights: [1, (op, [stats]) => lossesIn(op, stats)],
  directions: [
    2,
    (op, [rows, stats]) => {
      const m = lossesIn(op, stats);
      assertTensors(op, rows, 'rows');
      assertSizes(op, rows, (r) => r.rank === 2 && r.sizes[0] === m && r.dtype === 'float32', `rows [${m}, n] of float32`);
    },
  ],
  combine: [
    2,
    (op, [losses, names]) => {
      const m = namesOf(op, names).length;
      assertTensors(op, losses, 'losses');
      checkArgument(op, 'losses', losses, { what: `a list of ${m}`, test: () => losses.length === m });
      assertSizes(op, losses, (loss) => loss.size === 1, 'scalars');
    },
  ],
  assert: [2, (op, [losses, names]) => checkArgument(op, 'losses', losses, floats(namesOf(op, names).length))],
  backward: [1],
  setWeights: [1],
  update: [1],
  loadStateDict: [1],
  stateDict: [0],
  parameters: [0],
  reset: [0],
};

/** A method or strategy whose arguments are checked. */
export abstract class MethodBase {
  /** As in its paper; stands in reports. */
  abstract readonly name: string;
  /** @internal What it remembers between steps; nothing by default. */
  protected readonly memory: State = STATELESS;

  constructor() {
    for (const [key, [most, check]] of Object.entries(TAKES)) {
      const own = (this as unknown as Record<string, unknown>)[key];
      if (typeof own !== 'function') continue;
      const value = (...given: unknown[]): unknown => {
        const op = `${this.name}.${key}`;
        assertArity(op, given.length, most);
        check?.(op, given);
        return own.apply(this, given);
      };
      Object.defineProperty(this, key, { value, writable: true, configurable: true });
    }
  }

  /** What it remembers between steps, as plain data (JSON). */
  stateDict(): Record<string, unknown> {
    return this.memory.save() as Record<string, unknown>;
  }

  /** Takes up what `stateDict` gave. */
  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.memory.load(this.name, state);
  }

  /** Forgets what it learned: the next step is like the first. */
  reset(): void {
    this.memory.reset();
  }
}

/** A method that weighs losses, by their gradients' inner products unless it says otherwise. */
export abstract class WeightingBase extends MethodBase implements Weighting {
  /** What it must be given. */
  readonly needs: Needs = 'gramian';

  /** One weight per loss. */
  abstract weights(stats: Stats): Float64Array;
}

/** A method that is a function of the losses, and learns nothing. */
export abstract class ScalarizerBase extends MethodBase implements Scalarizer {
  /** The losses' values are enough. */
  readonly needs = 'losses';

  /** One scalar from the losses. */
  abstract combine(losses: readonly Tensor[], names: readonly string[]): Tensor;

  parameters(): Tensor[] {
    return [];
  }
}
