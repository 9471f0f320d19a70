// A tensor: a window on a storage, and its place in the graph. What tensors can do is added by src/methods.ts.
import { type DType, viewOf } from './dtype.ts';
import { COPY, GradloomError, shapeText, THIS_COPY, valueText } from './errors.ts';
import { settle } from '../runtime/call.ts';
import { recording, refuseWhileRecording } from './recording.ts';
import { isRowMajor, rowMajor, type Shape, sizeOf } from './shape.ts';
import { dispose, newStorage, type Scope, Storage } from './storage.ts';

/** Numbers or booleans, nested as the shape is. */
export type NestedArray = number | boolean | NestedArray[];

/** The array that `data` copies elements of a type to. */
export interface TypedArrays {
  /** Numbers. */
  float32: Float32Array<ArrayBuffer>;
  /** Whole numbers. */
  int32: Int32Array<ArrayBuffer>;
  /** 0 or 1. */
  bool: Uint8Array<ArrayBuffer>;
}

/** Called with a gradient; a tensor that it returns takes its place. */
export type GradientHook = (gradient: Tensor) => Tensor | undefined | null | void;

/** Undoes a registration. */
export interface HookHandle {
  /** Ends it; a second time does nothing. */
  remove(): void;
}

/** Hooks in the order of registration; one registered twice is there twice. */
export type Hooks<Hook> = Map<HookHandle, Hook>;

/** How a view relates to the tensor that owns its elements, for in-place writes that autograd must follow. */
export interface ViewInfo {
  /** The tensor that the elements belong to; never itself a view. */
  readonly base: Tensor;
  /** The base's generation that the view's node was made for. */
  generation: number;
  /** One of several outputs of one op (unbind, split): writing to it in place is refused, as in PyTorch. */
  readonly sibling: boolean;
  /** Made without recording: writing to it while recording is refused, as in PyTorch. */
  readonly quiet: boolean;
  /** Makes the view again, of the base after it was written to. */
  readonly rebuild: (base: Tensor) => Tensor;
}

/** What autograd knows of a tensor, in a record beside it: most tensors have none. */
export class AutogradMeta {
  /** The op that made it, where gradients flow through it: a `Node`, read through `nodeOf`. */
  node: object | null = null;
  /** Set where it is a view. */
  view: ViewInfo | null = null;
  /** How often an in-place write has given it a new node. */
  generation = 0;
  /** Whether a leaf asks for a gradient. */
  wantsGrad = false;
  /** Whether a non-leaf keeps its gradient. */
  retains = false;
  /** Where it is a window on memory that is older: the scope that it was made in, with which its gradient ends. */
  born: Scope | null = null;
  /** Made in inference mode. */
  inference = false;
  /** Hooks on its gradient. */
  hooks: Hooks<GradientHook> | null = null;
  /** Hooks after accumulation, on leaves. */
  accumulateHooks: Hooks<(leaf: Tensor) => void> | null = null;
  /** @internal Behind `grad`: no #field, as `shown` of Tensor. */
  held: Tensor | null = null;

  /** The accumulated gradient, with what a pass that waits adds to it. */
  get grad(): Tensor | null {
    settle();
    return this.held;
  }

  set grad(g: Tensor | null) {
    settle();
    if (this.held) this.held.storage.gradients--;
    if (g) g.storage.gradients++;
    this.held = g;
  }
}

/** The record beside a tensor, made where there is none. */
export function metaOf(t: Tensor): AutogradMeta {
  t.meta ??= new AutogradMeta();
  return t.meta;
}

/**
 * An n-dimensional array of float32, int32 or bool. Made by `tensor`, `zeros`, `randn` and the like, or by an op; never by `new`.
 * Elements lie in WebAssembly memory and belong to the innermost open scope.
 */
export class Tensor {
  /** @internal Sizes as ops read them. Nobody outside holds this list: a write to it would let kernels reach beyond the memory. */
  readonly sizes: Shape;
  /** @internal Strides, likewise. */
  readonly steps: readonly number[];
  /** Element type. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly size: number;
  /** Where the first element lies in the storage, in elements. */
  readonly offset: number;
  /** @internal The memory behind it, shared with its views. */
  readonly storage: Storage;
  /** A name for messages: a parameter's path in its module, or what the user sets. */
  label = '';

