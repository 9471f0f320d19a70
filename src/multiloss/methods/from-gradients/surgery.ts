// PCGrad and GradVac: each gradient meets the others one by one, in random order.
import { type Kinds, optionsOf } from '../../../tensor/check.ts';
import { drawPermutations } from '../../../tensor/random.ts';
import type { Stats } from '../method.ts';
import { range } from '../../checks.ts';
import { NAMES, numbers, stateOf } from '../../state.ts';
import { WeightingBase } from '../base.ts';

/** A square that falls below this share of what it was is summed anew. */
const SHRUNK = 0.1;

/** One gradient in the making, g' = Σ aₖ·gₖ, followed through the Gramian alone. */
class Combination {
  /** aₖ. */
  readonly weights: Float64Array;
  /** ⟨g', gₖ⟩. */
  readonly along: Float64Array;
  private readonly g: Float64Array;
  private readonly m: number;
  /** ‖g'‖², kept up to date, and what it was when it was last summed; −1 where it is to be summed. */
  private square = -1;
  private summed = 0;

  constructor(g: Float64Array, m: number, row: number) {
    this.g = g;
    this.m = m;
    this.weights = new Float64Array(m);
    this.weights[row] = 1;
    this.along = g.slice(row * m, (row + 1) * m);
  }

  /** g' ← g' + s·g_j. */
  add(j: number, s: number): void {
    this.weights[j] = (this.weights[j] as number) + s;
    const { along, g, m } = this;
    if (this.square >= 0) this.square += s * (2 * (along[j] as number) + s * (g[j * m + j] as number));
    for (let k = 0, at = j * m; k < m; k++, at++) along[k] = (along[k] as number) + s * (g[at] as number);
  }

  /** ‖g'‖. */
  length(): number {
    // What shrinks much keeps few digits.
    if (this.square > SHRUNK * this.summed) return Math.sqrt(this.square);
    const { weights, along, m } = this;
    // Two sums that do not wait for one another.
    let [even, odd] = [0, 0];
    let k = 0;
    for (; k + 1 < m; k += 2) {
      even += (weights[k] as number) * (along[k] as number);
      odd += (weights[k + 1] as number) * (along[k + 1] as number);
    }
    if (k < m) even += (weights[k] as number) * (along[k] as number);
    this.square = this.summed = Math.max(even + odd, 0);
    return Math.sqrt(this.square);
  }
}

/**
 * Each gradient loses what points against another one, the others taken in random order; the results are added: projecting
 * conflicting gradients (Yu et al. 2020, arXiv 2001.06782). The order comes from the generator that `manualSeed` seeds. With two
 * losses it raises neither; with more it may.
 */
export class PCGrad extends WeightingBase {
  readonly name = 'PCGrad';

  constructor(options?: Record<string, never>) {
    super();
    optionsOf('PCGrad', options, {}, arguments.length);
  }

  weights({ gramian: g, names }: Stats): Float64Array {
    const m = names.length;
    const w = new Float64Array(m);
    // With two losses there is one order.
    const orders = m > 2 ? drawPermutations(m, m) : null;
    for (let i = 0; i < m; i++) {
      const mine = new Combination(g, m, i);
      for (let k = 0; k < m; k++) {
        const j = orders ? (orders[i * m + k] as number) : k;
        const against = mine.along[j] as number;
        if (j !== i && against < 0) mine.add(j, -against / (g[j * m + j] as number));
      }
      for (let k = 0; k < m; k++) w[k] = (w[k] as number) + (mine.weights[k] as number);
    }
    return w;
  }
}

/** Options of GradVac. */
export interface GradVacOptions {
  /** β: how fast the aimed-at cosines follow those seen; default 0.5. */
  beta?: number;
}

const OPTIONS: Kinds<GradVacOptions> = { beta: range(0, 1) };

/**
 * As PCGrad, but each pair is brought to the cosine that it usually has (a running mean, 0 at first) instead of to 0 (Wang et al. 2021,
 * arXiv 2010.05874). Its first step is PCGrad's.
 */
export class GradVac extends WeightingBase {
  readonly name = 'GradVac';
  private readonly beta: number;
  /** Losses met so far, and φ, the cosine aimed at for each pair of them. */
  private met: string[] = [];
  private aims: number[][] = [];

  constructor(options?: GradVacOptions) {
    super();
    this.beta = optionsOf('GradVac', options, OPTIONS, arguments.length).beta ?? 0.5;
  }

  weights({ gramian: g, names }: Stats): Float64Array {
    const m = names.length;
    const places = names.map((name) => this.placeOf(name));
    const w = new Float64Array(m);
    const orders = m > 2 ? drawPermutations(m, m) : null;
    for (let i = 0; i < m; i++) {
      const mine = new Combination(g, m, i);
      for (let k = 0; k < m; k++) {
        const j = orders ? (orders[i * m + k] as number) : k;
        if (j !== i) this.meet(mine, j, this.aims[places[i] as number] as number[], places[j] as number, Math.sqrt(Math.max(g[j * m + j] as number, 0)));
      }
      for (let k = 0; k < m; k++) w[k] = (w[k] as number) + (mine.weights[k] as number);
    }
    return w;
  }

  /** Brings one gradient to the cosine aimed at with another one, of length `other`, where it is below; then the aim follows. */
  private meet(mine: Combination, j: number, aims: number[], place: number, other: number): void {
    const own = mine.length();
    // A zero gradient has no direction: its cosine counts as 0.
    const cosine = own === 0 || other === 0 ? 0 : Math.min(1, Math.max(-1, (mine.along[j] as number) / own / other));
    const aim = aims[place] as number;
    const across = Math.sqrt(1 - aim * aim);
    if (cosine < aim && across > 0 && own > 0 && other > 0) {
      mine.add(j, (own * (aim * Math.sqrt(1 - cosine * cosine) - cosine * across)) / (other * across));
    }
    aims[place] = (1 - this.beta) * aim + this.beta * cosine;
  }

  /** Where a loss stands among those met. One that is new aims at 0 with all. */
  private placeOf(name: string): number {
    const at = this.met.indexOf(name);
    if (at >= 0) return at;
    for (const row of this.aims) row.push(0);
    this.aims.push(new Array<number>(this.met.push(name)).fill(0));
    return this.met.length - 1;
  }

  override stateDict(): Record<string, unknown> {
    return { names: [...this.met], aims: this.aims.flat() };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const { names } = stateOf(this.name, state, { names: NAMES, aims: numbers() }) as { names: string[] };
    const m = names.length;
    const { aims } = stateOf(this.name, state, { names: NAMES, aims: numbers(m * m) }) as { aims: number[] };
    this.met = [...names];
    this.aims = names.map((_, i) => aims.slice(i * m, (i + 1) * m));
  }

  override reset(): void {
    this.met = [];
    this.aims = [];
  }
}
