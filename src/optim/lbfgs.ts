// L-BFGS. Directions and their history are vectors on the host, float32, with products in float64: what a step costs is the closure.
import { optimizerSteps } from '../module/unclaimed.ts';
import { nests } from '../module/state.ts';
import { tensor } from '../ops/create.ts';
import { float32View } from '../runtime/memory.ts';
import { assertArity, checkArgument, FLAG, FUNCTION, isPlainObject, NUMBER, oneOf, orNull, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { copyElements, dense, detach } from '../tensor/op.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { scope } from '../tensor/scope.ts';
import { callNow } from '../tensor/sync.ts';
import { enableGrad, noGrad } from '../tensor/modes.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkRange, whole } from './options.ts';
import { type GivenOptions, type GroupInput, Optimizer, type OptimizerOptions, type OptimizerState, type ParamGroup, type Rule } from './optimizer.ts';
import type { Trainable } from './parameters.ts';
import { camelKeys } from './state.ts';
import { type Flat, type Point, strongWolfe } from './wolfe.ts';

/** Options of LBFGS, with PyTorch's defaults. */
export interface LBFGSOptions extends Omit<OptimizerOptions, 'weightDecay'> {
  /** Length of a step in units of the direction, or where the line search starts; default 1. */
  lr?: number;
  /** Iterations of one step; default 20. */
  maxIter?: number;
  /** Evaluations of the closure in one step; null, the default: 1.25 · maxIter. */
  maxEval?: number | null;
  /** The largest element of the gradient that counts as 0; default 1e-7. */
  toleranceGrad?: number;
  /** A change of the loss, or of every parameter, that counts as none; default 1e-9. */
  toleranceChange?: number;
  /** Changes that are remembered; default 100. */
  historySize?: number;
  /** How long a step is: `'strong_wolfe'`, or null, the default, for `lr`. */
  lineSearchFn?: 'strong_wolfe' | null;
}

const RULE: Rule<LBFGSOptions> = /* @__PURE__ */ (() => ({
  name: 'LBFGS',
  kinds: {
    lr: NUMBER,
    maxIter: WHOLE,
    maxEval: orNull(WHOLE),
    toleranceGrad: NUMBER,
    toleranceChange: NUMBER,
    historySize: WHOLE,
    lineSearchFn: orNull(oneOf('strong_wolfe')),
    maximize: FLAG,
  },
  defaults: { lr: 1, maxIter: 20, maxEval: null, toleranceGrad: 1e-7, toleranceChange: 1e-9, historySize: 100, lineSearchFn: null, maximize: false } as const,
  moments: {},
}))();

/** What is remembered between steps, under PyTorch's names; `d` and what follows it is there after the first iteration. */
interface Memory {
  funcEvals: number;
  nIter: number;
  d?: Flat;
  t?: number;
  oldDirs?: Flat[];
  oldStps?: Flat[];
  ro?: number[];
  HDiag?: number;
  prevFlatGrad?: Flat;
  prevLoss?: number;
}

function dot(a: Flat, b: Flat): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function addTo(y: Flat, x: Flat, scale: number): void {
  for (let i = 0; i < y.length; i++) y[i] = (y[i] as number) + scale * (x[i] as number);
}

// NaN passes through, as in PyTorch's max.
const largest = (x: Flat): number => x.reduce((m, v) => (Math.abs(v) <= m ? m : Math.abs(v)), 0);

/** The direction −H g from the changes that are remembered (Nocedal & Wright 2006, algorithm 7.4). */
function direction(gradient: Flat, { oldDirs = [], oldStps = [], ro = [], HDiag = 1 }: Memory): Flat {
  const q = gradient.map((v) => -v);
  const al: number[] = [];
  for (let i = oldDirs.length - 1; i >= 0; i--) {
    al[i] = dot(oldStps[i] as Flat, q) * (ro[i] as number);
    addTo(q, oldDirs[i] as Flat, -(al[i] as number));
  }
  for (let i = 0; i < q.length; i++) q[i] = (q[i] as number) * HDiag;
  for (let i = 0; i < oldDirs.length; i++) addTo(q, oldStps[i] as Flat, (al[i] as number) - dot(oldDirs[i] as Flat, q) * (ro[i] as number));
  return q;
}

/** Takes in the last change, unless the loss curves down along it. */
function remember(m: Memory, gradient: Flat, most: number): void {
  const [d, t, previous] = [m.d, m.t, m.prevFlatGrad] as [Flat, number, Flat];
  const y = gradient.map((v, i) => v - (previous[i] as number));
  const s = d.map((v) => v * t);
  const ys = dot(y, s);
  if (!(ys > 1e-10)) return;
  const lists = [m.oldDirs, m.oldStps, m.ro] as [Flat[], Flat[], number[]];
  for (const list of lists) if (list.length >= most) list.splice(0, list.length - most + 1);
  lists[0].push(y);
  lists[1].push(s);
  lists[2].push(1 / ys);
  m.HDiag = ys / dot(y, y);
}

/**
 * Quasi-Newton steps for full batches (Liu & Nocedal 1989, Math. Program. 45): `step` needs a closure, which it calls several times. All parameters are one group.
 * A step cannot be captured: how often the closure runs depends on the losses.
 *
 *     const optimizer = new LBFGS(model.parameters(), { lineSearchFn: 'strong_wolfe' });
 *     optimizer.step(() => {
 *       optimizer.zeroGrad();
 *       const loss = F.mseLoss(model.forward(x), y);
 *       loss.backward();
 *       return loss;
 *     });
 */
export class LBFGS extends Optimizer<LBFGSOptions> {
  protected readonly kernel = null;
  #memory: Memory = { funcEvals: 0, nIter: 0 };

  constructor(params: Trainable | Iterable<GroupInput<LBFGSOptions>>, ...options: GivenOptions<LBFGSOptions>) {
    super(params, ...options);
    const group = this.#group;
    group.maxEval ??= Math.floor((group.maxIter * 5) / 4);
  }

  protected getRule(): Rule<LBFGSOptions> {
    return RULE;
  }

  protected check(o: Required<LBFGSOptions>): void {
    checkRange('LBFGS', 'lr', o.lr, 0);
    for (const name of ['maxIter', 'historySize'] as const) whole('LBFGS', name, o[name]);
    if (o.maxEval !== null) whole('LBFGS', 'maxEval', o.maxEval);
    for (const name of ['toleranceGrad', 'toleranceChange'] as const) if (Number.isNaN(o[name])) throw valueError('LBFGS', `${name} must be a number, got NaN.`);
  }

  protected hyperParameters(): readonly number[] {
    return [];
  }

  protected words(): readonly number[] {
    return [];
  }

  override addParamGroup(group: GroupInput<LBFGSOptions>): void {
    if (this.paramGroups.length > 0) throw valueError('LBFGS', 'takes one group: its parameters are one vector. Give it all of them at once.');
    super.addParamGroup(group);
  }

  get #group(): ParamGroup<LBFGSOptions> {
    return this.paramGroups[0] as ParamGroup<LBFGSOptions>;
  }

  /** Number of elements of all parameters. */
  get #size(): number {
    return this.#group.params.reduce((n, p) => n + p.size, 0);
  }

  /** Each parameter's part of a vector of all. */
  #parts(flat: Flat): [Tensor, Flat][] {
    let at = 0;
    return this.#group.params.map((p) => {
      at += p.size;
      return [p, flat.subarray(at - p.size, at)];
    });
  }

  /** The parameters, or their gradients, as one vector; zeros where there is no gradient. */
  #gather(of: (p: Tensor) => Tensor | null): Flat {
    const flat = new Float32Array(this.#size);
    for (const [p, part] of this.#parts(flat)) {
      const t = of(p);
      if (!t) continue;
      scope(() => {
        const start = dense(detach(t)).address / 4;
        part.set(float32View().subarray(start, start + part.length));
      });
    }
    return flat;
  }

  #gradient(): Flat {
    const flat = this.#gather((p) => p.gathered);
    return this.#group.maximize ? flat.map((v) => -v) : flat;
  }

  /** Writes x + t·d to the parameters. */
  #put(x: Flat, t: number, d: Flat): void {
    scope(() => {
      for (const [p, part] of this.#parts(x.map((v, i) => v + t * (d[i] as number)))) {
        copyElements(tensor(part, { shape: p.sizes }), p);
        p.storage.touch('LBFGS.step()');
      }
    });
  }

  /** Not without a closure. */
  override step(): never;
  /**
   * Runs the closure, which clears the gradients, computes the loss, calls backward and returns the loss; and moves the parameters until the loss is least along
   * the way, at most `maxIter` times. Returns what the closure gave first.
   * @throws VALUE, before anything moves, where there is no closure; where the loss is not one number
   */
  override step<T>(closure: () => T): T;
  override step<T>(closure?: () => T): T {
    const op = 'LBFGS.step';
    refuseWhileRecording(op, 'LBFGS calls its closure as often as the losses ask for', 'Step outside of the captured step, or capture the closure alone.');
    assertArity(op, arguments.length, 1);
    checkArgument(op, 'the closure', closure, { ...FUNCTION, what: 'a function that computes the loss, calls backward and returns the loss' });
    this.assertUndisposed();
    this.prepare();
    const run = closure as () => T;
    const first = enableGrad(() => callNow(op, run, 'the step'));
    const sign = this.#group.maximize ? -1 : 1;
    const lossOf = (value: unknown): number => {
      const loss = value instanceof Tensor && value.size === 1 ? value.item() : value;
      if (typeof loss !== 'number') throw valueError(op, `the closure must return the loss, got ${valueText(value)}. Return a tensor of one element, or a number.`);
      return sign * loss;
    };
    noGrad(() => {
      const loss = lossOf(first);
      optimizerSteps();
      this.#iterate({ t: 0, loss, gradient: this.#gradient(), slope: 0 }, () => {
        const again = scope(() => lossOf(enableGrad(() => callNow(op, run, 'the step'))));
        return again;
      });
    });
    return first;
  }

  #iterate(start: Point, evaluate: () => number): void {
    const { lr, maxIter, toleranceGrad, toleranceChange, historySize, lineSearchFn } = this.#group;
    const maxEval = this.#group.maxEval ?? Math.floor((maxIter * 5) / 4);
    const m = this.#memory;
    m.funcEvals++;
    let { loss, gradient } = start;
    if (largest(gradient) <= toleranceGrad) return;
    let x = this.#gather((p) => p);
    for (let n = 1, evaluations = 1; n <= maxIter; n++) {
      m.nIter++;
      const anew = m.d === undefined;
      if (anew) Object.assign(m, { oldDirs: [], oldStps: [], ro: [], HDiag: 1 });
      else remember(m, gradient, historySize);
      const d = direction(gradient, m);
      const before = loss;
      m.t = anew ? Math.min(1, 1 / gradient.reduce((sum, v) => sum + Math.abs(v), 0)) * lr : lr;
      Object.assign(m, { d, prevFlatGrad: gradient, prevLoss: loss });
      const slope = dot(gradient, d);
      if (slope > -toleranceChange) break;
      let calls = 0;
      const from = x;
      const at = (t: number): Point => {
        this.#put(from, t, d);
        const value = evaluate();
        const g = this.#gradient();
        return { t, loss: value, gradient: g, slope: dot(g, d) };
      };
      if (lineSearchFn) {
        const found = strongWolfe(at, { t: 0, loss, gradient, slope }, m.t, largest(d), toleranceChange, maxEval - evaluations);
        ({ loss, gradient, t: m.t } = found.point);
        calls = found.evaluations;
        this.#put(from, m.t, d);
      } else if (n < maxIter) {
        ({ loss, gradient } = at(m.t));
        calls = 1;
      } else this.#put(from, m.t, d);
      x = this.#gather((p) => p);
      evaluations += calls;
      m.funcEvals += calls;
      const moved = largest(d) * Math.abs(m.t);
      if (evaluations >= maxEval || largest(gradient) <= toleranceGrad || moved <= toleranceChange || Math.abs(loss - before) < toleranceChange) break;
    }
  }

  /** Forgets what the steps so far have shown, and ends. */
  override dispose(): void {
    this.#memory = { funcEvals: 0, nIter: 0 };
    super.dispose();
  }

  /** Options and state as data: the state stands under the first parameter, as in PyTorch; vectors are copies. */
  override stateDict(): OptimizerState {
    const m = this.#memory;
    const data = (value: unknown): unknown => (value instanceof Float32Array ? tensor(value) : Array.isArray(value) ? value.map(data) : value);
    const state = m.funcEvals > 0 ? { 0: Object.fromEntries(Object.entries(m).map(([key, value]) => [key, data(value)])) } : {};
    return { ...super.stateDict(), state: state as unknown as OptimizerState['state'] };
  }

  override loadStateDict(saved: OptimizerState | Readonly<Record<string, unknown>>): void {
    const op = 'LBFGS.loadStateDict';
    const memory = isPlainObject(saved) ? readMemory(op, camelKeys(saved).state, this.#size) : null;
    super.loadStateDict(memory ? { ...camelKeys(saved as Record<string, unknown>), state: {} } : saved);
    if (memory) this.#memory = memory;
  }
}

