// Before choosing a method: what is wrong between these losses, if anything? Gradients of a few batches, and what
// batches agree on.
import { grad } from '../../autograd/backward.ts';
import { assertArity, checkArgument, FUNCTION, type Kinds, optionsOf, valueText } from '../../tensor/check.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import { refuseWhileRecording } from '../../tensor/recording.ts';
import { scope } from '../../tensor/scope.ts';
import { enableGrad } from '../../tensor/modes.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { count } from '../checks.ts';
import { sharedLeaves } from './leaves.ts';
import { TENSORS } from '../combining/options.ts';
import { entriesOf, type Losses } from '../strategy.ts';
import { solveDefinite } from '../solve/cholesky.ts';
import { cosinesOf, inner as product } from '../solve/matrix.ts';
import { roundedProducts } from '../solve/rank.ts';
import { type Contained, type Diagnosis, diagnosisOf, type LossFacts } from './diagnosis.ts';

/** Options of `diagnose`. */
export interface DiagnoseOptions {
  /** The parameters that the losses are compared over; those that two or more losses reach by default. */
  params?: Iterable<Tensor>;
  /** How many batches, ≥ 1; default 8. From 3 on, noise can be told apart. */
  batches?: number;
}

const OPTIONS: Kinds<DiagnoseOptions> = { params: TENSORS, batches: count(1) };

/** Gradients of further batches are added to these, in turn: memory is at most 8 · losses · parameters · 4 bytes. */
const GROUPS = 8;

/** What was gathered of the batches. */
interface Gathered {
  names: string[];
  /** Sums of the losses' values, of ‖gᵢ‖², and of batches with a value or gradient that is not finite. */
  values: number[];
  squares: number[];
  broken: boolean[];
  /** sums[h][i]: the sum of gᵢ over the batches of group h, [P]. */
  sums: Float32Array[][];
  counts: number[];
}

