// From losses to gradients: `backward` fills .grad of the leaves, `grad` returns gradients and touches nothing.
import { ones, zerosLike } from '../ops/create.ts';
import { select, stack } from '../ops/movement.ts';
import { GradloomError, shapeError, shapeText, warnOnce } from '../tensor/errors.ts';
import { nodeOf, requiresGrad } from '../tensor/op.ts';
import { settle } from '../tensor/pending.ts';
import { recording } from '../tensor/recording.ts';
import { sameShape } from '../tensor/shape.ts';
import { assertAlive, type Tensor } from '../tensor/tensor.ts';
import { accumulate } from './leaf.ts';
import { type GraphOptions, Pass, type Place } from './pass.ts';
import { joins } from './postponed.ts';

/** Options of `backward`. */
export interface BackwardOptions extends GraphOptions {
  /** Gradients to start from, one per root; a one-element root starts from 1 unless said. */
  gradient?: Tensor | readonly (Tensor | null)[];
  /** The only tensors to fill `.grad` of; others are left alone. */
  inputs?: Tensor | readonly Tensor[];
}

/** Options of `grad`. */
export interface GradOptions extends GraphOptions {
  /** Gradients to start from, one per output; a one-element output starts from 1 unless said. */
  gradOutputs?: Tensor | readonly (Tensor | null)[];
  /** Whether inputs that no output depends on give null instead of an error. */
  allowUnused?: boolean;
  /** Whether such inputs give zeros; implies allowUnused. */
  materializeGrads?: boolean;
  /** Whether gradOutputs have a leading batch dimension: one result row per batch entry (an identity gives a Jacobian). */
  isGradsBatched?: boolean;
}

function listOf<T>(x: T | readonly T[] | undefined): readonly T[] {
  return x === undefined ? [] : Array.isArray(x) ? (x as readonly T[]) : [x as T];
}

/** What a root's gradient starts from. */
function seeds(op: string, roots: readonly Tensor[], given: readonly (Tensor | null)[]): Tensor[] {
  if (given.length > 0 && given.length !== roots.length)
    throw new GradloomError('VALUE', op, `got ${given.length} gradients for ${roots.length} tensors. Give one for each, or none.`);
  return roots.map((root, i) => {
    assertAlive(root, op);
    if (!requiresGrad(root)) {
      throw new GradloomError(
        'GRAPH',
        op,
        `${roots.length > 1 ? `tensor ${i}` : 'the tensor'}, ${root.describe()}, does not require a gradient: nothing that it was computed from does, or detach(), noGrad() or item() cut the graph. Compute it from parameters.`,
      );
    }
    const g = given[i];
    if (!g) {
      if (root.size !== 1)
        throw new GradloomError(
          'GRAPH',
          op,
          `a gradient is implied only for one-element tensors, this one is ${shapeText(root.shape)}. Reduce the loss (mean or sum), or pass { gradient }.`,
        );
      return ones(root.shape);
    }
    if (!sameShape(g.shape, root.shape)) throw shapeError(op, 'the gradient does not have the shape of its tensor', [g.shape, root.shape], 'They must be equal.');
    assertAlive(g, op);
    return g;
  });
}

/** A loss that is NaN or infinite trains nothing: said once per kind of loss. */
function warnNonFinite(root: Tensor): void {
  if (root.size !== 1 || recording()) return;
  const value = root.item();
  if (Number.isFinite(value)) return;
  const name = root.label ? `'${root.label}'` : `computed by ${nodeOf(root)?.op.name ?? 'the caller'}`;
  warnOnce(
    `loss ${name}`,
    `backward: the loss ${name} is ${value}, so its gradients are not finite either. Lower the learning rate, or look for log(0), x/0 or overflow (setDetectAnomaly(true) names the op).`,
  );
}

/**
 * Gradients of the sum of `tensors` (each with its start gradient) with respect to every leaf that requires one, added to its
 * `.grad`. The graph is gone through once and freed unless `retainGraph`. (`torch.autograd.backward`) A pass that retains it may wait, to
 * be one walk with the next one over the graph: whatever could tell, as reading a gradient, has it run first.
 *
 * @throws GRAPH: no graph, a non-scalar without a gradient, or a graph already freed. VERSION: a value that backward needs was
 * modified in place. In each case no `.grad` has changed.
 */
