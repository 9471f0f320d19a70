// Values for parameters: mostly such as the type asks for, sometimes the nearest ones that it must refuse. All from one seeded stream, so that a call's number is its recipe.
import { runInNewContext } from 'node:vm';
import * as gradloom from 'gradloom';
import type { Tensor } from 'gradloom';
import * as report from '../../src/entry/report.ts';
import * as worker from '../../src/entry/worker.ts';
import { seeded } from '../seeded.ts';
import type { Callable, Signature, Type } from './surface.ts';

/** Uniform in [0, 1), seeded by call. */
export class Dice {
  readonly next: () => number;

  constructor(seed: number, call: number) {
    this.next = seeded((Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(call + 1, 0x85ebca6b)) | 0);
    for (let i = 0; i < 4; i++) this.next();
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(p: number): boolean {
    return this.next() < p;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

/** Thrown by callbacks that a call was given: the caller's own error, which must come through. */
export class CallbackError extends Error {
  override readonly name = 'CallbackError';
}

const SHAPES: readonly (readonly number[])[] = [[], [1], [3], [2, 3], [3, 2], [3, 3], [2, 2], [1, 3], [2, 3, 4], [1, 2, 4, 4], [2, 1, 5], [0], [2, 0], [4, 17]];
const ORDINARY = [0, 1, 2, 3, 4, 0.5, 0.1, 0.9, -1, -2, 1e-3, 5];
/** For what is made so that something can be called on it: most constructors take these. */
const BENIGN = [1, 2, 1, 3, 0.1, 0.5];
const STRANGE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 31, 2 ** 32, -(2 ** 31), 1e9, 2 ** 53, 1.5, -0.5, -3, 1e-300, 1e300, 65537, -0];
const WORDS = ['mean', 'sum', 'none', 'float32', 'int32', 'min', 'a', '', 'constructor', '__proto__', 'ij,jk->ik', 'weight'];

/** Every kind of buffer that a program may have, by name. */
const BUFFERS: Readonly<Record<string, (list: readonly number[]) => unknown>> = {
  Float32Array: (list) => Float32Array.from(list),
  Float64Array: (list) => Float64Array.from(list),
  Int8Array: (list) => Int8Array.from(list),
  Int16Array: (list) => Int16Array.from(list),
  Int32Array: (list) => Int32Array.from(list),
  Uint8Array: (list) => Uint8Array.from(list),
  Uint8ClampedArray: (list) => Uint8ClampedArray.from(list),
  Uint16Array: (list) => Uint16Array.from(list),
  Uint32Array: (list) => Uint32Array.from(list),
  BigInt64Array: (list) => BigInt64Array.from(list, (v) => BigInt(Number.isFinite(v) ? Math.trunc(v) : 0)),
  BigUint64Array: (list) => BigUint64Array.from(list, (v) => BigInt(Number.isFinite(v) ? Math.trunc(v) : 0)),
  ArrayBuffer: (list) => new ArrayBuffer(4 * list.length),
  SharedArrayBuffer: (list) => new SharedArrayBuffer(4 * list.length),
  DataView: (list) => new DataView(new ArrayBuffer(4 * list.length)),
  shared: (list) => new Float32Array(new SharedArrayBuffer(4 * list.length)),
  detached: (list) => {
    const values = Float32Array.from(list);
    structuredClone(null, { transfer: [values.buffer] });
    return values;
  },
};

/** An object that throws when it is looked into. */
function thrower(): object {
  const get = (): never => {
    throw new CallbackError('thrown by a getter');
  };
  return Object.defineProperties(
    {},
    Object.fromEntries(['length', 'shape', 'dim', 'names', 'losses', 'then', 'lr', 'reduction', 'dtype'].map((key) => [key, { get, enumerable: true }])),
  );
}

class Foreign {
  readonly dim = 0;
  readonly lr = 0.1;
}

const garbage: readonly ((dice: Dice) => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => 'text',
  () => ({}),
  () => [],
  () => [[]],
  () => new Date(0),
  () => 10n,
  () => Symbol('s'),
  () => new Map(),
  () => () => 1,
  () => ({ shape: [2], size: 2 }),
  (dice) => dice.pick(Object.values(BUFFERS))([1, 2, 3]),
  () => [1, [2]],
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is meant
  () => [1, , 2],
  () => Object.assign(Object.create(null), { dim: 0 }),
  () => Object.freeze({ dim: 0 }),
  () => Object.freeze([1, 2]),
  () => new Foreign(),
  () => Foreign,
  () => thrower(),
  (dice) => new Proxy(tensorFor(dice, null), {}),
  () => new Proxy([1, 2], {}),
  () => runInNewContext('[1, 2]'),
  () => runInNewContext('new Float32Array(3)'),
  () => ({ [Symbol.iterator]: 3 }),
  () => ({ [Symbol.toPrimitive]: () => Symbol('p') }),
  () => new (class extends Array {})(2),
  () => new Set([1]),
  () => /x/,
  () => new Error('an error'),
  () => ({ dispose: 1, parameters: 2, storage: null, sizes: [2], describe: 3 }),
  (dice) => dice.pick(STRANGE),
  (dice) => dice.pick(STRANGE),
  (dice) => Array.from({ length: 20 }, () => dice.pick(ORDINARY)),
  () => new Array(70_000).fill(1),
  (dice) => tensorFor(dice, null),
  (dice) => tensorFor(dice, null),
  (dice) => tensorFor(dice, []),
  (dice) => gradloom.zeros(dice.pick([[0], [2, 0], [0, 3]])),
  (dice) => {
    const t = tensorFor(dice, null);
    t.dispose();
    return t;
  },
  (dice) => {
    const t = tensorFor(dice, null);
    const [y] = [gradloom.mul(t, 2).sum()];
    if (y.requiresGrad) y.backward();
    return y;
  },
  () => gradloom.inference(() => gradloom.ones([2, 3])),
  () => Promise.resolve(1),
];

/** A tensor as programs have them: any type, sometimes a view, sometimes a leaf or computed from one. */
function tensorFor(dice: Dice, likely: readonly number[] | null): Tensor {
  const shape = likely && dice.chance(0.7) ? likely : dice.pick(SHAPES);
  const what = dice.next();
  if (what < 0.15) return gradloom.rand(shape).mul(3).int();
  if (what < 0.2) return gradloom.rand(shape).gt(0.5);
  if (what < 0.23) return gradloom.full(shape, dice.pick(STRANGE));
  let t = dice.chance(0.5) ? gradloom.rand(shape) : gradloom.randn(shape);
  if (t.rank === 2 && dice.chance(0.15)) t = t.clone().t().contiguous().t();
  if (dice.chance(0.3)) t.requiresGrad_();
  if (t.requiresGrad && dice.chance(0.4)) t = t.mul(2);
  return t;
}

function numberFor(dice: Dice): number {
  return dice.chance(0.85) ? dice.pick(ORDINARY) : dice.pick(STRANGE);
}

function functionFor(dice: Dice): (...given: unknown[]) => unknown {
  const kind = dice.below(6);
  const value = numberFor(dice);
  return (...given: unknown[]) => {
    const tensor = given.find((g) => g instanceof gradloom.Tensor) as Tensor | undefined;
    if (kind === 0) return undefined;
    if (kind === 1) throw new CallbackError('thrown by a callback');
    if (kind === 2) return value;
    if (kind === 3) return given[0];
    return tensor ? tensor.mul(2).sum() : gradloom.ones([2], { requiresGrad: true }).mul(3).sum();
  };
}

const root = { ...gradloom, report, worker } as unknown as Record<string, unknown>;

/** What is exported under a path of names. */
export function exported(path: readonly string[]): Record<string, unknown> {
  return path.reduce((o, name) => o?.[name] as Record<string, unknown>, root);
}

/** Makes the call. */
export function perform({ kind, path, member }: Callable, receiver: unknown, given: readonly unknown[]): unknown {
  if (kind === 'constructor') return new (exported(path) as unknown as new (...list: unknown[]) => unknown)(...given);
  if (kind === 'function') return (exported(path) as unknown as (...list: unknown[]) => unknown)(...given);
  const of = (kind === 'static' ? exported(path) : receiver) as Record<string | symbol, unknown>;
  if (member === '') return (of as unknown as (...list: unknown[]) => unknown)(...given);
  const key = member.startsWith('@@') ? (Symbol[member.slice(2) as 'iterator'] as symbol) : member;
  if (kind === 'getter') return of[key];
  if (kind === 'setter') of[key] = given[0];
  else return (of[key] as (...list: unknown[]) => unknown).apply(of, given as unknown[]);
}

/** Makes arguments. `constructors`: by name, so that instances can be made. */
export class Maker {
  private readonly dice: Dice;
  private readonly constructors: ReadonlyMap<string, readonly Callable[]>;
  private readonly likely: readonly number[];
  /** How many losses there are, where a call is about some. */
  private readonly losses: number;
  private depth = 0;
  /** Above 0 while something is made to call on. */
  private making = 0;
  /** How many values inside the arguments are still to be such as must be refused. */
  private poison = 0;

  constructor(dice: Dice, constructors: ReadonlyMap<string, readonly Callable[]>) {
    this.dice = dice;
    this.constructors = constructors;
    this.likely = dice.pick(SHAPES);
    this.losses = 1 + dice.below(3);
  }

  /** What a method of no exported class belongs to: what its maker returns. */
  made(via: Callable): unknown {
    this.making++;
    for (let i = 0; i < 6; i++) {
      try {
        const of = via.kind === 'method' ? this.instance(via.classes ?? [via.path.join('.')]) : undefined;
        const made = perform(via, of, this.list(this.dice.pick(via.signatures), false));
        if (made !== undefined) {
          this.making--;
          return made;
        }
      } catch {}
    }
    this.making--;
    return undefined;
  }

  /** An instance of one of the classes, or undefined where none could be made. */
  instance(names: readonly string[]): unknown {
    const { dice } = this;
    if (names.includes('Tensor')) return this.making > 0 && dice.chance(0.6) ? gradloom.rand(this.likely).requiresGrad_() : tensorFor(dice, this.likely);
    if (this.depth > 2) return undefined;
    this.depth++;
    this.making++;
    try {
      for (let i = 0; i < 12; i++) {
        const name = dice.pick(names);
        if (name === 'nn.Parameter') return new gradloom.nn.Parameter(tensorFor(dice, this.likely).detach().float());
        const list = this.constructors.get(name);
        if (!list) continue;
        try {
          const callable = dice.pick(list);
          return perform(callable, undefined, this.list(dice.pick(callable.signatures), false));
        } catch {}
      }
    } finally {
      this.depth--;
      this.making--;
    }
    return undefined;
  }

  value(type: Type): unknown {
    const { dice } = this;
    if (this.poison > 0 && dice.chance(0.3)) {
      this.poison--;
      return dice.pick(garbage)(dice);
    }
    switch (type.kind) {
      case 'number':
        return this.making > 0 && dice.chance(0.9) ? dice.pick(BENIGN) : numberFor(dice);
      case 'boolean':
        return dice.chance(0.5);
      case 'string':
        return dice.pick(WORDS);
      case 'literal':
        return type.value;
      case 'undefined':
        return undefined;
      case 'null':
        return null;
      case 'function':
        return functionFor(dice);
      case 'typedArray': {
        const make = (dice.chance(0.9) ? BUFFERS[type.name] : undefined) ?? dice.pick(Object.values(BUFFERS));
        return make(Array.from({ length: dice.chance(0.5) ? this.losses : dice.below(7) }, () => numberFor(dice)));
      }
      case 'stats':
        return this.stats();
      case 'instance':
        return this.instance(type.names);
      case 'list':
        return Array.from({ length: dice.chance(0.05) ? 40 : (this.making > 0 ? 1 : 0) + dice.below(3) }, () => this.value(type.item));
      case 'tuple':
        return type.items.map((t) => this.value(t));
      case 'record':
        return Object.fromEntries(
          Array.from({ length: dice.below(4) }, (_, i) => [
            dice.chance(0.9) ? `abc`[i] : dice.pick(WORDS),
            type.item.kind === 'any' ? tensorFor(dice, []).sum() : this.value(type.item),
          ]),
        );
      case 'object': {
        const fields: Record<string, unknown> = {};
        for (const [name, t] of Object.entries(type.fields)) if (type.required.includes(name) || dice.chance(0.3)) fields[name] = this.value(t);
        return fields;
      }
      case 'union':
        return this.value(dice.pick(type.of));
      default:
        return dice.chance(0.7) ? tensorFor(dice, this.likely) : dice.pick(garbage)(dice);
    }
  }

  /** What is known of a step: mostly in order. */
  private stats(): Record<string, unknown> {
    const { dice, losses: m } = this;
    const rows = Array.from({ length: m }, () => Array.from({ length: 2 }, () => numberFor(dice)));
    const product = (i: number, j: number): number => (rows[i] as number[]).reduce((sum, v, k) => sum + v * ((rows[j] as number[])[k] as number), 0);
    const all = Array.from({ length: m }, (_, i) => i);
    const stats: Record<string, unknown> = {
      names: all.map((i) => 'abc'[i]),
      losses: Float64Array.from(all, () => numberFor(dice)),
      norms: Float64Array.from(all, (i) => Math.sqrt(product(i, i))),
      gramian: Float64Array.from(all.flatMap((i) => all.map((j) => product(i, j)))),
      ...(dice.chance(0.5) && { elements: { largest: new Float64Array(m).fill(2), mean: new Float64Array(m).fill(1) } }),
      ...(dice.chance(0.3) && { absent: ['d'] }),
      ...(dice.chance(0.3) && { rank: 1 }),
    };
    if (dice.chance(0.3)) {
      const key = dice.pick(Object.keys(stats));
      if (dice.chance(0.2)) delete stats[key];
      else stats[key] = dice.pick(garbage)(dice);
    }
    return stats;
  }

  /** Arguments that go together, for what a method is told; null for anything else. */
  private together(member: string): unknown[] | null {
    const { dice, losses: m } = this;
    const names = ['a', 'b', 'c'].slice(0, m);
    if (member === 'directions') return [Array.from({ length: 1 + dice.below(2) }, () => gradloom.randn([m, 1 + dice.below(4)])), this.stats()];
    if (member === 'combine') return [names.map(() => gradloom.rand([]).requiresGrad_()), names];
    if (member === 'assert') return [Float64Array.from(names, () => numberFor(dice)), names];
    return null;
  }

  /** Arguments for a signature; `bent`: one of them is often such as must be refused. `member`: whose they are. */
  list(signature: Signature, bent: boolean, member = ''): unknown[] {
    const { dice } = this;
    const { params, required, rest } = signature;
    const count = required + dice.below(params.length - required + 1) + (rest && dice.chance(0.5) ? dice.below(3) : 0);
    const outer = this.poison;
    this.poison = bent && dice.chance(0.3) ? 1 : 0;
    const given =
      (dice.chance(0.6) ? this.together(member) : null) ?? Array.from({ length: count }, (_, i) => this.value(params[Math.min(i, params.length - 1)] ?? { kind: 'any' }));
    this.poison = outer;
    if (!bent) return given;
    const at = dice.below(Math.max(given.length, 1));
    if (dice.chance(0.6) && given.length > 0) given[at] = dice.pick(garbage)(dice);
    else if (dice.chance(0.3)) given.length = at;
    else given.push(dice.pick(garbage)(dice));
    return given;
  }
}

/** A value in few words, for reports. */
export function text(value: unknown, depth = 0): string {
  try {
    if (value instanceof gradloom.Tensor) return `${value.requiresGrad ? 'grad ' : ''}${value.describe()}`;
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'function') return 'ƒ';
    if (typeof value === 'symbol') return 'Symbol()';
    if (typeof value === 'bigint') return `${value}n`;
    if (Array.isArray(value)) return value.length > 8 ? `[… ${value.length}]` : `[${value.map((v) => text(v, depth + 1)).join(', ')}]`;
    if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
    const name = (value.constructor as { name?: string } | undefined)?.name ?? 'null';
    if (name !== 'Object' || depth > 2) return name;
    return `{ ${Object.entries(value)
      .map(([k, v]) => `${k}: ${text(v, depth + 1)}`)
      .join(', ')} }`;
  } catch (error) {
    return `(no text: ${error})`;
  }
}
