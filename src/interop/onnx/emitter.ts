// What an ONNX graph is written with: nodes, initializers, shapes that may go with the batch.
import { create } from '@bufbuild/protobuf';
import type { DType } from '../../tensor/dtype.ts';
import { valueError } from '../../tensor/errors.ts';
import { sizeOf } from '../../tensor/shape.ts';
import type { TypedArrays } from '../../tensor/tensor.ts';
import { Value } from '../graph.ts';
import {
  AttributeProto_AttributeType as A,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as T,
  type TensorProto,
  TensorProtoSchema,
} from './onnx_pb.js';
import { notByBatch, PerBatch, type Size } from './sizes.ts';

/** A number that is written as a float: others are whole. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** @internal */
export const float = (value: number): Float => new Float(value);

/** An attribute: whole, float, text, or a list. */
export type Attribute = number | Float | string | readonly number[] | readonly string[];

/** ONNX's types of ours. */
export const TYPE: Readonly<Record<DType, T>> = { float32: T.FLOAT, int32: T.INT32, bool: T.BOOL };

const utf8 = new TextEncoder();

function attributeOf(name: string, value: Attribute) {
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: A.INT, i: BigInt(value) });
  if (value instanceof Float) return create(AttributeProtoSchema, { name, type: A.FLOAT, f: value.value });
  if (typeof value === 'string') return create(AttributeProtoSchema, { name, type: A.STRING, s: utf8.encode(value) });
  if (typeof value[0] === 'string') return create(AttributeProtoSchema, { name, type: A.STRINGS, strings: (value as readonly string[]).map((s) => utf8.encode(s)) });
  return create(AttributeProtoSchema, { name, type: A.INTS, ints: (value as readonly number[]).map(BigInt) });
}

/** Bytes of elements, little-endian; a bool is a byte. */
const bytesOf = (dtype: DType, data: ArrayLike<number | boolean>): Uint8Array<ArrayBuffer> => {
  if (dtype === 'bool') return Uint8Array.from(data as ArrayLike<number>, Number);
  return new Uint8Array((dtype === 'float32' ? Float32Array : Int32Array).from(data as ArrayLike<number>).buffer);
};

