// From losses to gradients: `backward` fills .grad of the leaves, `grad` returns gradients and touches nothing.
import { ones, zeros } from '../ops/create.ts';
import { clone, select } from '../ops/movement.ts';
import { withoutSettling } from '../runtime/call.ts';
import { assertArity, assertTensor, checkArgument, FLAG, isListOf, type Kind, type Kinds, optionsOf } from '../tensor/check.ts';
import { GradloomError, shapeText, valueError, warnOnce } from '../tensor/errors.ts';
import { nodeOf, requiresGrad } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import type { Shape } from '../tensor/shape.ts';
import { observer } from '../tensor/tape.ts';
import { assertAlive, metaOf, Tensor } from '../tensor/tensor.ts';
import { assertGradient } from './hooks.ts';
import { fill, GRAPH_OPTIONS, type GraphOptions, Pass, type Place, placeOf } from './pass.ts';
import { joins } from './postponed.ts';
import { type Rows, stacked } from './rows.ts';

/** Options of `backward`. */
export interface BackwardOptions extends GraphOptions {
  /** Gradients to start from, one per root; default 1 for a one-element root. */
  gradient?: Tensor | readonly (Tensor | null)[];
  /** The only tensors to fill `.grad` of; others are left alone. One that is not a leaf keeps its gradient from then on, as by `retainGrad()`. */
  inputs?: Tensor | readonly Tensor[];
}

const isTensor = (v: unknown): boolean => v instanceof Tensor;
/** A tensor, or a list of them. */
const TENSORS: Kind = { what: 'a tensor or a list of tensors, such as model.parameters()', test: (v) => isTensor(v) || isListOf(v, isTensor) };
const GRADIENTS: Kind = {
  what: 'a tensor, or a list of one tensor or null for each',
  test: (v) => isTensor(v) || (Array.isArray(v) && v.every((g) => g === null || g === undefined || isTensor(g))),
};
const BACKWARD_OPTIONS: Kinds<BackwardOptions> = { ...GRAPH_OPTIONS, gradient: GRADIENTS, inputs: TENSORS };

/** Options of `grad`. */
export interface GradOptions extends GraphOptions {
  /** Gradients to start from, one per output; default 1 for a one-element output. */
  gradOutputs?: Tensor | readonly (Tensor | null)[];
  /** Whether inputs that no output depends on give null instead of an error. */
  allowUnused?: boolean;
  /** Whether such inputs give zeros; implies allowUnused. */
  materializeGrads?: boolean;
  /** Whether gradOutputs have a leading batch dimension: one result row per batch entry (an identity gives a Jacobian). */
  isGradsBatched?: boolean;
}

const GRAD_OPTIONS: Kinds<GradOptions> = { ...GRAPH_OPTIONS, gradOutputs: GRADIENTS, allowUnused: FLAG, materializeGrads: FLAG, isGradsBatched: FLAG };

/** A list as it was given, a hole in it undefined. */
function listOf<T>(x: T | readonly T[] | undefined): readonly T[] {
  return x === undefined ? [] : Array.isArray(x) ? Array.from(x as readonly T[]) : [x as T];
}