export function backward(tensors: Tensor | readonly Tensor[], options: BackwardOptions = {}): void {
  const roots = listOf(tensors);
  if (roots.length === 0) throw new GradloomError('VALUE', 'backward', 'got an empty list of tensors. Pass at least one loss.');
  const gradients = seeds('backward', roots, listOf(options.gradient));
  for (const root of roots) warnNonFinite(root);
  const { createGraph = false, retainGraph = createGraph } = options;
  if (options.inputs === undefined && !createGraph && joins(roots, gradients, retainGraph)) return;
  settle();
  const targets = new Map<Place, Tensor>();
  if (options.inputs !== undefined) {
    const inputs = listOf(options.inputs);
    if (inputs.length === 0) throw new GradloomError('VALUE', 'backward', '`inputs` is empty. Leave it out to fill every leaf, or name at least one tensor.');
    for (const t of inputs) targets.set(wantedPlace('backward', t), t);
  }
  const receive = (place: Place, g: Tensor, exclusive: boolean): void => accumulate(targets.get(place) ?? (place as Tensor), g, exclusive, createGraph);
  new Pass(receive, targets.size > 0 ? new Set(targets.keys()) : null, options).run(roots, gradients);
}

function wantedPlace(op: string, t: Tensor): Place {
  if (!requiresGrad(t)) throw new GradloomError('GRAPH', op, `the input ${t.describe()} does not require a gradient. Set requiresGrad before the forward pass.`);
  return nodeOf(t) ?? t;
}

/**
 * Gradients of the sum of `outputs` with respect to `inputs`, returned in their order; no `.grad` is touched. (`torch.autograd.grad`)
 *
 * @returns one tensor per input; null where `allowUnused` and no output depends on it
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions & { allowUnused: true; materializeGrads?: false },
): (Tensor | null)[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], options?: GradOptions): Tensor[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], options: GradOptions = {}): (Tensor | null)[] {
  const roots = listOf(outputs);
  const wanted = listOf(inputs);
  if (options.materializeGrads && options.allowUnused === false)
    throw new GradloomError('VALUE', 'grad', 'materializeGrads needs allowUnused. Leave allowUnused out, or set it to true.');
  const places = wanted.map((t) => wantedPlace('grad', t));
  if (options.isGradsBatched) return batched(roots, wanted, options);
  const gradients = seeds('grad', roots, listOf(options.gradOutputs));
  settle();
  const found = new Map<Place, Tensor>();
  const pass: Pass = new Pass((place, g) => found.set(place, pass.expose(g)), new Set(places), options);
  pass.run(roots, gradients);
  return places.map((p, i) => {
    const g = found.get(p);
    if (g) return g;
    if (options.materializeGrads) return zerosLike(wanted[i] as Tensor);
    if (options.allowUnused) return null;
    throw new GradloomError(
      'GRAPH',
      'grad',
      `input ${i}, ${(wanted[i] as Tensor).describe()}, is not used in the graph of the outputs. Pass { allowUnused: true } to get null for it.`,
    );
  });
}

/** One pass per batch entry of the start gradients; results stacked. */
function batched(roots: readonly Tensor[], wanted: readonly Tensor[], options: GradOptions): (Tensor | null)[] {
  const starts = listOf(options.gradOutputs);
  const rows = starts[0]?.shape[0];
  if (rows === undefined) throw new GradloomError('VALUE', 'grad', 'isGradsBatched needs gradOutputs with a leading batch dimension.');
  const results = Array.from({ length: rows }, (_, r) => {
    const gradOutputs = starts.map((s) => s && select(s, 0, r));
    const retainGraph = r < rows - 1 || options.retainGraph;
    return grad(roots, wanted, { ...options, isGradsBatched: false, gradOutputs, retainGraph } as GradOptions) as (Tensor | null)[];
  });
  return wanted.map((_, i) => {
    const column = results.map((row) => row[i] ?? null);
    return column.some((g) => g === null) ? null : stack(column as Tensor[]);
  });
}