/** Writes a graph. */
export class Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers = new Map<string, TensorProto>();
  /** The module in which nodes are being written. */
  path = '';
  readonly #names = new Map<Value, string>();
  readonly #shapes: (v: Value) => readonly Size[];
  readonly #taken: Set<string>;
  readonly #batch: { readonly input: string; readonly axis: number } | null;
  /** Names of what is written once for all: short constants, shapes, multiples of the batch. */
  readonly #shared = new Map<string, string>();
  #count = 0;

  /** `shapes`: those of both traces in one. `batch`: where the batch's size is read. */
  constructor(shapes: (v: Value) => readonly Size[], batch: { input: string; axis: number } | null, taken: Iterable<string>) {
    this.#shapes = shapes;
    this.#batch = batch;
    this.#taken = new Set(taken);
  }

  /** Its shape. */
  shape(v: Value): readonly Size[] {
    return this.#shapes(v);
  }

  /** Its shape, where no size goes with the batch. `but`: positions that may. */
  fixed(sizes: readonly Size[], what: string, ...but: readonly number[]): number[] {
    return sizes.map((n, i) => {
      if (typeof n === 'number') return n;
      if (but.includes(i)) return -1;
      throw notByBatch(what, `a size of ${n.per} for each sample stands in an attribute`);
    });
  }

  /** A name that nothing has. */
  fresh(word: string): string {
    let name: string;
    do name = `${this.path ? `${this.path}.` : ''}${word}_${this.#count++}`;
    while (this.#taken.has(name));
    this.#taken.add(name);
    return name;
  }

  /** Says what stands for a value. */
  bind(v: Value, name: string): void {
    this.#names.set(v, name);
  }

  /** What stands for a value; constants become initializers. */
  of(v: Value): string {
    let name = this.#names.get(v);
    if (name === undefined) {
      if (v.kind !== 'constant')
        throw valueError('toOnnx', `a value of '${v.node?.call?.path ?? ''}' (${v.node?.op ?? v.kind}) is used outside of the layer that made it, which no layer gives.`);
      name = this.#constant(v);
      this.#names.set(v, name);
    }
    return name;
  }

  #constant(v: Value): string {
    const { data, origin } = v as { data: TypedArrays[DType]; origin: Value['origin'] };
    if (origin?.kind === 'random')
      throw valueError('toOnnx', `${this.path || 'the model'} draws random numbers (${origin.kernel}), which a file cannot. Use eval(), or draw outside and pass them in.`);
    const shape = this.shape(v);
    if (shape.every((n) => typeof n === 'number')) return this.constant(data as ArrayLike<number>, v.dtype, shape as number[]);
    const first = (data as ArrayLike<number>)[0] ?? 0;
    if (!Array.prototype.every.call(data, (x) => Object.is(x, first))) throw notByBatch('a constant', `its shape [${v.shape}] does, and its numbers differ`);
    return this.node('Expand', [this.constant([first], v.dtype, []), this.sizes(shape)]);
  }

  /** An initializer. */
  initializer(name: string, data: ArrayLike<number | boolean>, dtype: DType, shape: readonly number[]): string {
    this.#taken.add(name);
    this.initializers.set(name, create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: TYPE[dtype], rawData: bytesOf(dtype, data) }));
    return name;
  }

  /** Numbers as an initializer without a name of its own; equal short ones are one. */
  constant(data: ArrayLike<number>, dtype: DType = 'float32', shape: readonly number[] = [data.length]): string {
    const key = sizeOf(shape) <= 16 ? `${dtype}[${shape}]${Array.from(data, (v) => (Object.is(v, -0) ? '-0' : Number(v))).join()}` : null;
    const known = key && this.#shared.get(key);
    if (known) return known;
    const name = this.initializer(this.#rooted('constant'), data, dtype, shape);
    if (key) this.#shared.set(key, name);
    return name;
  }

  /** A float of no dimensions. */
  scalar(value: number, dtype: DType = 'float32'): string {
    return this.constant([value], dtype, []);
  }

  #rooted(word: string): string {
    const { path } = this;
    this.path = '';
    const name = this.fresh(word);
    this.path = path;
    return name;
  }

  /** Whole numbers as int64 [n]: axes, shapes. */
  ints(numbers: readonly number[]): string {
    const key = `int64[${numbers}]`;
    const known = this.#shared.get(key);
    if (known) return known;
    const name = this.#rooted('shape');
    const rawData = new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
    this.initializers.set(name, create(TensorProtoSchema, { name, dims: [BigInt(numbers.length)], dataType: T.INT64, rawData }));
    this.#shared.set(key, name);
    return name;
  }

  /** Sizes as int64 [n], those that go with the batch computed from the input. */
  sizes(sizes: readonly Size[]): string {
    if (sizes.every((n) => typeof n === 'number')) return this.ints(sizes as number[]);
    const parts: string[] = [];
    for (let i = 0; i < sizes.length; ) {
      const n = sizes[i] as Size;
      let end = i + 1;
      if (n instanceof PerBatch) parts.push(this.#times(n.per));
      else {
        while (typeof sizes[end] === 'number') end++;
        parts.push(this.ints(sizes.slice(i, end) as number[]));
      }
      i = end;
    }
    return parts.length === 1 ? (parts[0] as string) : this.node('Concat', parts, { axis: 0 });
  }

  /** A multiple of the batch's size, int64 [1]. */
  #times(per: number): string {
    const key = `batch·${per}`;
    let name = this.#shared.get(key);
    if (!name) {
      const { input, axis } = this.#batch as { input: string; axis: number };
      name = per === 1 ? this.node('Shape', [input], { start: axis, end: axis + 1 }) : this.node('Mul', [this.#times(1), this.ints([per])]);
      this.#shared.set(key, name);
    }
    return name;
  }

  /** A shape for Reshape: −1 where a single size goes with the batch. */
  reshaping(sizes: readonly Size[]): string {
    const open = sizes.filter((n) => n instanceof PerBatch).length;
    const full = sizes.every((n) => n !== 0);
    return open === 1 && full ? this.ints(sizes.map((n) => (n instanceof PerBatch ? -1 : n))) : this.sizes(sizes);
  }

  /** Writes a node; its first output, '' for inputs that are left out. */
  node(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute | undefined>> = {}): string {
    return this.many(opType, inputs, attributes, 1)[0] as string;
  }

  /** Writes a node of several outputs. */
  many(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute | undefined>>, outputs: number): string[] {
    const name = this.fresh(opType);
    const output = outputs === 1 ? [name] : Array.from({ length: outputs }, (_, i) => `${name}.${i}`);
    const attribute = Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [attributeOf(key, value)]));
    this.nodes.push(create(NodeProtoSchema, { opType, name, input: [...inputs], output, attribute }));
    return output;
  }

  /** Whole numbers from a node that gives int64, in int32 as all have here. */
  int32(name: string): string {
    return this.node('Cast', [name], { to: T.INT32 });
  }
}

/** Every value in a tree, in order, with its place. */
export function valuesIn(tree: unknown, place = ''): [place: string, value: Value][] {
  if (tree instanceof Value) return [[place, tree]];
  if (typeof tree !== 'object' || tree === null) return [];
  const entries = tree instanceof Map ? [...tree] : Object.entries(tree);
  return entries.flatMap(([key, v]) => valuesIn(v, place ? `${place}.${key}` : `${key}`));
}
