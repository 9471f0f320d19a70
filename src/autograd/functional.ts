// Derivatives of functions of tensors, returned: PyTorch's torch.autograd.functional.
import { eye, ones, zeros, zerosLike } from '../ops/create.ts';
import { detach, requiresGrad } from '../tensor/op.ts';
import { reshape } from '../ops/movement.ts';
import { assertArity, checkArgument, FLAG, FUNCTION, type Kind, type Kinds, optionsOf } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueError } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import { enableGrad } from '../tensor/modes.ts';
import { metaOf, Tensor } from '../tensor/tensor.ts';
import { type GradientsOf, gradientsOf } from './backward.ts';

/** Options of the functions of `autograd.functional`. */
export interface FunctionalOptions {
  /** Whether results can be differentiated again; not by default: they are detached. */
  createGraph?: boolean;
  /** Whether an output that does not depend on an input is an error, instead of zeros. */
  strict?: boolean;
}

const OPTIONS: Kinds<FunctionalOptions> = { createGraph: FLAG, strict: FLAG };
const isTensor = (v: unknown): v is Tensor => v instanceof Tensor;
const TENSORS: Kind = { what: 'a tensor or a list of tensors', test: (v) => isTensor(v) || (Array.isArray(v) && v.length > 0 && v.every(isTensor)) };

/** A tensor, or several. */
export type Tensors = Tensor | readonly Tensor[];
/** What a function of `autograd.functional` differentiates: it gets the inputs one by one. */
export type Differentiable<Outputs extends Tensors = Tensors> = (...inputs: Tensor[]) => Outputs;
/** One result for a single tensor, else a list with one for each. */
export type Like<Of, Result = Tensor> = Of extends Tensor ? Result : GradientsOf<Of, Result>;

const listOf = (x: Tensors): readonly Tensor[] => (isTensor(x) ? [x] : x);
/** A list as what it was given for: one tensor alone, or several. */
const as = <T>(given: unknown, list: readonly T[]): never => (isTensor(given) ? list[0] : list) as never;

interface Run {
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly given: Tensors;
  readonly outputs: readonly Tensor[];
  readonly returned: Tensors;
  readonly createGraph: boolean;
  readonly strict: boolean;
}

/** Calls the function on inputs that ask for gradients: the given ones where their own graph is to go on, else detached. */
function evaluate(op: string, fn: Differentiable, given: Tensors, options: FunctionalOptions | undefined): Run {
  checkArgument(op, 'fn', fn, FUNCTION);
  checkArgument(op, 'inputs', given, TENSORS);
  const { createGraph = false, strict = false } = optionsOf(op, options, OPTIONS);
  return enableGrad(() => {
    const inputs = listOf(given).map((x, i) => {
      if (x.dtype !== 'float32') throw new GradloomError('DTYPE', op, `input ${i} must be float32, got ${x.describe()}. Convert it with .float().`);
      if (createGraph && requiresGrad(x)) return reshape(x, x.sizes);
      const leaf = detach(x);
      metaOf(leaf).wantsGrad = true;
      return leaf;
    });
    const returned = fn(...inputs);
    checkArgument(op, 'what fn returns', returned, TENSORS);
    return { op, inputs, given, outputs: listOf(returned), returned, createGraph, strict };
  });
}

/** Gradients of some outputs; zeros, or an error, where an input is not reached. */
function gradients(run: Run, outputs: readonly Tensor[], inputs: readonly Tensor[], starts: readonly Tensor[], createGraph: boolean, what = 'output'): Tensor[] {
  const reached = outputs.map((y, i) => [y, starts[i] as Tensor] as const).filter(([y]) => requiresGrad(y));
  if (run.strict && reached.length < outputs.length)
    throw independent(
      run,
      outputs.findIndex((y) => !requiresGrad(y)),
      what,
    );
  if (reached.length === 0) return inputs.map((x) => zerosLike(x));
  const found = gradientsOf(
    run.op,
    reached.map(([y]) => y),
    inputs,
    { gradOutputs: reached.map(([, start]) => start), createGraph, retainGraph: true, allowUnused: true },
  );
  return found.map((g, i) => {
    if (!g && run.strict) throw independent(run, i, 'input');
    return g ?? zerosLike(inputs[i] as Tensor);
  });
}

