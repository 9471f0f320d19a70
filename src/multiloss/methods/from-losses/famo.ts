// Every loss is to fall at the same rate, judged by the losses before and after the step.
import { isPlainObject, type Kind, type Kinds, oneOf, valueText, withDefaults } from '../../../tensor/check.ts';
import { logarithm } from '../../../tensor/elementary.ts';
import { valueError } from '../../../tensor/errors.ts';
import { assertLosses, count, each, POSITIVE, type PerLoss, perLoss, range } from '../../checks.ts';
import { Memory } from '../memory.ts';
import { softmax } from '../softmax.ts';
import { NAMES, stateOf } from '../../state.ts';
import { LossWeighting } from './loss-weighting.ts';

/** Options of `FAMO`. */
export interface FAMOOptions<Name extends string = string> {
  /** Rate of the logits' Adam; default 0.025. */
  lr?: number;
  /** γ: how strongly the logits are drawn to 0; default 1e-3 (0 for the paper's toy problem). */
  weightDecay?: number;
  /** b: what each loss cannot fall below; default 0. */
  lowerBounds?: PerLoss<Name>;
  /**
   * Where the losses after a step come from. Default 'update': you evaluate them on the same batch and call `update`.
   * 'next': those of the next step are taken instead, which costs nothing and adds the noise between batches.
   */
  after?: 'update' | 'next';
}

const OPTIONS: Kinds<FAMOOptions> = { lr: range(0), weightDecay: range(0), lowerBounds: each(), after: oneOf('update', 'next') };

/**
 * w, of which softmax gives a loss's share; Adam's two running means and count of steps; the loss at a step whose
 * outcome is open.
 */
type OfLoss = 'logits' | 'first' | 'second' | 'steps' | 'before';

const EPS = 1e-8;

/**
 * FAMO (Liu et al., NeurIPS 2023, arXiv 2306.03792): weights zᵢ/(Lᵢ − bᵢ)/c with z = softmax(w), c = Σ zᵢ/(Lᵢ − bᵢ): a
 * convex combination of the losses' gradients. After the step w descends along ∂z/∂wᵀ·δ, δ = ln before − ln after, by
 * Adam.
 */
export class FAMO<Name extends string = string> extends LossWeighting<Name> {
  readonly name = 'FAMO';
  protected override readonly memory = new Memory<never, OfLoss>({}, ['logits', 'first', 'second', 'steps', 'before'], { second: range(0), steps: count(0), before: POSITIVE });
  /** The losses of the latest step, in its order; none where its outcome is known. */
  private open: readonly string[] = [];
  private readonly options: Readonly<Required<Omit<FAMOOptions, 'lowerBounds'>> & FAMOOptions>;

  constructor(options?: FAMOOptions<Name>) {
    super();
    this.options = withDefaults<FAMO['options']>('FAMO', options, OPTIONS, { lr: 0.025, weightDecay: 1e-3, after: 'update' }, arguments.length);
  }

  protected next(losses: Float64Array, names: readonly string[]): Float64Array {
    const above = this.above(losses, names);
    if (this.options.after === 'next') this.learn(names, above);
    const rows = this.memory.of(names, () => ({ logits: 0, first: 0, second: 0, steps: 0, before: 0 }));
    rows.forEach((row, i) => {
      row.before = above[i] as number;
    });
    this.open = [...names];
    const shares = softmax(rows.map((r) => r.logits)).map((z, i) => z / (above[i] as number));
    const total = shares.reduce((a, b) => a + b, 0);
    return shares.map((w) => w / total);
  }

