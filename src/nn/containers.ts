// Modules of modules and of parameters. What they contain is named by position or key: `0.weight`, `digit.weight`.
import { FIELDS, type Fields, PUT } from '../module/fields.ts';
import { type Layer, Module } from '../module/module.ts';
import { Parameter } from '../module/parameter.ts';
import { checkArgument, isPlainObject, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { Tensor } from '../tensor/tensor.ts';

/** Throws unless it is a module. */
function moduleOf<M extends Module>(op: string, value: M): M {
  if (value instanceof Module) return value;
  throw new GradloomError('VALUE', op, `contains modules, got ${valueText(value)}.${typeof value === 'function' ? ' Write a module whose forward calls it.' : ''}`);
}

/** A parameter, made of a tensor where it is none yet, as in PyTorch. */
function parameterOf(op: string, value: Tensor): Parameter {
  if (value instanceof Parameter) return value;
  if (value instanceof Tensor) return new Parameter(value);
  throw new GradloomError('DTYPE', op, `contains parameters, got ${valueText(value)}. Make one with new nn.Parameter(tensor(…)).`);
}

/** Throws unless it can be gone through. */
function listOf<T>(op: string, values: Iterable<T>): T[] {
  if (typeof (values as Iterable<T> | null)?.[Symbol.iterator] === 'function' && typeof values === 'object' && !(values instanceof Tensor) && !ArrayBuffer.isView(values))
    return [...values];
  throw new GradloomError('VALUE', op, `takes a list, got ${valueText(values)}. Write [ … ].`);
}

function forwardError(op: string): GradloomError {
  return valueError(op, 'has no forward of its own. Call what it contains.');
}

/** Layers one after the other, given one by one or as a list; parameters are named by position: `0.weight`. */
export class Sequential extends Module {
  readonly #layers: readonly (Module & Layer)[];

  constructor(...layers: (Module & Layer)[] | [layers: readonly (Module & Layer)[]]) {
    super();
    const [first] = layers;
    this.#layers = (layers.length === 1 && Array.isArray(first) ? first : (layers as (Module & Layer)[])).map((layer) => moduleOf('Sequential', layer));
  }

  /** Number of layers. */
  get length(): number {
    return this.#layers.length;
  }

  /** The layer at a position; negative ones count from the end. */
  at(index: number): (Module & Layer) | undefined {
    checkArgument('Sequential.at', 'index', index, WHOLE);
    return this.#layers.at(index);
  }

  /** The layers, in order. */
  [Symbol.iterator](): IterableIterator<Module & Layer> {
    return this.#layers[Symbol.iterator]();
  }

  override [FIELDS](): Fields<Module> {
    return containing(this.#layers.entries(), super[FIELDS]());
  }

  forward(x: Tensor): Tensor {
    let y = x;
    for (const layer of this.#layers) y = layer.forward(y);
    return y;
  }
}

/** What a container holds, before what the fields of a class derived from it hold. */
function containing(entries: Iterable<[string | number, Module | Parameter]>, rest: Fields<Module>): Fields<Module> {
  return { own: [...Array.from(entries, ([key, value]): [string, Module | Parameter] => [`${key}`, value]), ...rest.own], hidden: rest.hidden };
}

/** What both lists are: values by position. */
abstract class List<T extends Module | Parameter, In = T> extends Module {
  readonly #items: T[] = [];
  readonly #name: string;
  readonly #check: (op: string, value: In) => T;

  /** @internal */
  constructor(name: string, check: (op: string, value: In) => T, values: Iterable<In>, extra: readonly never[]) {
    super(...extra);
    this.#name = name;
    this.#check = check;
    this.extend(values);
  }

  /** Number of entries. */
  get length(): number {
    return this.#items.length;
  }

  #place(index: number, most: number): number {
    const at = typeof index === 'number' && index < 0 ? index + this.length : index;
    if (Number.isInteger(at) && at >= 0 && at <= most) return at;
    throw new GradloomError('INDEX', this.#name, `there is no place ${valueText(index)} among ${this.length}. Count from 0, or from −1 at the end.`);
  }

  /** The entry at a position; negative ones count from the end. */
  at(index: number): T {
    return this.#items[this.#place(index, this.length - 1)] as T;
  }

  /** As `at`. */
  get(index: number): T {
    return this.at(index);
  }

  /** Puts another entry in a place. Returns itself. */
  set(index: number, value: In): this {
    const item = this.#check(this.#name, value);
    this.#items[this.#place(index, this.length - 1)] = item;
    return this;
  }

  /** Adds one at the end. Returns itself. */
  append(value: In): this {
    this.#items.push(this.#check(this.#name, value));
    return this;
  }

  /** Adds several at the end. Returns itself. */
  extend(values: Iterable<In>): this {
    this.#items.push(...listOf(this.#name, values).map((value) => this.#check(this.#name, value)));
    return this;
  }

  /** Adds one before a position. Returns itself. */
  insert(index: number, value: In): this {
    const item = this.#check(this.#name, value);
    this.#items.splice(this.#place(index, this.length), 0, item);
    return this;
  }

  /** Positions. */
  keys(): IterableIterator<number> {
    return this.#items.keys();
  }

  /** Entries, in order. */
  values(): IterableIterator<T> {
    return this.#items.values();
  }

  /** Positions with entries. */
  entries(): IterableIterator<[number, T]> {
    return this.#items.entries();
  }

  /** Entries, in order. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.values();
  }

  override [FIELDS](): Fields<Module> {
    return containing(this.#items.entries(), super[FIELDS]());
  }

  /** @internal */
  [PUT](path: string, to: Tensor): boolean {
    const held = Number(path) < this.#items.length;
    if (held) this.#items[Number(path)] = to as never;
    return held;
  }

  forward(..._: never[]): never {
    throw forwardError(this.#name);
  }
}

/** Modules in a list, named by position: `blocks.0.weight`. */
export class ModuleList<M extends Module = Module> extends List<M> {
  constructor(modules: Iterable<M> = [], ...extra: never[]) {
    super('ModuleList', moduleOf<M>, modules, extra);
  }
}

/** Parameters in a list, named by position. Tensors become parameters. */
export class ParameterList extends List<Parameter, Tensor> {
  constructor(parameters: Iterable<Tensor> = [], ...extra: never[]) {
    super('ParameterList', parameterOf, parameters, extra);
  }
}

/** Entries by name: an object, a Map, or pairs. */
export type Named<T> = Readonly<Record<string, T>> | Iterable<readonly [string, T]>;

/** What both dictionaries are: values by name. */
abstract class Dict<T extends Module | Parameter, In = T> extends Module {
  readonly #items = new Map<string, T>();
  readonly #name: string;
  readonly #check: (op: string, value: In) => T;

  /** @internal */
  constructor(name: string, check: (op: string, value: In) => T, values: Named<In>, extra: readonly never[]) {
    super(...extra);
    this.#name = name;
    this.#check = check;
    this.update(values);
  }

  /** Number of entries. */
  get size(): number {
    return this.#items.size;
  }

  /** The entry of a name, or undefined. */
  get(name: string): T | undefined {
    return this.#items.get(name);
  }

  /** Whether there is an entry of this name. */
  has(name: string): boolean {
    return this.#items.has(name);
  }

  /** Puts an entry under a name. Returns itself. */
  set(name: string, value: In): this {
    return this.update([[name, value]]);
  }

  /** Puts several entries under their names. Returns itself. */
  update(values: Named<In>): this {
    const pairs = isPlainObject(values) ? Object.entries(values as Record<string, In>) : listOf(this.#name, values as Iterable<readonly [string, In]>);
    const checked = pairs.map((pair) => {
      const [name, value] = Array.isArray(pair) ? (pair as unknown as [string, In]) : [undefined];
      if (typeof name !== 'string' || name === '' || name.includes('.'))
        throw valueError(this.#name, `names are text without dots, got ${valueText(Array.isArray(pair) ? name : pair)}. Give an object, a Map or pairs [name, value].`);
      return [name, this.#check(this.#name, value as In)] as const;
    });
    for (const [name, value] of checked) this.#items.set(name, value);
    return this;
  }

  /** Takes an entry away. Returns whether there was one. */
  delete(name: string): boolean {
    return this.#items.delete(name);
  }

  /** Names, in order. */
  keys(): IterableIterator<string> {
    return this.#items.keys();
  }

  /** Entries, in order. */
  values(): IterableIterator<T> {
    return this.#items.values();
  }

  /** Names with entries. */
  entries(): IterableIterator<[string, T]> {
    return this.#items.entries();
  }

  /** Names with entries, in order. */
  [Symbol.iterator](): IterableIterator<[string, T]> {
    return this.entries();
  }

  override [FIELDS](): Fields<Module> {
    return containing(this.#items, super[FIELDS]());
  }

  /** @internal */
  [PUT](path: string, to: Tensor): boolean {
    const held = this.#items.has(path);
    if (held) this.#items.set(path, to as never);
    return held;
  }

  forward(..._: never[]): never {
    throw forwardError(this.#name);
  }
}

/** Modules by name: `heads.digit.weight`. */
export class ModuleDict<M extends Module = Module> extends Dict<M> {
  constructor(modules: Named<M> = {}, ...extra: never[]) {
    super('ModuleDict', moduleOf<M>, modules, extra);
  }
}

/** Parameters by name. Tensors become parameters. */
export class ParameterDict extends Dict<Parameter, Tensor> {
  constructor(parameters: Named<Tensor> = {}, ...extra: never[]) {
    super('ParameterDict', parameterOf, parameters, extra);
  }
}
