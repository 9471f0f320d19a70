// Orders of rows other than one after the other and shuffled. Any iterable of indices will do; this is the one that weighs them.
import { assertArity, FLAG, instanceOf, isPlainObject, type Kinds, optionsOf, valueText, WHOLE } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { defaultGenerator, drawUniform, Generator } from '../tensor/random.ts';

/** An order of rows: gone through once a pass. */
export interface Sampler extends Iterable<number> {
  /** Number of indices, where it is known before. */
  readonly length?: number;
}

/** Options of `WeightedRandomSampler`. */
export interface WeightedSamplerOptions {
  /** Whether a row can be drawn again, default true. */
  replacement?: boolean;
  /** Seed of this sampler's own draws; else it follows `manualSeed`. */
  seed?: number;
  /** The stream to draw from, instead of `seed`. */
  generator?: Generator;
}

const OPTIONS: Kinds<WeightedSamplerOptions> = { replacement: FLAG, seed: WHOLE, generator: instanceOf(Generator, 'a Generator') };

/** Sums of the weights in a binary tree: drawing a row and taking its weight out are O(log n). */
class WeightTree {
  private readonly first: number;
  /** Node i is the sum of 2i and 2i + 1; leaves from `first`. */
  private readonly sums: Float64Array;

  constructor(weights: ArrayLike<number>) {
    let first = 1;
    while (first < weights.length) first *= 2;
    this.first = first;
    this.sums = new Float64Array(2 * this.first);
    this.sums.set(weights, this.first);
    for (let i = this.first - 1; i > 0; i--) this.add(i);
  }

  private add(node: number): void {
    this.sums[node] = (this.sums[2 * node] as number) + (this.sums[2 * node + 1] as number);
  }

  /** The row in whose stretch of all weights a share of them lies: never one of weight 0. */
  draw(share: number): number {
    let node = 1;
    let rest = share * (this.sums[1] as number);
    while (node < this.first) {
      const left = this.sums[2 * node] as number;
      const right = this.sums[2 * node + 1] as number;
      node = 2 * node;
      if (right > 0 && (rest >= left || left === 0)) {
        rest -= left;
        node++;
      }
    }
    return node - this.first;
  }

  takeOut(row: number): void {
    this.sums[this.first + row] = 0;
    for (let i = (this.first + row) >> 1; i > 0; i >>= 1) this.add(i);
  }
}

/**
 * Draws rows as often as their weights say (`torch.utils.data.WeightedRandomSampler`): for classes of unequal size. A pass draws `numSamples` anew.
 *
 * @example
 * const weights = labels.map((label) => 1 / countOf[label]);
 * const loader = new DataLoader(dataset, { batchSize: 32, sampler: new WeightedRandomSampler(weights, weights.length, { seed: 1 }) });
 * @throws VALUE for a weight that is negative, NaN or infinite; where all are 0; where fewer than `numSamples` can be drawn without replacement
 */
export class WeightedRandomSampler implements Sampler {
  /** How many rows a pass draws. */
  readonly numSamples: number;
  private readonly weights: Float64Array;
  private readonly replacement: boolean;
  private readonly generator: Generator | undefined;

  constructor(weights: ArrayLike<number>, numSamples: number, options?: WeightedSamplerOptions) {
    const op = 'WeightedRandomSampler';
    assertArity(op, arguments.length, 3);
    const { replacement = true, seed, generator } = optionsOf(op, options, OPTIONS);
    if (seed !== undefined && generator) throw valueError(op, 'takes seed or generator, not both. Leave one out.');
    if (!Array.isArray(weights) && !ArrayBuffer.isView(weights)) throw valueError(op, `the weights must be a list of numbers, got ${valueText(weights)}.`);
    const list = Array.from(weights as ArrayLike<unknown>);
    const wrong = list.findIndex((w) => !(typeof w === 'number' && w >= 0 && Number.isFinite(w)));
    if (wrong >= 0) throw valueError(op, `weight ${wrong} is ${valueText(list[wrong])}: weights are finite numbers ≥ 0.`);
    if (!Number.isSafeInteger(numSamples) || numSamples < 1) throw valueError(op, `numSamples must be a whole number ≥ 1, got ${valueText(numSamples)}.`);
    const drawable = (list as number[]).filter((w) => w > 0).length;
    if (drawable === 0 || (!replacement && numSamples > drawable))
      throw valueError(op, `${numSamples} rows cannot be drawn${replacement ? '' : ' without replacement'} from ${drawable} of positive weight.`);
    this.weights = Float64Array.from(list as number[]);
    this.numSamples = numSamples;
    this.replacement = replacement;
    this.generator = generator ?? (seed === undefined ? undefined : new Generator(seed));
  }

  /** How many rows a pass draws. */
  get length(): number {
    return this.numSamples;
  }

  /** Where its own stream stands; null where it draws from `manualSeed`'s. */
  stateDict(): { generator: readonly number[] | null } {
    assertArity('WeightedRandomSampler.stateDict', arguments.length, 0);
    return { generator: this.generator?.getState() ?? null };
  }

  /** Takes up where `stateDict` was called. */
  loadStateDict(state: { generator: readonly number[] | null }): void {
    assertArity('WeightedRandomSampler.loadStateDict', arguments.length, 1);
    if (!isPlainObject(state) || !('generator' in state)) throw valueError('WeightedRandomSampler.loadStateDict', `takes what stateDict() gave, got ${valueText(state)}.`);
    if (state.generator) this.generator?.setState(state.generator);
  }

  /** One pass: indices of rows. */
  *[Symbol.iterator](): IterableIterator<number> {
    // Two draws of 24 bits each are one of 48.
    const u = drawUniform(2 * this.numSamples, this.generator ?? defaultGenerator());
    const tree = new WeightTree(this.weights);
    for (let i = 0; i < this.numSamples; i++) {
      const row = tree.draw((u[2 * i] as number) + (u[2 * i + 1] as number) * 2 ** -24);
      if (!this.replacement) tree.takeOut(row);
      yield row;
    }
  }
}