/** A saved state, checked; also in PyTorch's names. */
function readMemory(op: string, state: unknown, size: number): Memory {
  const fail = (what: string): never => {
    throw new GradloomError('STATE', op, `${what}. Pass what stateDict gave.`);
  };
  if (!isPlainObject(state)) return fail(`the state is ${valueText(state)}, not an object`);
  const [[id, entry] = ['0', undefined], ...more] = Object.entries(state);
  if (more.length > 0 || id !== '0') fail(`the state is that of parameters ${Object.keys(state).join(', ')}, where LBFGS keeps all under 0`);
  if (entry === undefined) return { funcEvals: 0, nIter: 0 };
  if (!isPlainObject(entry)) return fail(`the state of parameter 0 is ${valueText(entry)}, not an object`);
  const found = camelKeys(entry);
  const numberOf = (name: string, value: unknown): number => {
    const n = value instanceof Tensor && value.size === 1 && value.storage.address !== 0 ? value.item() : value;
    return typeof n === 'number' ? n : fail(`${name} is ${valueText(value)}, not a number`);
  };
  const flatOf = (name: string, value: unknown): Flat => {
    const right = value instanceof Tensor ? value.dtype === 'float32' && value.rank === 1 && value.size === size && value.storage.address !== 0 : nests(value, [size], NUMBER.test);
    if (!right) fail(`${name} is ${valueText(value)}, not a vector of ${size} float32`);
    return Float32Array.from(value instanceof Tensor ? (value.toArray() as number[]) : (value as number[]));
  };
  const listOf = <T>(name: string, value: unknown, of: (name: string, value: unknown) => T): T[] =>
    Array.isArray(value) ? value.map((item, i) => of(`${name}[${i}]`, item)) : fail(`${name} is ${valueText(value)}, not a list`);
  // In the order in which steps put them, so that a state that was loaded is saved as the same bytes.
  const known: { [K in keyof Memory]-?: (name: string, value: unknown) => NonNullable<Memory[K]> } = {
    funcEvals: numberOf,
    nIter: numberOf,
    oldDirs: (name, value) => listOf(name, value, flatOf),
    oldStps: (name, value) => listOf(name, value, flatOf),
    ro: (name, value) => listOf(name, value, numberOf),
    HDiag: numberOf,
    t: numberOf,
    d: flatOf,
    prevFlatGrad: flatOf,
    prevLoss: numberOf,
  };
  const unknown = Object.keys(found).find((name) => !Object.hasOwn(known, name) && name !== 'al');
  if (unknown) fail(`${unknown} of parameter 0 is unknown: the state is another optimizer's`);
  const names = Object.keys(known).filter((name) => name === 'funcEvals' || name === 'nIter' || found.d !== undefined);
  const memory = Object.fromEntries(
    names.map((name) => [name, (known[name as keyof Memory] as (name: string, value: unknown) => unknown)(name, found[name])]),
  ) as unknown as Memory;
  for (const name of ['funcEvals', 'nIter'] as const) if (!Number.isSafeInteger(memory[name]) || memory[name] < 0) fail(`${name} is ${memory[name]}, not a count`);
  const lengths = [memory.oldDirs, memory.oldStps, memory.ro].map((list) => list?.length);
  if (new Set(lengths).size > 1) fail(`oldDirs, oldStps and ro have ${lengths.join(', ')} entries, not as many each`);
  return memory;
}
