// A tensor: a window on a storage, and its place in the graph. What tensors can do is added by ops/methods.ts.
import { type DType, viewOf } from './dtype.ts';
import { GradloomError, shapeText } from './errors.ts';
import { settle } from './pending.ts';
import { recording, refuseWhileRecording } from './recording.ts';
import { isRowMajor, rowMajor, type Shape, sizeOf } from './shape.ts';
import { dispose, newStorage, type Scope, type Storage } from './storage.ts';
import type { Node } from './tape.ts';

/** Numbers or booleans, nested as the shape is. */
export type NestedArray = number | boolean | NestedArray[];

/** Called with a gradient; a tensor that it returns takes its place. */
export type GradientHook = (gradient: Tensor) => Tensor | undefined | null | void;

/** Undoes a registration. */
export interface HookHandle {
  remove(): void;
}

/** Hooks in the order of registration; one registered twice is there twice. */
export type Hooks<Hook> = Map<HookHandle, Hook>;

/** How a view relates to the tensor that owns its elements, for in-place writes that autograd must follow. */
export interface ViewInfo {
  /** The tensor that the elements belong to; never itself a view. */
  readonly base: Tensor;
  /** The base's generation that `node` was made for. */
  generation: number;
  /** One of several outputs of one op (unbind, split): writing to it in place is refused, as in PyTorch. */
  readonly sibling: boolean;
}

/**
 * An n-dimensional array of float32, int32 or bool. Made by `tensor`, `zeros`, `randn` and the like, or by an op; never by `new`.
 * Elements lie in WebAssembly memory and belong to the innermost open scope.
 */
export class Tensor {
  /** Sizes; `[]` for a scalar. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly size: number;
  /** Steps between neighbours along each dimension, in elements. */
  readonly strides: readonly number[];
  /** Where the first element lies in the storage, in elements. */
  readonly offset: number;
  /** @internal The memory behind it, shared with its views. */
  readonly storage: Storage;
  /** A name for messages: a parameter's path in its module, or what the user sets. */
  label = '';

  /** @internal What made it, where gradients flow through it; read through `nodeOf`. */
  node: Node | null = null;
  /** @internal Set where it is a differentiable view. */
  viewInfo: ViewInfo | null = null;
  /** @internal How often an in-place write has given it a new node. */
  generation = 0;
  /** @internal Whether a leaf asks for a gradient. */
  wantsGrad = false;
  /** @internal The gradient accumulated so far, without what a pass that waits will add. */
  gathered: Tensor | null = null;
  /** @internal Whether a non-leaf keeps its gradient. */
  retains = false;
  /** @internal Made in inference mode. */
  inference = false;
  /** @internal Hooks on its gradient. */
  hooks: Hooks<GradientHook> | null = null;
  /** @internal Hooks after accumulation, on leaves. */
  accumulateHooks: Hooks<(leaf: Tensor) => void> | null = null;

  /** @internal */
  constructor(storage: Storage, shape: Shape, dtype: DType, strides: readonly number[] = rowMajor(shape), offset = 0) {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    this.strides = strides;
    this.offset = offset;
    this.size = sizeOf(shape);
    recording()?.made(this);
  }

  /** @internal The accumulated gradient. */
  get gradient(): Tensor | null {
    settle();
    recording()?.leaf(this, 'read');
    return this.gathered;
  }

  set gradient(g: Tensor | null) {
    settle();
    if (this.gathered) this.gathered.storage.gradients--;
    if (g) g.storage.gradients++;
    this.gathered = g;
  }

  /** Number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }

  /** @internal Byte address of the first element; throws where the tensor's scope has ended. */
  get address(): number {
    assertAlive(this, 'read');
    recording()?.used(this.storage);
    return this.storage.address + this.offset * 4;
  }

  /**
   * Gives its memory back now: its views and its `.grad` end with it. Never required: scopes and the collector do it. For what was kept
   * and is replaced in a loop (a hidden state, an entry of a replay buffer); `using x = …` calls it at the end of the block.
   */
  dispose(): void {
    const { gradient } = this;
    dispose(this.storage);
    if (!gradient || this.storage.address !== 0) return;
    this.gathered = null;
    dispose(gradient.storage);
  }

