// A module's parameter as a function of others (PyTorch's torch.nn.utils.parametrize): `module.weight` is worked out anew at each look.
import { Module } from '../module/module.ts';
import { Buffer, Parameter } from '../module/parameter.ts';
import { div, mul } from '../ops/binary.ts';
import { randn } from '../ops/create.ts';
import { copy_ } from '../ops/inplace.ts';
import { matmul } from '../ops/matmul.ts';
import { norm } from '../ops/moments.ts';
import { clone, flatten, movedim, transpose } from '../ops/movement.ts';
import { sum } from '../ops/reduce.ts';
import { normalize } from '../ops/similarity.ts';
import { assertArity, checkArgument, dimensionOf, FLAG, type Given, instanceOf, type Kinds, NUMBER, optionsBy, orNull, TEXT, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import { Tensor } from '../tensor/tensor.ts';
import { ModuleDict, ModuleList } from './containers.ts';

/** What makes a parameter of others. `rightInverse`, where there is one, says what to start from so that the parameter is a given one. */
export type Parametrization = Module & { forward(...originals: Tensor[]): Tensor; rightInverse?(value: Tensor): Tensor | Tensor[] };

/** The functions of one parameter, in order, and what the first is of: `original`, or `original0`, `original1`. */
class ParametrizationList extends ModuleList<Parametrization> {
  /** The fields that hold what the first function is of. */
  readonly #fields: string[];

  constructor(first: Parametrization, value: Parameter | Buffer) {
    super([first]);
    const start = first.rightInverse ? noGrad(() => first.rightInverse?.(value)) : value;
    const list = Array.isArray(start) ? start : [start];
    const own = (t: Tensor): Tensor =>
      t instanceof Parameter || t instanceof Buffer ? t : value instanceof Parameter ? new Parameter(t, { requiresGrad: value.meta?.wantsGrad ?? false }) : new Buffer(t);
    this.#fields = list.map((_, i) => (Array.isArray(start) ? `original${i}` : 'original'));
    for (const [i, t] of list.entries()) Object.assign(this, { [this.#fields[i] as string]: own(t as Tensor) });
  }

  /** The parameter as it is now. */
  value(): Tensor {
    const [first, ...rest] = this;
    const originals = this.#fields.map((name) => (this as unknown as Record<string, Tensor>)[name] as Tensor);
    return rest.reduce((t, f) => f.forward(t), (first as Parametrization).forward(...originals));
  }
}

type Parametrized = Module & { parametrizations?: ModuleDict<ParametrizationList> };

const MODULE = /* @__PURE__ */ instanceOf(Module, 'a module');

function listOf(op: string, module: Module, name: string): ParametrizationList | undefined {
  checkArgument(op, 'the module', module, MODULE);
  checkArgument(op, 'the name', name, TEXT);
  const { parametrizations } = module as Parametrized;
  return parametrizations instanceof ModuleDict ? (parametrizations.get(name) as ParametrizationList | undefined) : undefined;
}

/**
 * Makes a module's parameter a function of what is trained from now on, `parametrizations.weight.original`. A second one is applied to what the first gives. Call it
 * before the optimizer is made where the function has a `rightInverse`. Returns the module.
 * @throws VALUE where the module has no such parameter; SHAPE where the function changes its shape
 */
export function registerParametrization<M extends Module>(module: M, name: string, parametrization: Parametrization): M {
  const op = 'registerParametrization';
  assertArity(op, arguments.length, 3);
  return register(op, module, name, parametrization);
}

function register<M extends Module>(op: string, module: M, name: string, parametrization: Parametrization): M {
  const list = listOf(op, module, name);
  checkArgument(op, 'the parametrization', parametrization, MODULE);
  const fitting = (before: Tensor, after: Tensor): void => {
    if (!(after instanceof Tensor) || !sameShape(after.sizes, before.sizes))
      throw shapeError(op, `${name} would change its shape`, [before.sizes, after instanceof Tensor ? after.sizes : []], 'Give a function that keeps it.');
  };
  if (list) {
    const before = noGrad(() => list.value());
    fitting(
      before,
      noGrad(() => parametrization.forward(before)),
    );
    list.append(parametrization);
    return module;
  }
  const value = ownOf(op, module, name);
  const made = new ParametrizationList(parametrization, value);
  fitting(
    value,
    noGrad(() => made.value()),
  );
  const target = module as Parametrized;
  delete (target as unknown as Record<string, unknown>)[name];
  // An accessor above the instance: what is worked out is no field, so it is neither trained nor saved.
  const get = (): Tensor => made.value();
  Object.setPrototypeOf(target, Object.create(Object.getPrototypeOf(target), { [name]: { get, configurable: true } }));
  target.parametrizations ??= new ModuleDict<ParametrizationList>();
  target.parametrizations.set(name, made);
  return module;
}

function ownOf(op: string, module: Module, name: string): Parameter | Buffer {
  const value = Object.getOwnPropertyDescriptor(module, name)?.value as unknown;
  if (value instanceof Parameter || value instanceof Buffer) return value;
  throw valueError(op, `${module.constructor.name} has no parameter or buffer '${name}' of its own, got ${valueText(value)}. Name one of its fields.`);
}

/** Whether a module's parameter, or without a name any, is a function of others. */
export function isParametrized(module: Module, name?: string): boolean {
  assertArity('isParametrized', arguments.length, 2);
  if (name !== undefined) return listOf('isParametrized', module, name) !== undefined;
  checkArgument('isParametrized', 'the module', module, MODULE);
  return ((module as Parametrized).parametrizations?.size ?? 0) > 0;
}

/**
 * Makes it a parameter of its own again: with the value that it has, or with `leaveParametrized: false` with what it was a function of. Returns the module.
 * @throws VALUE where it is no function of others
 */
export function removeParametrizations<M extends Module>(module: M, name: string, ...given: Given<{ leaveParametrized?: boolean }, [leaveParametrized?: boolean]>): M {
  const op = 'removeParametrizations';
  const { leaveParametrized = true } = optionsBy<{ leaveParametrized?: boolean }>(op, given, { leaveParametrized: FLAG });
  return remove(op, module, name, leaveParametrized);
}

function remove<M extends Module>(op: string, module: M, name: string, leave: boolean): M {
  const list = listOf(op, module, name);
  if (!list) throw valueError(op, `'${name}' of ${module.constructor.name} is not parametrized.`);
  const { original } = list as unknown as { original?: Parameter | Buffer };
  if (!leave && !original) throw valueError(op, `'${name}' is a function of several. Leave it parametrized.`);
  const value = noGrad(() => list.value());
  const target = module as Parametrized;
  target.parametrizations?.delete(name);
  if (target.parametrizations?.size === 0) delete target.parametrizations;
  // The accessor goes; others below it stay.
  for (let p = Object.getPrototypeOf(target) as object | null; p; p = Object.getPrototypeOf(p) as object | null)
    if (Object.hasOwn(p, name) && delete (p as Record<string, unknown>)[name]) break;
  const kept = original ?? new Parameter(value);
  if (leave && original) noGrad(() => copy_(original, value));
  Object.defineProperty(target, name, { value: kept, configurable: true, enumerable: true, writable: true });
  return module;
}

/** v · g/‖v‖, with norms over all dimensions but one (null: over all). */
class WeightNorm extends Module {
  readonly #dim: number | null;

  constructor(dim: number | null) {
    super();
    this.#dim = dim;
  }

  #norm(v: Tensor): Tensor {
    const dims = [...v.sizes.keys()].filter((d) => d !== this.#dim);
    return dims.length > 0 ? norm(v, { dim: dims, keepdim: this.#dim !== null }) : v.abs();
  }

  forward(g: Tensor, v: Tensor): Tensor {
    return mul(v, div(g, this.#norm(v)));
  }

  rightInverse(weight: Tensor): Tensor[] {
    return [this.#norm(weight), weight];
  }
}

/** Options of `weightNorm`. */
export interface WeightNormOptions {
  /** The parameter; default 'weight'. */
  name?: string;
  /** The dimension whose parts have a length each; default 0. null: one length for all. */
  dim?: number | null;
}

/**
 * A weight as direction and length, trained apart: w = g·v/‖v‖ (Salimans & Kingma 2016, arXiv 1602.07868). They are `parametrizations.weight.original0` and `original1`.
 * Returns the module.
 *
 *     const layer = nn.utils.weightNorm(new nn.Linear(20, 40));
 */
export function weightNorm<M extends Module>(module: M, ...given: Given<WeightNormOptions, [name?: string, dim?: number | null]>): M {
  const op = 'weightNorm';
  const { name = 'weight', dim = 0 } = optionsBy<WeightNormOptions>(op, given, { name: TEXT, dim: orNull(WHOLE) });
  checkArgument(op, 'the module', module, MODULE);
  if (isParametrized(module, name)) throw valueError(op, `'${name}' is parametrized already. Call weightNorm before what comes on top of it.`);
  return register(op, module, name, new WeightNorm(dim === null || dim === -1 ? null : dimensionOf(op, ownOf(op, module, name), dim)) as unknown as Parametrization);
}

/** The weight as a parameter of its own again, as it is. Returns the module. */
export function removeWeightNorm<M extends Module>(module: M, name = 'weight'): M {
  const op = 'removeWeightNorm';
  assertArity(op, arguments.length, 2);
  const list = listOf(op, module, name);
  if (!list || !((list.at(0) as Module) instanceof WeightNorm)) throw new GradloomError('VALUE', op, `'${name}' has no weightNorm.`);
  return remove(op, module, name, true);
}

/** W/σ(W), where σ, the largest singular value, is followed by the power method in training. */
class SpectralNorm extends Module {
  readonly _u: Buffer | null = null;
  readonly _v: Buffer | null = null;
  readonly #dim: number;
  readonly #iterations: number;
  readonly #eps: number;

  constructor(weight: Tensor, dim: number, iterations: number, eps: number) {
    super();
    this.#dim = dim;
    this.#iterations = iterations;
    this.#eps = eps;
    if (weight.rank < 2) return;
    const [rows, columns] = this.#matrix(weight).sizes as [number, number];
    const start = (n: number): Buffer => scope(() => new Buffer(normalize(randn([n]), { dim: 0, eps })));
    this._u = start(rows);
    this._v = start(columns);
    this.#iterate(weight, 15);
  }

  #matrix(weight: Tensor): Tensor {
    return flatten(movedim(weight, this.#dim, 0), 1);
  }

  #iterate(weight: Tensor, count: number): void {
    const [u, v] = [this._u, this._v] as [Buffer, Buffer];
    scope(() =>
      noGrad(() => {
        const w = this.#matrix(weight);
        for (let i = 0; i < count; i++) {
          copy_(u, normalize(matmul(w, v), { dim: 0, eps: this.#eps }));
          copy_(v, normalize(matmul(transpose(w, 0, 1), u), { dim: 0, eps: this.#eps }));
        }
      }),
    );
  }

  forward(weight: Tensor): Tensor {
    if (!this._u || !this._v) return normalize(weight, { dim: 0, eps: this.#eps });
    if (this.training) this.#iterate(weight, this.#iterations);
    const [u, v] = noGrad(() => [clone(this._u as Tensor), clone(this._v as Tensor)]) as [Tensor, Tensor];
    return div(weight, sum(mul(u, matmul(this.#matrix(weight), v))));
  }

  rightInverse(value: Tensor): Tensor {
    return value;
  }
}

/** Options of `spectralNorm`, with PyTorch's defaults. */
export interface SpectralNormOptions {
  /** The parameter; default 'weight'. */
  name?: string;
  /** Steps of the power method at each look in training; default 1. */
  nPowerIterations?: number;
  /** What lengths count at least; default 1e-12. */
  eps?: number;
  /** The dimension of the outputs; default 0, 1 for transposed convolutions. */
  dim?: number | null;
}
const SPECTRAL: Kinds<SpectralNormOptions> = { name: TEXT, nPowerIterations: NUMBER, eps: NUMBER, dim: /* @__PURE__ */ orNull(WHOLE) };

/**
 * A weight divided by its largest singular value (Miyato et al. 2018, arXiv 1802.05957). The weight that is trained is `parametrizations.weight.original`. Returns the module.
 *
 *     const layer = nn.utils.spectralNorm(new nn.Linear(20, 40));
 */
export function spectralNorm<M extends Module>(module: M, ...given: Given<SpectralNormOptions, [name?: string, nPowerIterations?: number, eps?: number, dim?: number | null]>): M {
  const op = 'spectralNorm';
  const { name = 'weight', nPowerIterations = 1, eps = 1e-12, dim } = optionsBy<SpectralNormOptions>(op, given, SPECTRAL);
  checkArgument(op, 'the module', module, MODULE);
  if (!Number.isSafeInteger(nPowerIterations) || nPowerIterations < 1) throw valueError(op, `nPowerIterations must be a whole number ≥ 1, got ${nPowerIterations}.`);
  if (!(eps >= 0)) throw valueError(op, `eps must be ≥ 0, got ${eps}.`);
  const weight = listOf(op, module, name) ? ((module as unknown as Record<string, Tensor>)[name] as Tensor) : ownOf(op, module, name);
  const outputs = dim ?? ((module as { transposed?: boolean }).transposed ? 1 : 0);
  return register(op, module, name, new SpectralNorm(weight, dimensionOf(op, weight, outputs), nPowerIterations, eps));
}