  /**
   * Tells what the losses became by the step, on the same batch: by name, or in the step's order. The logits learn from
   * it.
   */
  update(lossesAfter: ArrayLike<number> | Readonly<Record<Name, number>>): void {
    if (this.options.after === 'next') throw valueError('FAMO.update', "takes the next step's losses itself. Leave update out, or { after: 'next' }.");
    const { open } = this;
    if (open.length === 0) throw valueError('FAMO.update', 'there was no step since the last update. Call it once after each step.');
    const named = isPlainObject(lossesAfter);
    const list = (named ? open.map((name) => (lossesAfter as Record<string, number>)[name]) : Array.from((lossesAfter ?? []) as ArrayLike<number>)) as number[];
    if (list.length !== open.length || list.some((v) => typeof v !== 'number'))
      throw valueError('FAMO.update', `got ${named ? valueText(lossesAfter) : `${list.length} losses`} after a step with ${open.length} (${open.join(', ')}). Pass the same.`);
    this.learn(open, this.above(Float64Array.from(list), open));
  }

  /**
   * (1/c)·Σ zᵢ ln(Lᵢ − bᵢ): what the weights are the derivatives of (c held fixed). For the losses of the latest step.
   */
  objective(): number {
    const rows = this.open.map((name) => this.memory.get(name) as Record<OfLoss, number>);
    if (rows.length === 0) throw valueError('FAMO.objective', 'there was no step since the last update. Call it between the two.');
    const z = softmax(rows.map((r) => r.logits));
    const c = z.reduce((s, share, i) => s + share / (rows[i] as { before: number }).before, 0);
    return z.reduce((s, share, i) => s + share * logarithm((rows[i] as { before: number }).before), 0) / c;
  }

  /** L − b + ε; throws where a loss lies below its bound. */
  private above(losses: Float64Array, names: readonly string[]): Float64Array {
    const { lowerBounds } = this.options;
    assertLosses('FAMO', losses, names);
    const bounds = perLoss('FAMO', 'lowerBounds', lowerBounds, names, 0);
    return losses.map((loss, i) => {
      const bound = bounds[i] as number;
      if (loss < bound) throw valueError('FAMO', `the loss '${names[i]}' is ${loss}, below its bound ${bound}. Give lowerBounds that no loss falls below.`);
      return loss - bound + EPS;
    });
  }

  /** One step of Adam on the logits of the losses whose outcome was open. */
  private learn(names: readonly string[], after: Float64Array): void {
    const { lr, weightDecay } = this.options;
    const { open } = this;
    const found = open.flatMap((name) => (names.includes(name) ? [{ row: this.memory.get(name) as Record<OfLoss, number>, after: after[names.indexOf(name)] as number }] : []));
    const z = softmax(found.map(({ row }) => row.logits));
    const delta = found.map(({ row, after: now }) => logarithm(row.before) - logarithm(now));
    const expected = delta.reduce((s, d, i) => s + d * (z[i] as number), 0);
    found.forEach(({ row }, i) => {
      row.steps++;
      const [seen1, seen2] = [1 - wholePower(0.9, row.steps), 1 - wholePower(0.999, row.steps)];
      const gradient = (z[i] as number) * ((delta[i] as number) - expected) + weightDecay * row.logits;
      row.first = 0.9 * row.first + 0.1 * gradient;
      row.second = 0.999 * row.second + 0.001 * gradient * gradient;
      row.logits -= (lr * (row.first / seen1)) / (Math.sqrt(row.second / seen2) + EPS);
    });
    this.open = [];
  }

  override stateDict(): Record<string, unknown> {
    return { ...super.stateDict(), open: [...this.open] };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const { open, ...losses } = isPlainObject(state) ? state : { ...stateOf(this.name, state, {}) };
    const met: unknown = losses.names;
    const known: Kind = { what: 'names of losses of the same state', test: (v) => NAMES.test(v) && (v as string[]).every((name) => Array.isArray(met) && met.includes(name)) };
    stateOf(this.name, { open }, { open: known });
    super.loadStateDict(losses);
    this.open = [...(open as string[])];
  }

  override reset(): void {
    super.reset();
    this.open = [];
  }
}

/** xⁿ by squaring: power() multiplies n times. */
function wholePower(x: number, n: number): number {
  let [result, factor] = [1, x];
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}