/** What a root's gradient starts from; `batch`: the sizes of a leading dimension that it has. */
function seeds(op: string, roots: readonly Tensor[], given: readonly (Tensor | null | undefined)[], batch: Shape = []): Tensor[] {
  if (given.length > 0 && given.length !== roots.length) throw valueError(op, `got ${given.length} gradients for ${roots.length} tensors. Give one for each, or none.`);
  return roots.map((root, i) => {
    assertTensor(op, root, roots.length > 1 ? `tensor ${i}` : 'what to differentiate');
    assertAlive(root, op);
    if (!requiresGrad(root)) {
      throw new GradloomError(
        'GRAPH',
        op,
        `${roots.length > 1 ? `tensor ${i}` : 'the tensor'}, ${root.describe()}, does not require a gradient: nothing that it was computed from does, or detach, noGrad or item cut the graph.`,
      );
    }
    const g = given[i];
    if (!g) {
      if (root.size !== 1)
        throw new GradloomError('GRAPH', op, `a gradient is implied only for one-element tensors, this one is ${shapeText(root.sizes)}. Reduce it, or pass { gradient }.`);
      return ones([...batch, ...root.sizes]);
    }
    assertGradient(op, g, [...batch, ...root.sizes], roots.length > 1 ? `gradient ${i}` : 'the gradient');
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
    `backward: the loss ${name} is ${value}, so its gradients are not finite either. Lower the learning rate, or look for log(0), x/0 or overflow: setDetectAnomaly(true) names the op.`,
  );
}

/**
 * Gradients of the sum of `tensors` (each with its start gradient) with respect to every leaf that requires one when it arrives, added to its
 * `.grad`. The graph is gone through once and freed unless `retainGraph`. (`torch.autograd.backward`) A pass that retains it may wait, to
 * be one walk with the next one over the graph: whatever could tell, as reading a gradient, has it run first.
 *
 * @param given a tensor stands for `{ gradient }`
 * @throws GRAPH: no graph, a non-scalar without a gradient, or a graph already freed. VERSION: a value that backward needs was
 * modified in place. In each case no `.grad` has changed.
 */
export function backward(tensors: Tensor | readonly Tensor[], given?: BackwardOptions | Tensor): void {
  assertArity('backward', arguments.length, 2);
  const options = given instanceof Tensor ? { gradient: given } : optionsOf('backward', given, BACKWARD_OPTIONS);
  const roots = listOf(tensors);
  if (roots.length === 0) throw valueError('backward', 'got an empty list of tensors. Pass at least one loss.');
  const inputs = options.inputs && listOf(options.inputs);
  if (inputs?.length === 0) throw valueError('backward', '`inputs` is empty. Leave it out to fill every leaf.');
  const targets = inputs && new Set(inputs.map((t) => wantedPlace('backward', t)));
  const gradients = withoutSettling(() => {
    const starts = seeds('backward', roots, listOf(options.gradient));
    for (const root of roots) warnNonFinite(root);
    return starts;
  });
  const { createGraph = false, retainGraph = createGraph } = options;
  if (!inputs && !createGraph && joins(roots, gradients, retainGraph)) return;
  for (const t of inputs ?? []) keepsGradient(t);
  fill(roots, gradients, { createGraph, retainGraph, wanted: targets });
}

/** @internal Goes on behind a tensor whose gradients have met there and been through its hooks. */
export function continueBackward(t: Tensor, gradient: Tensor, retainGraph?: boolean): void {
  fill([t], [gradient], { retainGraph, begun: nodeOf(t) });
}

/** Lets a tensor keep its gradient in `.grad`, as leaves do. */
export function keepsGradient(t: Tensor): void {
  const node = nodeOf(t);
  if (!node) return;
  node.retaining = t;
  metaOf(t).retains = true;
}

function wantedPlace(op: string, t: Tensor): Place {
  assertTensor(op, t);
  assertAlive(t, op);
  if (!requiresGrad(t)) throw new GradloomError('GRAPH', op, `the input ${t.describe()} does not require a gradient. Set requiresGrad first.`);
  return placeOf(t);
}

/** One gradient per input: a tuple of as many as there are inputs, where that is known. */
export type GradientsOf<Inputs, Gradient = Tensor> = Inputs extends readonly unknown[] ? { -readonly [K in keyof Inputs]: Gradient } : [Gradient];

/**
 * As without `allowUnused`, with null for an input that no output depends on.
 *
 * @returns one tensor or null per input
 */
export function grad<const Inputs extends Tensor | readonly Tensor[]>(
  outputs: Tensor | readonly Tensor[],
  inputs: Inputs,
  options: GradOptions & { allowUnused: true; materializeGrads?: false },
): GradientsOf<Inputs, Tensor | null>;
/**
 * Gradients of the sum of `outputs` with respect to `inputs`, returned in their order; no `.grad` is touched. (`torch.autograd.grad`)
 *
 * @returns one tensor per input
 */
export function grad<const Inputs extends Tensor | readonly Tensor[]>(outputs: Tensor | readonly Tensor[], inputs: Inputs, options?: GradOptions | Tensor): GradientsOf<Inputs>;
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], given?: GradOptions | Tensor): unknown {
  assertArity('grad', arguments.length, 3);
  const options: GradOptions = given instanceof Tensor ? { gradOutputs: given } : optionsOf('grad', given, GRAD_OPTIONS);
  checkArgument('grad', 'outputs', outputs, TENSORS);
  checkArgument('grad', 'inputs', inputs, TENSORS);
  return gradientsOf('grad', listOf(outputs), listOf(inputs), options);
}

/** Leaves by which a gradient that has a graph was taken: a PINN's points, the samples of a gradient penalty. */
export const points = /* @__PURE__ */ new WeakSet<Place>();

/** @internal `grad` under the name of the function that calls it. */
export function gradientsOf(op: string, roots: readonly Tensor[], wanted: readonly Tensor[], options: GradOptions): (Tensor | null)[] {
  const run = (): (Tensor | null)[] => differentiate(op, roots, wanted, options);
  return observer?.grad ? observer.grad(run, roots, wanted, options) : run();
}

function differentiate(op: string, roots: readonly Tensor[], wanted: readonly Tensor[], options: GradOptions): (Tensor | null)[] {
  if (roots.length === 0 || wanted.length === 0) throw valueError(op, `got ${roots.length} outputs and ${wanted.length} inputs. Pass at least one of each.`);
  if (options.materializeGrads && options.allowUnused === false) throw valueError(op, 'materializeGrads needs allowUnused. Leave allowUnused out, or set it to true.');
  const places = wanted.map((t) => wantedPlace(op, t));
  const { createGraph, retainGraph, isGradsBatched } = options;
  if (createGraph) for (const place of places) points.add(place);
  const starts = listOf(options.gradOutputs);
  const k = isGradsBatched ? starts.find((g) => g)?.sizes[0] : 1;
  if (!k) throw valueError(op, 'isGradsBatched needs gradOutputs with a leading batch dimension of one size, 1 at least.');
  const batch = isGradsBatched ? [k] : [];
  const gradients = seeds(op, roots, starts, batch);
  const ids = Array.from({ length: k }, (_, i) => i);
  const rows = gradients.map((values): Rows => ({ ids, values: isGradsBatched && k === 1 ? select(values, 0, 0) : values }));
  const found = new Map<Place, Tensor>();
  // Results share no memory with one another, nor with what the pass started from.
  const taken = new Set(gradients.map((g) => g.storage));
  const own = (g: Tensor): Tensor => (taken.has(g.storage) ? clone(g) : g);
  const pass: Pass = new Pass(
    (place, rows) => {
      const mine = pass.expose(own(isGradsBatched ? stacked(rows) : rows.values));
      taken.add(mine.storage);
      found.set(place, mine);
    },
    { createGraph, retainGraph, wanted: new Set(places) },
  );
  pass.run(roots, rows);
  return places.map((p, i) => {
    const g = found.get(p);
    if (g) return places.indexOf(p) === i ? g : clone(g);
    if (options.materializeGrads) return zeros([...batch, ...(wanted[i] as Tensor).sizes]);
    if (options.allowUnused) return null;
    throw new GradloomError('GRAPH', op, `input ${i}, ${(wanted[i] as Tensor).describe()}, is not used in the graph of the outputs. Pass { allowUnused: true } to get null.`);
  });
}