  // Where the runtime has no Symbol.dispose the name is 'undefined', which nobody calls.
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Whether elements lie in row-major order without gaps. */
  isContiguous(): boolean {
    return isRowMajor(this.shape, this.strides);
  }

  /** A one-element tensor's value: a number, or a boolean's 0 or 1. Reading is synchronous and cheap. */
  item(): number {
    assertAlive(this, 'item');
    refuseWhileRecording('item', 'a value is read', 'Return the tensor from the step and read it outside.');
    if (this.size !== 1) {
      throw new GradloomError('SHAPE', 'item', `the tensor has ${this.size} elements, shape ${shapeText(this.shape)}. Reduce it first (mean, sum) or use toArray().`);
    }
    return viewOf(this.dtype)[this.address / 4] as number;
  }

  /** A copy of the elements in row-major order: Float32Array, Int32Array, or Uint8Array for bool. */
  data(): Float32Array | Int32Array | Uint8Array {
    refuseWhileRecording('data', 'values are read', 'Return the tensor from the step and read it outside.');
    const memory = viewOf(this.dtype);
    const start = this.address / 4;
    if (this.dtype !== 'bool' && this.isContiguous()) return memory.slice(start, start + this.size);
    const out = this.dtype === 'float32' ? new Float32Array(this.size) : this.dtype === 'int32' ? new Int32Array(this.size) : new Uint8Array(this.size);
    let at = 0;
    const walk = (dim: number, from: number): void => {
      if (dim === this.rank) {
        out[at++] = memory[from] as number;
        return;
      }
      for (let i = 0; i < (this.shape[dim] as number); i++) walk(dim + 1, from + i * (this.strides[dim] as number));
    };
    walk(0, start);
    return out;
  }

  /** The elements as nested arrays (a bare value for a scalar); bool gives booleans. */
  toArray(): NestedArray {
    const flat = this.data();
    let at = 0;
    const build = (dim: number): NestedArray => {
      if (dim === this.rank) {
        const v = flat[at++] as number;
        return this.dtype === 'bool' ? v !== 0 : v;
      }
      return Array.from({ length: this.shape[dim] as number }, () => build(dim + 1));
    };
    return build(0);
  }

  /** `float32 [2, 3]`, with the label where there is one. */
  describe(): string {
    return `${this.label ? `'${this.label}' ` : ''}${this.dtype} ${shapeText(this.shape)}`;
  }

  /** Shape, type and up to a thousand elements, for people. */
  toString(): string {
    if (this.storage.address === 0) return `Tensor(${this.describe()}, ended)`;
    if (this.size > 1000) return `Tensor(${this.describe()})`;
    const format = (v: NestedArray, indent: string): string => {
      if (!Array.isArray(v)) return typeof v === 'number' && this.dtype === 'float32' ? `${Number.parseFloat(v.toPrecision(6))}` : `${v}`;
      const nested = Array.isArray(v[0]);
      return `[${v.map((x) => format(x, `${indent} `)).join(nested ? `,\n${indent} ` : ', ')}]`;
    };
    return `Tensor(${this.describe()}) ${format(this.toArray(), '')}`;
  }

  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Throws where the tensor's memory has been given back. */
export function assertAlive(t: Tensor, op: string): void {
  if (t.storage.address !== 0) return;
  throw new GradloomError(
    'SCOPE',
    op,
    `the tensor ${t.describe()} ended with ${t.storage.ended}. Take numbers out before with .item() or .data(), ` +
      'return it from scope(() => …), or make it last with keep(tensor).',
  );
}

/** A new row-major tensor, contents undefined, owned by the innermost open scope unless said. */
export function empty(shape: Shape, dtype: DType = 'float32', owner?: Scope | null): Tensor {
  return new Tensor(newStorage(sizeOf(shape) * 4, dtype, owner, shape), shape, dtype);
}
