// PCGrad and GradVac: each gradient is projected against the others one by one, in random order.
import { type Kinds, optionsOf } from '../../../tensor/check.ts';
import { drawPermutations } from '../../../tensor/random.ts';
import type { Stats } from '../method.ts';
import { range } from '../../checks.ts';
import { NAMES, numbers, stateOf } from '../../state.ts';
import { WeightingBase } from '../base.ts';

/** One gradient in the making, g' = Σ aₖ·gₖ, followed through the Gramian alone. */
class Combination {
  /** aₖ. */
  readonly weights: Float64Array;
  /** ⟨g', gₖ⟩. */
  readonly products: Float64Array;
  private readonly g: Float64Array;
  private readonly m: number;
  /** ‖g'‖², kept up to date. */
  private square: number;

  constructor(g: Float64Array, m: number, row: number) {
    this.g = g;
    this.m = m;
    this.weights = new Float64Array(m);
    this.weights[row] = 1;
    this.products = g.slice(row * m, (row + 1) * m);
    this.square = this.products[row] as number;
  }

  /** g' ← g' + s·g_j. */
  add(j: number, s: number): void {
    this.weights[j] = (this.weights[j] as number) + s;
    const { products, g, m } = this;
    this.square += s * (2 * (products[j] as number) + s * (g[j * m + j] as number));
    for (let k = 0, at = j * m; k < m; k++, at++) products[k] = (products[k] as number) + s * (g[at] as number);
  }

  /** ‖g'‖. */
  length(): number {
    return Math.sqrt(Math.max(this.square, 0));
  }
}

/**
 * Each gradient loses what points against another one, the others taken in random order; the results are added:
 * projecting conflicting gradients (Yu et al. 2020, arXiv 2001.06782). The order comes from the generator that
 * `manualSeed` seeds. With two losses it raises neither; with more it may.
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
        const product = mine.products[j] as number;
        if (j !== i && product < 0) mine.add(j, -product / (g[j * m + j] as number));
      }
      for (let k = 0; k < m; k++) w[k] = (w[k] as number) + (mine.weights[k] as number);
    }
    return w;
  }
}

/** Options of GradVac. */
export interface GradVacOptions {
  /** β: how fast the target cosines follow those seen; default 0.5. */
  beta?: number;
}

const OPTIONS: Kinds<GradVacOptions> = { beta: range(0, 1) };

/**
 * As PCGrad, but each pair is brought to the cosine that it usually has (a running mean, 0 at first) instead of to 0
 * (Wang et al. 2021, arXiv 2010.05874). Its first step is PCGrad's.
 */
export class GradVac extends WeightingBase {
  readonly name = 'GradVac';
  private readonly beta: number;
  /** Losses seen so far, and φ, the target cosine of each pair of them. */
  private known: string[] = [];
  private targets: number[][] = [];

  constructor(options?: GradVacOptions) {
    super();
    this.beta = optionsOf('GradVac', options, OPTIONS, arguments.length).beta ?? 0.5;
  }

  weights({ gramian: g, names }: Stats): Float64Array {
    const m = names.length;
    const indices = names.map((name) => this.indexOf(name));
    const w = new Float64Array(m);
    const orders = m > 2 ? drawPermutations(m, m) : null;
    for (let i = 0; i < m; i++) {
      const mine = new Combination(g, m, i);
      for (let k = 0; k < m; k++) {
        const j = orders ? (orders[i * m + k] as number) : k;
        if (j !== i) this.project(mine, j, this.targets[indices[i] as number] as number[], indices[j] as number, Math.sqrt(Math.max(g[j * m + j] as number, 0)));
      }
      for (let k = 0; k < m; k++) w[k] = (w[k] as number) + (mine.weights[k] as number);
    }
    return w;
  }

  /**
   * Raises one gradient's cosine with another one, of length `other`, to the target where it is below; then updates the
   * target.
   */
  private project(mine: Combination, j: number, targets: number[], index: number, other: number): void {
    const own = mine.length();
    // A zero gradient has no direction: its cosine counts as 0.
    const cosine = own === 0 || other === 0 ? 0 : Math.min(1, Math.max(-1, (mine.products[j] as number) / own / other));
    const target = targets[index] as number;
    const across = Math.sqrt(1 - target * target);
    if (cosine < target && across > 0 && own > 0 && other > 0) {
      mine.add(j, (own * (target * Math.sqrt(1 - cosine * cosine) - cosine * across)) / (other * across));
    }
    targets[index] = (1 - this.beta) * target + this.beta * cosine;
  }

  /** A loss's position among those known. The target of a new one is 0 with all. */
  private indexOf(name: string): number {
    const at = this.known.indexOf(name);
    if (at >= 0) return at;
    for (const row of this.targets) row.push(0);
    this.targets.push(new Array<number>(this.known.push(name)).fill(0));
    return this.known.length - 1;
  }

  override stateDict(): Record<string, unknown> {
    return { names: [...this.known], targets: this.targets.flat() };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const { names } = stateOf(this.name, state, { names: NAMES, targets: numbers() }) as { names: string[] };
    const m = names.length;
    const { targets } = stateOf(this.name, state, { names: NAMES, targets: numbers(m * m) }) as { targets: number[] };
    this.known = [...names];
    this.targets = names.map((_, i) => targets.slice(i * m, (i + 1) * m));
  }

  override reset(): void {
    this.known = [];
    this.targets = [];
  }
}