  /** @internal What autograd knows of it; null where that is nothing. */
  meta: AutogradMeta | null = null;

  /** @internal What `shape` has given out. Not `#shown`: a Proxy of a tensor, as state libraries make them, has no such fields. */
  shown: Shape | null = null;

  /** @internal */
  constructor(storage: Storage, sizes: Shape, dtype: DType, steps?: readonly number[], offset = 0) {
    if (!(storage instanceof Storage)) throw new GradloomError('VALUE', 'Tensor', 'is not made by new. Use tensor(…), zeros(…) and the like.');
    this.storage = storage;
    this.sizes = sizes;
    this.dtype = dtype;
    this.steps = steps ?? rowMajor(sizes);
    this.offset = offset;
    this.size = sizeOf(sizes);
    recording()?.made(this);
  }

  /** Sizes; `[]` for a scalar. The list is frozen: `reshape` gives a tensor another shape. */
  get shape(): Shape {
    this.shown ??= Object.freeze([...this.sizes]);
    return this.shown;
  }

  /** Steps between neighbours along each dimension, in elements. */
  get strides(): readonly number[] {
    return Object.freeze([...this.steps]);
  }

  /** @internal The accumulated gradient, of which recordings do not hear. */
  get gathered(): Tensor | null {
    return this.meta?.grad ?? null;
  }

  /** @internal The accumulated gradient. */
  get gradient(): Tensor | null {
    const { gathered } = this;
    recording()?.leaf(this, 'read');
    return gathered;
  }

  set gradient(g: Tensor | null) {
    metaOf(this).grad = g;
  }

  /** Number of dimensions. */
  get rank(): number {
    return this.sizes.length;
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
    metaOf(this).grad = null;
    dispose(gradient.storage);
  }

  // Where the runtime has no Symbol.dispose the name is 'undefined', which nobody calls.
  /** As `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Whether elements lie in row-major order without gaps. */
  isContiguous(): boolean {
    return isRowMajor(this.sizes, this.steps);
  }

  /** A one-element tensor's value: a number, or a boolean's 0 or 1. Reading is synchronous and cheap. */
  item(): number {
    assertAlive(this, 'item');
    refuseReading('item');
    if (this.size !== 1) {
      throw new GradloomError('SHAPE', 'item', `the tensor has ${this.size} elements, shape ${shapeText(this.sizes)}. Reduce it, or use toArray().`);
    }
    return viewOf(this.dtype)[this.address / 4] as number;
  }

  /**
   * A copy of the elements in row-major order: Float32Array, Int32Array, or Uint8Array for bool. `data('float32')` says which it is to be.
   * @throws DTYPE where the elements are of another type than said
   */
  data<D extends DType = DType>(dtype?: D): TypedArrays[D];
  data(dtype: DType = this.dtype): TypedArrays[DType] {
    if (dtype !== this.dtype)
      throw new GradloomError('DTYPE', 'data', `the tensor is ${this.describe()}, not ${typeof dtype === 'string' ? dtype : valueText(dtype)}. Convert it with to().`);
    refuseReading('data');
    const memory = viewOf(this.dtype);
    const start = this.address / 4;
    try {
      if (this.dtype !== 'bool' && this.isContiguous()) return memory.slice(start, start + this.size);
      const out = new (this.dtype === 'float32' ? Float32Array : this.dtype === 'int32' ? Int32Array : Uint8Array)(this.size);
      const last = this.rank - 1;
      const [n, step] = [this.sizes[last] ?? 1, this.steps[last] ?? 1];
      let at = 0;
      const walk = (dim: number, from: number): void => {
        if (dim >= last) for (let i = 0; i < n; i++) out[at++] = memory[from + i * step] as number;
        else for (let i = 0; i < (this.sizes[dim] as number); i++) walk(dim + 1, from + i * (this.steps[dim] as number));
      };
      if (this.size > 0) walk(0, start);
      return out;
    } catch (cause) {
      throw noRoom(this, 'data', cause);
    }
  }

