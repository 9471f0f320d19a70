// What weightings from loss values share: state as plain data, and losses that are checked before it changes.
import { exponential } from '../../tensor/elementary.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import type { Stats, Weighting } from '../method.ts';

/** @internal A weighting whose memory `S` is plain data: numbers, and lists of m of them that are empty before the first step. */
export abstract class LossWeighting<S extends object> implements Weighting {
  abstract readonly name: string;
  readonly needs = 'losses';
  protected state: S;

  constructor() {
    this.state = this.start();
  }

  /** What it remembers before the first step. */
  protected abstract start(): S;

  /** The step's weights. The losses are finite, and as many as at the steps before. */
  protected abstract next(losses: Float64Array, names: readonly string[]): Float64Array;

  weights({ losses, names }: Stats): Float64Array {
    losses.forEach((loss, i) => {
      if (!Number.isFinite(loss))
        throw new GradloomError('NONFINITE', this.name, `the loss '${names[i]}' is ${loss}; nothing was changed. Lower the learning rate, or leave it out.`);
    });
    for (const list of Object.values(this.state)) {
      if (Array.isArray(list) && list.length > 0 && list.length !== losses.length) {
        throw valueError(this.name, `began with ${list.length} losses, got ${losses.length} (${names.join(', ')}). Pass the same at every step, or reset().`);
      }
    }
    return this.next(losses, names);
  }

  stateDict(): Record<string, unknown> {
    return structuredClone(this.state) as Record<string, unknown>;
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const start = this.start() as Record<string, unknown>;
    for (const [key, value] of Object.entries(start)) {
      const given = state[key];
      if (typeof given !== typeof value || Array.isArray(given) !== Array.isArray(value)) {
        throw new GradloomError(
          'STATE',
          `${this.name}.loadStateDict`,
          `'${key}' is missing or of another kind; expected ${Object.keys(start).join(', ')}. Pass what stateDict gave.`,
        );
      }
    }
    this.state = structuredClone(Object.fromEntries(Object.keys(start).map((key) => [key, state[key]]))) as S;
  }

  reset(): void {
    this.state = this.start();
  }
}

/** @internal total · e^(xᵢ)/Σ e^(xⱼ), shifted by the largest so that nothing overflows. */
export function softmax(x: ArrayLike<number>, total = 1): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, x[i] as number);
  const y = Float64Array.from(x, (v) => exponential(v === largest ? 0 : v - largest));
  const sum = y.reduce((a, b) => a + b, 0);
  return y.map((v) => (total * v) / sum);
}

/** @internal a/b for b = 0 too: 1 where both are 0, since a loss that stays at 0 has not changed; else more than any other. */
export function ratio(a: number, b: number): number {
  return b === 0 ? (a === 0 ? 1 : Number.MAX_VALUE) : a / b;
}

/** @internal Throws unless the number lies in [low, high]; `open` leaves the lower end out. */
export function checkOption(op: string, name: string, value: number, low: number, high = Number.MAX_VALUE, open = false): number {
  if (value <= high && (open ? value > low : value >= low)) return value;
  throw valueError(op, `${name} must lie in ${open ? '(' : '['}${low}, ${high === Number.MAX_VALUE ? '∞)' : `${high}]`}, got ${value}.`);
}