function independent({ op }: Run, i: number, what: string): GradloomError {
  return new GradloomError(
    'GRAPH',
    op,
    what === 'input' ? `nothing that fn returns depends on input ${i}. Leave out strict to get zeros.` : `${what} ${i} of fn depends on no input. Leave out strict to get zeros.`,
  );
}

/** Results as the caller gets them: without their graph unless it was asked for. */
const handed = ({ createGraph }: Run, list: readonly Tensor[]): Tensor[] => list.map((x) => (createGraph ? x : detach(x)));

/** Directions of the shapes of some tensors; 1 where there is one element and none was given. */
function directions(op: string, v: Tensors | undefined, of: readonly Tensor[], what: string): readonly Tensor[] {
  if (v === undefined || v === null) {
    const [only] = of as [Tensor];
    if (of.length !== 1 || only.size !== 1) throw valueError(op, `v is missing, which only a single ${what} of one element allows. Give one tensor of the shape of each ${what}.`);
    return [ones(only.sizes)];
  }
  checkArgument(op, 'v', v, TENSORS);
  const list = listOf(v);
  if (list.length !== of.length) throw valueError(op, `v has ${list.length} tensors for ${of.length} ${what}s. Give one for each.`);
  list.forEach((d, i) => {
    const t = of[i] as Tensor;
    if (!sameShape(d.sizes, t.sizes)) throw shapeError(op, `v and the ${what} ${i} have different shapes`, [d.sizes, t.sizes], 'They must be the same.');
  });
  return list;
}

function scalar(run: Run): Tensor {
  const [y] = run.outputs as [Tensor];
  if (run.outputs.length === 1 && y.size === 1) return reshape(y, []);
  throw new GradloomError('SHAPE', run.op, `fn must return one tensor of one element, got ${run.outputs.map((t) => shapeText(t.sizes)).join(' and ')}. Reduce it (mean or sum).`);
}

/**
 * vᵀ·J for the Jacobian J of fn, by one backward pass. `v`: a direction of each output's shape, 1 where there is one element.
 *
 * @returns the outputs, and a gradient for each input
 */
export function vjp<const Inputs extends Tensors, Outputs extends Tensors>(
  fn: Differentiable<Outputs>,
  inputs: Inputs,
  v?: Tensors,
  options?: FunctionalOptions,
): [outputs: Outputs, vjp: Like<Inputs>] {
  assertArity('vjp', arguments.length, 4);
  const run = evaluate('vjp', fn, inputs, options);
  const starts = directions('vjp', v, run.outputs, 'output');
  return [as(run.returned, handed(run, run.outputs)), as(inputs, handed(run, gradients(run, run.outputs, run.inputs, starts, run.createGraph)))];
}

/**
 * J·v for the Jacobian J of fn, by two backward passes. `v`: a direction of each input's shape, 1 where there is one element.
 *
 * @returns the outputs, and how each changes along v
 */
export function jvp<const Inputs extends Tensors, Outputs extends Tensors>(
  fn: Differentiable<Outputs>,
  inputs: Inputs,
  v?: Tensors,
  options?: FunctionalOptions,
): [outputs: Outputs, jvp: Like<Outputs>] {
  assertArity('jvp', arguments.length, 4);
  const run = evaluate('jvp', fn, inputs, options);
  const along = directions('jvp', v, run.inputs, 'input');
  const result = enableGrad(() => {
    // The gradient is linear in what it starts from: its gradient with respect to that is J·v.
    const starts = run.outputs.map((y) => leafLike(y));
    return gradients(run, gradients(run, run.outputs, run.inputs, starts, true), starts, along, run.createGraph, 'gradient');
  });
  return [as(run.returned, handed(run, run.outputs)), as(run.returned, handed(run, result))];
}

function leafLike(x: Tensor): Tensor {
  const y = zerosLike(x);
  metaOf(y).wantsGrad = true;
  return y;
}