  /** The elements as nested arrays (a bare value for a scalar); bool gives booleans. */
  toArray(): NestedArray {
    // Numbers and lists: more would end the process, not in an error.
    if (this.sizes.reduceRight((all, n) => n * (all + 1), 0) > 2 ** 26) throw noRoom(this, 'toArray');
    const flat = this.data();
    let at = 0;
    const build = (dim: number): NestedArray => {
      if (dim === this.rank) {
        const v = flat[at++] as number;
        return this.dtype === 'bool' ? v !== 0 : v;
      }
      return Array.from({ length: this.sizes[dim] as number }, () => build(dim + 1));
    };
    return build(0);
  }

  /** What `JSON.stringify` writes: nested numbers, which `tensor` takes back. */
  toJSON(): NestedArray {
    return this.toArray();
  }

  /** @internal */
  get [COPY](): object {
    return THIS_COPY;
  }

  /** `float32 [2, 3]`, with the label where there is one. */
  describe(): string {
    return `${this.label ? `'${this.label}' ` : ''}${this.dtype} ${shapeText(this.sizes)}`;
  }

  /** Shape, type and elements in columns, for people; of more than a thousand, the first and the last three along each dimension. */
  toString(): string {
    const { dtype, rank, size, sizes, steps } = this;
    if (this.storage.address === 0) return `Tensor(${this.describe()}, ended)`;
    refuseReading('toString');
    const memory = viewOf(dtype);
    let width = 0;
    const format = (dim = 0, at = this.address / 4): string => {
      if (dim === rank) {
        const v = memory[at] as number;
        const text = `${dtype === 'bool' ? !!v : dtype === 'float32' ? +v.toPrecision(6) : v}`;
        width = Math.max(width, text.length);
        return rank > 1 ? text.padStart(width) : text;
      }
      const n = sizes[dim] as number;
      const cut = n > 6 && (size > 1000 || size === 0);
      const part = (_: unknown, i: number): string => (cut && i === 3 ? '…' : format(dim + 1, at + (cut && i > 3 ? n - 7 + i : i) * (steps[dim] as number)));
      return `[${Array.from({ length: cut ? 7 : n }, part).join(dim < rank - 1 ? `,\n${' '.repeat(dim + 1)}` : ', ')}]`;
    };
    format(); // finds the width
    return `Tensor(${this.describe()})${rank > 1 ? '\n' : ' '}${format()}`;
  }

  /** `loss < 0.5`, `+loss`, `loss + 1`: a one-element tensor's number. `${loss}`: a scalar's number, else the text. */
  [Symbol.toPrimitive](hint: string): number | string {
    if (hint === 'string') return this.rank === 0 && this.storage.address !== 0 ? `${this.dtype === 'bool' ? this.item() !== 0 : this.item()}` : this.toString();
    if (this.size === 1) return this.item();
    throw new GradloomError('VALUE', 'Tensor', `operators take numbers, this is ${this.describe()}. Use methods (add, lt, …), or item() of one element.`);
  }

  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

function refuseReading(op: string): void {
  refuseWhileRecording(op, 'a value is read', 'Return the tensor from the step and read it outside.');
}

function noRoom(t: Tensor, op: string, cause?: unknown): GradloomError {
  return new GradloomError('MEMORY', op, `JavaScript has no room for ${t.describe()}. Read a part of it: slice(…).${op}().`, { cause });
}

/** Throws where the tensor's memory has been given back. */
export function assertAlive(t: Tensor, op: string): void {
  if (t.storage.address !== 0) return;
  throw new GradloomError(
    'SCOPE',
    op,
    `the tensor ${t.describe()} ended with ${t.storage.ended}. Take numbers out before with .item() or .data(), return it from scope(() => …), or make it last with keep(tensor).`,
  );
}

/** A new row-major tensor, contents undefined, owned by `owner`, default the innermost open scope. */
export function empty(shape: Shape, dtype: DType = 'float32', owner?: Scope | null): Tensor {
  return new Tensor(newStorage(sizeOf(shape) * 4, dtype, owner, shape), shape, dtype);
}