/** Σ aᵢ·bᵢ in float64. */
function inner(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** A loss's gradient over the parameters as one vector; zeros where it does not reach. */
function flat(loss: Tensor, params: readonly Tensor[], size: number): Float32Array {
  const out = new Float32Array(size);
  let at = 0;
  for (const [i, g] of grad(loss, params, { allowUnused: true, retainGraph: true }).entries()) {
    if (g) out.set(g.data(), at);
    at += (params[i] as Tensor).size;
  }
  return out;
}

/** The first `n` of them, as functions that give losses. Lazily: a loader's batch lives until the next one. */
function* batchesOf<B, L>(batches: Iterable<B> | ((k: number) => L), losses: ((batch: B) => L) | undefined, n: number): Generator<() => L> {
  if (typeof batches === 'function') {
    for (let k = 0; k < n; k++) yield () => batches(k);
    return;
  }
  let k = 0;
  for (const batch of batches) {
    if (!losses) checkArgument('diagnose', `batch ${k}`, batch, FUNCTION);
    yield losses ? () => losses(batch) : (batch as unknown as () => L);
    if (++k === n) return;
  }
}

/** Takes one batch's losses and gradients into account. */
function take(gathered: Gathered, losses: Losses, params: readonly Tensor[], size: number): void {
  const entries = entriesOf('diagnose', losses);
  const { names } = gathered;
  if (entries.map(([n]) => n).join() !== names.join())
    throw valueError('diagnose', `a batch has the losses ${entries.map(([n]) => n).join(', ')}, the first one had ${names.join(', ')}. Return the same losses for every batch.`);
  const group = gathered.counts.length < GROUPS ? gathered.counts.push(0) - 1 : gathered.counts.reduce((least, c, h, all) => (c < (all[least] as number) ? h : least), 0);
  gathered.counts[group] = (gathered.counts[group] as number) + 1;
  gathered.sums[group] ??= names.map(() => new Float32Array(size));
  for (const [i, [, loss]] of entries.entries()) {
    const value = loss.item();
    gathered.values[i] = (gathered.values[i] as number) + value;
    const g = Number.isFinite(value) ? flat(loss, params, size) : null;
    const square = g ? inner(g, g) : Number.NaN;
    if (!g || !Number.isFinite(square)) {
      gathered.broken[i] = true;
      continue;
    }
    gathered.squares[i] = (gathered.squares[i] as number) + square;
    const sum = gathered.sums[group]?.[i] as Float32Array;
    for (let p = 0; p < size; p++) sum[p] = (sum[p] as number) + (g[p] as number);
  }
}

/**
 * What two independent batches agree on: the mean over pairs of different groups of ⟨gᵢ, g'ⱼ⟩. Noise has no part in it
 * on average, unlike in ⟨gᵢ, gⱼ⟩ of one batch. `left` is a group left out. Of a single group its own product.
 */
function agreement(products: readonly (readonly number[])[], left: number): number {
  let [sum, n] = [0, 0];
  products.forEach((row, h) => {
    row.forEach((product, k) => {
      if ((h === k && products.length > 1) || h === left || k === left) return;
      sum += product;
      n++;
    });
  });
  return sum / n;
}

/**
 * An estimate and its standard error by leaving out each group in turn (jackknife, Quenouille 1956, Tukey 1958); null
 * below three groups.
 */
function jackknife(groups: number, estimate: (left: number) => number): { value: number; error: number | null } {
  const value = estimate(-1);
  if (groups < 3) return { value, error: null };
  const parts = Array.from({ length: groups }, (_, h) => estimate(h));
  const mean = parts.reduce((a, b) => a + b, 0) / groups;
  return { value, error: Math.sqrt(((groups - 1) / groups) * parts.reduce((s, p) => s + (p - mean) ** 2, 0)) };
}

/**
 * Losses whose gradients are combinations of those before them, at the precision at which methods tell. One that is
 * only opposed to another is not.
 */
function containedIn(gramian: Float64Array, m: number): Contained[] {
  const { norms, cosines } = cosinesOf(gramian, m);
  const cosine = (i: number, j: number): number => cosines[i * m + j] as number;
  const kept: number[] = [];
  const contained: Contained[] = [];
  for (let i = 0; i < m; i++) {
    if (norms[i] === 0) continue;
    const along = Float64Array.from(kept, (j) => cosine(i, j));
    const x = solveDefinite(Float64Array.from(kept.flatMap((a) => kept.map((b) => cosine(a, b)))), along) ?? along;
    const rest = Math.max(1 - product(x, along), 0);
    const others = kept.filter((_, k) => Math.abs(x[k] as number) > 1e-3);
    if (rest > roundedProducts(m)) kept.push(i);
    else if (others.length > 1 || (x[kept.indexOf(others[0] as number)] as number) > 0) contained.push({ loss: i, others, rest });
  }
  return contained;
}

/** Means, norms and what batches agree on. */
function factsOf({ names, values, squares, broken, sums, counts }: Gathered): {
  facts: LossFacts[];
  agreed: number[][];
  cosine: number[][];
  band: (number | null)[][];
  contained: Contained[];
} {
  const batches = counts.reduce((a, b) => a + b, 0);
  const groups = counts.length;
  // products[i][j][h][k] = ⟨mean of gᵢ in group h, mean of gⱼ in group k⟩
  const products = names.map((_, i) =>
    names.map((_, j) => sums.map((a, h) => sums.map((b, k) => inner(a[i] as Float32Array, b[j] as Float32Array) / ((counts[h] as number) * (counts[k] as number))))),
  );
  const agree = (i: number, j: number, left = -1): number => agreement(products[i]?.[j] as number[][], left);
  const agreed = names.map((_, i) => names.map((_, j) => agree(i, j)));
  const clamp = (x: number): number => (Number.isFinite(x) ? Math.max(-1, Math.min(1, x)) : 0);
  const cosines = names.map((_, i) => names.map((_, j) => jackknife(groups, (left) => clamp(agree(i, j, left) / Math.sqrt(agree(i, i, left) * agree(j, j, left))))));
  const facts = names.map((name, i): LossFacts => {
    const square = (squares[i] as number) / batches;
    const signal = jackknife(groups, (left) => agree(i, i, left));
    const sure = signal.error === null ? null : signal.value > 2 * signal.error;
    return {
      name,
      value: (values[i] as number) / batches,
      norm: Math.sqrt(square),
      finite: !broken[i],
      repeat: groups < 2 ? null : square > 0 ? signal.value / square : 0,
      sure,
    };
  });
  const band = cosines.map((row) => row.map(({ error }) => (error === null ? null : Math.min(1, 2 * error))));
  // Over all groups side by side: what depends does so in each.
  const gramian = Float64Array.from(names.flatMap((_, i) => names.map((_n, j) => counts.reduce((s, _c, h) => s + (products[i]?.[j]?.[h]?.[h] as number), 0))));
  const contained = broken.includes(true) ? [] : containedIn(gramian, names.length);
  return { facts, agreed, cosine: cosines.map((row) => row.map((c) => c.value)), band, contained };
}

/**
 * Tells scale, direction, noise, a starved, a dead, a non-finite loss and one that others contain apart, over a few
 * batches at the parameters as they are: in numbers, in one sentence, and with what to try. No method wins everywhere;
 * many leave a pure scale problem untouched.
 *
 * Batches should be independent of one another, as from a shuffled loader: what differs between them is the noise that
 * a cosine is judged against. `.grad`, parameters and optimizers stay as they are; what the forward pass itself changes
 * (running statistics, the random generator) does change.
 *
 * ```ts
 * console.log(`${multiloss.diagnose(loader, ([x, y]) => lossesOf(x, y))}`);
 * ```
 * @param batches independent batches, as a shuffled loader gives them, or functions that give their losses, or one
 * function of the batch's number
 * @param losses a batch's losses by name, where `batches` are batches
 * @throws GRAPH where losses share no parameter; GRAPH, SHAPE naming a loss that is detached or not a scalar
 */
export function diagnose<B, Name extends string>(batches: Iterable<B>, losses: (batch: B) => Losses<Name>, options?: DiagnoseOptions): Diagnosis<Name>;
/** The same for functions that give a batch's losses, or one function of the batch's number. */
export function diagnose<Name extends string>(batches: Iterable<() => Losses<Name>> | ((k: number) => Losses<Name>), options?: DiagnoseOptions): Diagnosis<Name>;
export function diagnose<B, Name extends string>(
  batches: Iterable<B> | ((k: number) => Losses<Name>),
  second?: ((batch: B) => Losses<Name>) | DiagnoseOptions,
  third?: DiagnoseOptions,
): Diagnosis<Name> {
  assertArity('diagnose', arguments.length, 3);
  const [lossesOf, given] = typeof second === 'function' ? [second, third] : [undefined, second];
  const options = optionsOf('diagnose', given, OPTIONS);
  const { batches: n = GROUPS } = options;
  if (typeof batches !== 'function' && typeof (batches as Partial<Iterable<B>> | null)?.[Symbol.iterator] !== 'function')
    throw valueError('diagnose', `batches are a list, a loader, or a function of the batch's number, got ${valueText(batches)}.`);
  refuseWhileRecording('diagnose', 'gradients are read', 'Call it outside of the captured step.');
  let params = options.params && [...options.params];
  let gathered: Gathered | undefined;
  for (const batch of batchesOf<B, Losses<Name>>(batches, lossesOf, n)) {
    scope(() => {
      const losses = enableGrad(batch);
      const entries = entriesOf('diagnose', losses);
      const zeros = (): number[] => entries.map(() => 0);
      gathered ??= { names: entries.map(([name]) => name), values: zeros(), squares: zeros(), broken: entries.map(() => false), sums: [], counts: [] };
      params ??= sharedLeaves(entries.map(([, loss]) => loss));
      if (params.length === 0)
        throw new GradloomError(
          'GRAPH',
          'diagnose',
          `the losses ${gathered.names.join(', ')} share no parameter, so they cannot be in conflict. Train each by itself, or name { params }.`,
        );
      enableGrad(() =>
        take(
          gathered as Gathered,
          losses,
          params as Tensor[],
          (params as Tensor[]).reduce((s, p) => s + p.size, 0),
        ),
      );
    });
  }
  if (!gathered) throw valueError('diagnose', 'got no batches. Pass at least one, better 8.');
  const { facts, agreed, cosine, band, contained } = factsOf(gathered);
  return diagnosisOf<Name>(
    gathered.counts.reduce((a, b) => a + b, 0),
    facts,
    agreed,
    cosine,
    band,
    contained,
  );
}
