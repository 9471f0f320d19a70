// Values for parameters: mostly such as the type asks for, sometimes the nearest ones that it must refuse. All from one seeded stream, so that a call's number is its recipe.
import * as gradloom from 'gradloom';
import type { Tensor } from 'gradloom';
import type { Callable, Signature, Type } from './surface.ts';

/** Uniform in [0, 1): mulberry32, seeded by call. */
export class Dice {
  private state: number;

  constructor(seed: number, call: number) {
    this.state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(call + 1, 0x85ebca6b)) | 0;
    for (let i = 0; i < 4; i++) this.next();
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
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
const STRANGE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 31, 2 ** 32, -(2 ** 31), 1e9, 2 ** 53, 1.5, -0.5, -3, 1e-300, 1e300, 65537];
const WORDS = ['mean', 'sum', 'none', 'float32', 'int32', 'min', 'a', '', 'constructor', 'ij,jk->ik', 'weight'];

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
  () => new Float32Array(3),
  () => [1, [2]],
  () => Object.create(null),
  (dice) => dice.pick(STRANGE),
  (dice) => Array.from({ length: 20 }, () => dice.pick(ORDINARY)),
  (dice) => tensorFor(dice, null),
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

/** What is exported under a path of names. */
export function exported(path: readonly string[]): Record<string, unknown> {
  return path.reduce((o, name) => o[name] as Record<string, unknown>, gradloom as unknown as Record<string, unknown>);
}

/** Makes arguments. `constructors`: by name, so that instances can be made. */
export class Maker {
  private readonly dice: Dice;
  private readonly constructors: ReadonlyMap<string, Callable>;
  private readonly likely: readonly number[];
  private depth = 0;

  constructor(dice: Dice, constructors: ReadonlyMap<string, Callable>) {
    this.dice = dice;
    this.constructors = constructors;
    this.likely = dice.pick(SHAPES);
  }

  /** An instance of one of the classes, or undefined where none could be made. */
  instance(names: readonly string[]): unknown {
    const { dice } = this;
    if (names.includes('Tensor')) return tensorFor(dice, this.likely);
    if (this.depth > 2) return undefined;
    this.depth++;
    try {
      for (let i = 0; i < 6; i++) {
        const name = dice.pick(names);
        if (name === 'nn.Parameter') return new gradloom.nn.Parameter(tensorFor(dice, this.likely).detach().float());
        const callable = this.constructors.get(name);
        const signature = callable?.signatures[0];
        if (!callable || !signature) continue;
        try {
          const make = exported(callable.path) as unknown as new (...given: unknown[]) => unknown;
          return new make(...this.list(signature, false));
        } catch {}
      }
    } finally {
      this.depth--;
    }
    return undefined;
  }

  value(type: Type): unknown {
    const { dice } = this;
    switch (type.kind) {
      case 'number':
        return numberFor(dice);
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
      case 'typedArray':
        return dice.chance(0.7) ? Float32Array.from({ length: dice.below(6) }, () => numberFor(dice)) : Uint8Array.of(1, 2, 3);
      case 'instance':
        return this.instance(type.names);
      case 'list':
        return Array.from({ length: dice.chance(0.05) ? 40 : dice.below(4) }, () => this.value(type.item));
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

  /** Arguments for a signature; `bent`: one of them is often such as must be refused. */
  list(signature: Signature, bent: boolean): unknown[] {
    const { dice } = this;
    const { params, required, rest } = signature;
    const count = required + dice.below(params.length - required + 1) + (rest && dice.chance(0.5) ? dice.below(3) : 0);
    const given = Array.from({ length: count }, (_, i) => this.value(params[Math.min(i, params.length - 1)] ?? { kind: 'any' }));
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
