// A traced function as a graph.
import type { Module } from '../module/module.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { isPlainObject } from '../tensor/check.ts';
import type { DType } from '../tensor/dtype.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor, TypedArrays } from '../tensor/tensor.ts';

/** Where the elements of a constant come from. */
export type Origin =
  /** Made outside of the traced function. */
  | { readonly kind: 'outside' }
  /** Made inside it, from numbers of the host, or all of one value. */
  | { readonly kind: 'literal' }
  /** Counted out on the host: 'arange 0 10 1 int32', 'linspace 0 1 5 float32', 'eye 3 3 float32'. */
  | { readonly kind: 'computed'; readonly from: string }
  /** Drawn: 'uniform', 'normal', 'permutation', or a 'dropoutMask' with its probability. */
  | { readonly kind: 'random'; readonly kernel: Kernel; readonly p: number }
  /** By kernels outside of any op: no program can be written from that. */
  | { readonly kind: 'opaque'; readonly kernels: readonly string[] };

/** A tensor in the graph. In trees of inputs and outputs it stands where the tensor stood. */
export class Value {
  /** Counted from 0 in the order in which the trace met them. */
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly kind: 'input' | 'parameter' | 'buffer' | 'constant' | 'result';
  /** Of a parameter or buffer: its names in the state dict, several where it is tied. Of an input: its place in the list of inputs, '0', '1.mask'. */
  readonly names: readonly string[];
  /** The node whose output it is. */
  readonly node: Node | null;
  /** Elements of a constant, as it was met. */
  readonly data: TypedArrays[DType] | null;
  /** Where a constant comes from. */
  readonly origin: Origin | null;

  constructor(id: number, t: Tensor, kind: Value['kind'], more: { names?: readonly string[]; node?: Node; data?: TypedArrays[DType]; origin?: Origin } = {}) {
    this.id = id;
    this.shape = t.shape;
    this.dtype = t.dtype;
    this.kind = kind;
    this.names = more.names ?? [];
    this.node = more.node ?? null;
    this.data = more.data ?? null;
    this.origin = more.origin ?? null;
  }
}

/** Options of a node that is a gradient. Its inputs are the outputs, the tensor to whose gradient they lead, then the gradients to start from. */
export interface Gradient {
  /** How many outputs there are. */
  readonly outputs: number;
  /** Which outputs have a gradient to start from. */
  readonly started: readonly boolean[];
  /** Options of the call: `createGraph`, `retainGraph`, `allowUnused`, `materializeGrads`, `isGradsBatched`, where they are set. */
  readonly flags: Readonly<Record<string, boolean>>;
}

/** An op that ran. */
export interface Node {
  /**
   * 'op': a value of its own. 'view': a window on its first input. 'write': its first input was overwritten in place by the second, also in every view of it; the
   * output is the first input from then on. 'detach': the input without its graph. 'grad': a gradient; its options are a `Gradient`.
   */
  readonly kind: 'op' | 'view' | 'write' | 'detach' | 'grad';
  /** The library's name of the op: 'add', 'conv2d', 'transpose'. */
  readonly op: string;
  /** The op's options, as the op object has them; tensors in it have ended. */
  readonly attrs: unknown;
  readonly inputs: readonly Value[];
  readonly output: Value;
  /** The innermost module call that it ran in; null outside of all. */
  readonly call: ModuleCall | null;
}

/** A call of a module's forward. */
export interface ModuleCall {
  readonly module: Module;
  /** Its dotted path in the model; '' for the model itself. */
  readonly path: string;
  readonly className: string;
  /** Its plain fields and options (numbers, flags, text, short lists). */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What forward got: numbers, flags, lists and objects as they were, a `Value` for each tensor. */
  readonly inputs: readonly unknown[];
  /** What it gave, likewise. */
  output: unknown;
  /** The call that it was made in. */
  readonly parent: ModuleCall | null;
  /** `nodes[first] … nodes[last - 1]` ran in it, in calls inside of it too. */
  readonly first: number;
  last: number;
  /** Whether hooks of the program's own are registered on the module. */
  readonly hooked: boolean;
}

/** What a function of tensors did. */
export interface Graph {
  /** The function's arguments, with a `Value` for each tensor. */
  readonly inputs: readonly unknown[];
  /** What it returned, likewise. */
  readonly output: unknown;
  /** In the order in which they ran. */
  readonly nodes: readonly Node[];
  /** In the order in which they began. */
  readonly calls: readonly ModuleCall[];
  /** Every parameter and buffer of the model, used or not, in the order of its state dict; a tied one once. */
  readonly state: readonly Value[];
  /** Modules that looked at `training`: what they did goes by the mode. */
  readonly askedMode: ReadonlySet<Module>;
  /** Values other than parameters that a gradient was taken by, and that no op had made: they were told to require one. */
  readonly leaves: ReadonlySet<Value>;
}

/** What a module was made with: its plain fields and options. */
export function settingsOf(module: Module): Record<string, unknown> {
  const isPlain = (v: unknown): boolean =>
    v === null || ['number', 'boolean', 'string'].includes(typeof v) || (Array.isArray(v) && v.length < 9 && v.every((e) => typeof e === 'number'));
  const fields = Object.entries(module).flatMap(([k, v]) => (k === 'options' && isPlainObject(v) ? Object.entries(v) : [[k, v] as const]));
  return Object.fromEntries(fields.filter(([, v]) => isPlain(v)));
}