/** d output/d input of one output, [...output, ...input] for each input, by one backward pass for each of its elements. */
function rowsOf(run: Run, y: Tensor): Tensor[] {
  const shapes = run.inputs.map((x) => [...y.sizes, ...x.sizes]);
  if (!requiresGrad(y) && run.strict) throw independent(run, run.outputs.indexOf(y), 'output');
  if (y.size === 0 || !requiresGrad(y)) return shapes.map((shape) => zeros(shape));
  const gradOutputs = [reshape(eye(y.size), [y.size, ...y.sizes])];
  const found = gradientsOf(run.op, [y], run.inputs, { gradOutputs, isGradsBatched: true, createGraph: run.createGraph, retainGraph: true, allowUnused: true });
  return found.map((g, i) => {
    if (!g && run.strict) throw independent(run, i, 'input');
    return g ? reshape(g, shapes[i] as number[]) : zeros(shapes[i] as number[]);
  });
}

/**
 * The Jacobian of fn: for an output and an input [...output, ...input]; a list over inputs where these are one, and over outputs around it where fn
 * returns one.
 */
export function jacobian<const Inputs extends Tensors, Outputs extends Tensors>(
  fn: Differentiable<Outputs>,
  inputs: Inputs,
  options?: FunctionalOptions,
): Like<Outputs, Like<Inputs>> {
  assertArity('jacobian', arguments.length, 3);
  const run = evaluate('jacobian', fn, inputs, options);
  const rows = enableGrad(() => run.outputs.map((y) => as(inputs, handed(run, rowsOf(run, y))) as Like<Inputs>));
  return as(run.returned, rows);
}

/** The Hessian of fn, which returns one element: [...input, ...input]; lists over inputs, in lists over inputs, where these are one. */
export function hessian<const Inputs extends Tensors>(fn: Differentiable<Tensor>, inputs: Inputs, options?: FunctionalOptions): Like<Inputs, Like<Inputs>> {
  assertArity('hessian', arguments.length, 3);
  const run = evaluate('hessian', fn, inputs, options);
  return enableGrad(() => {
    const y = scalar(run);
    const first = gradients(run, [y], run.inputs, directions('hessian', undefined, [y], 'output'), true);
    return as(
      inputs,
      first.map((g) => as(inputs, handed(run, rowsOf({ ...run, outputs: first }, g)))),
    ) as never;
  });
}

function hessianProduct(op: string, fn: Differentiable<Tensor>, inputs: Tensors, v: Tensors | undefined, options: FunctionalOptions | undefined): [Tensor, never] {
  const run = evaluate(op, fn, inputs, options);
  const along = directions(op, v, run.inputs, 'input');
  return enableGrad(() => {
    const y = scalar(run);
    const first = gradients(run, [y], run.inputs, directions(op, undefined, [y], 'output'), true);
    const product = gradients(run, first, run.inputs, along, run.createGraph, 'gradient');
    return [handed(run, run.outputs)[0] as Tensor, as(inputs, handed(run, product))];
  });
}

/**
 * vᵀ·H for the Hessian H of fn, which returns one element. `v`: a direction of each input's shape.
 *
 * @returns the output, and a product for each input
 */
export function vhp<const Inputs extends Tensors>(fn: Differentiable<Tensor>, inputs: Inputs, v?: Tensors, options?: FunctionalOptions): [output: Tensor, vhp: Like<Inputs>] {
  assertArity('vhp', arguments.length, 4);
  return hessianProduct('vhp', fn, inputs, v, options);
}

/**
 * H·v for the Hessian H of fn, which returns one element: the same numbers as `vhp`, since H is symmetric.
 *
 * @returns the output, and a product for each input
 */
export function hvp<const Inputs extends Tensors>(fn: Differentiable<Tensor>, inputs: Inputs, v?: Tensors, options?: FunctionalOptions): [output: Tensor, hvp: Like<Inputs>] {
  assertArity('hvp', arguments.length, 4);
  return hessianProduct('hvp', fn, inputs, v, options);
}
