// What a recording of a step gathers: the calls at the seam, and what the levels below tell it.
import { setTracer, type HostWork, type Tracer } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import type { Instruction } from '../runtime/program.ts';
import { GradloomError } from '../tensor/errors.ts';
import { type LeafUse, type RecordedMethod, type Recording, setRecording } from '../tensor/recording.ts';
import { outlive } from '../tensor/scope.ts';
import type { Storage } from '../tensor/storage.ts';
import { Tensor } from '../tensor/tensor.ts';
import { callingLine } from '../tensor/line.ts';

/** Not kernels of a step, but the allocator's. */
const ALLOCATOR = new Set<Kernel>(['alloc', 'free']);

/** What a replay goes by without seeing it. */
export interface Reliance {
  readonly value: unknown;
  readonly current: () => unknown;
  readonly set: ((value: never) => void) | undefined;
}

/** How the step first met the gradient of a leaf, and what was there then. */
export interface LeafRecord {
  readonly use: LeafUse;
  readonly before: Tensor | null;
  readonly address: number;
}

/** What a leaf asks for: 1 for a gradient, 2 for hooks to be called. */
export type Flags = number;

/** What a leaf asks for now. */
export const flagsOf = (t: Tensor): Flags => (t.meta?.wantsGrad ? 1 : 0) + (t.meta?.hooks || t.meta?.accumulateHooks ? 2 : 0);

/** A block that was given back during the step. */
export interface Returned {
  readonly address: number;
  readonly bytes: number;
  /** Whether it was taken in the step, too. */
  readonly own: boolean;
}

/** A method as a step found it. */
export interface MethodUse {
  readonly method: RecordedMethod;
  readonly names: string;
  /** Its fields then, tensors aside, as text. */
  readonly before: string;
}

/** An object's fields as text: equal for two that were made alike. */
function fieldsOf(value: unknown, seen = new Set<unknown>()): string {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return `${value}`;
  if (value instanceof Tensor || seen.has(value)) return '';
  seen.add(value);
  return `{${Object.entries(value).map(([key, v]) => `${key}:${fieldsOf(v, seen)}`)}}`;
}

/** Listens while the step runs. */
export class Recorder implements Recording, Tracer {
  readonly instructions: Instruction[] = [];
  readonly checks = new Map<number, (result: number, address: number) => Error>();
  readonly storages: Storage[] = [];
  readonly returned: Returned[] = [];
  readonly outside = new Set<Storage>();
  readonly writes: [Storage, string][] = [];
  repeats: (() => void)[] = [];
  /** Leaves of the world around whose gradient the step met, with the gradient that was there. */
  readonly leaves = new Map<Tensor, LeafRecord>();
  /** Leaves that the step made itself and gave gradients. */
  readonly ownLeaves = new Set<Tensor>();
  /** What tensors of the world around asked for. */
  readonly flags = new Map<Tensor, Flags>();
  readonly reliances = new Map<object, Reliance>();
  /** Multi-loss methods, in order. */
  readonly methods: MethodUse[] = [];
  readonly steadies: (() => unknown)[] = [];
  /** Tensors of host numbers, by what they follow from. */
  readonly numbers: Map<string, Tensor>;
  /** Whether the run made state that the next will find: then it cannot be repeated. */
  isEarly = false;

  /** The step's inputs, at places of their own. */
  readonly inputs: readonly Tensor[];
  private readonly tensors = new Set<Tensor>();
  private readonly taken = new Set<number>();

  constructor(inputs: readonly Tensor[], numbers = new Map<string, Tensor>()) {
    this.inputs = inputs;
    this.numbers = numbers;
    for (const t of inputs) this.tensors.add(t);
  }

  /** Runs a step while listening. */
  listen<T>(step: () => T): T {
    const before = setTracer(this);
    setRecording(this);
    try {
      return step();
    } finally {
      setTracer(before);
      setRecording(null);
    }
  }

  call(kernel: Kernel, words: readonly number[]): void {
    if (!ALLOCATOR.has(kernel)) this.push({ kernel, words: [...words] });
  }
  host(work: HostWork, addresses: readonly number[]): void {
    this.push({ kernel: 'host', work, words: [...addresses] });
  }
  protected push(instruction: Instruction): void {
    this.instructions.push(instruction);
  }

  born(storage: Storage): void {
    this.storages.push(storage);
    this.taken.add(storage.address);
  }
  freed(address: number, bytes: number): void {
    this.returned.push({ address, bytes, own: this.taken.has(address) });
  }
  /** Whether a block was taken in the step: none of its addresses is used again before the recording ends. */
  protected isOwn({ address }: Storage): boolean {
    return this.taken.has(address);
  }
  used(storage: Storage): void {
    if (!this.isOwn(storage)) this.outside.add(storage);
  }
  wrote(storage: Storage, writer: string): void {
    const at = this.inputs.findIndex((t) => t.storage === storage);
    if (at >= 0) this.refuse(writer, `input ${at} is written to in place, which would not reach the caller's tensor,`, 'Clone it in the step, and write to the clone.');
    if (!this.isOwn(storage)) this.writes.push([storage, writer]);
  }
  made(t: Tensor): void {
    this.tensors.add(t);
  }
  leaf(t: Tensor, use: LeafUse): void {
    if (this.inputs.includes(t) && use !== 'read') {
      this.refuse(
        'backward',
        `input ${this.inputs.indexOf(t)} gathers a gradient, which would not reach the caller's tensor,`,
        'Use x.detach().requiresGrad_() in the step, and return its gradient.',
      );
    }
    if (this.tensors.has(t)) this.ownLeaves.add(t);
    else if (!this.leaves.has(t)) {
      const before = t.gathered;
      this.leaves.set(t, { use, before, address: before ? before.storage.address + before.offset * 4 : 0 });
    }
  }
  asked(t: Tensor): void {
    if (!this.tensors.has(t) && !this.flags.has(t)) this.flags.set(t, flagsOf(t));
  }
  refuse(op: string, why: string, remedy: string): never {
    throw new GradloomError('CAPTURE', op, `${why} inside a captured step${callingLine()}. ${remedy}`);
  }
  rely(owner: object, current: () => unknown, set?: (value: never) => void): void {
    if (!this.reliances.has(owner)) this.reliances.set(owner, { value: current(), current, set });
  }
  method(method: RecordedMethod, names: readonly string[]): void {
    this.methods.push({ method, names: names.join(), before: fieldsOf(method) });
  }
  groups<G extends { params: readonly Tensor[] }>(owner: object, version: () => number, groups: readonly G[], numbers: (group: G) => readonly number[]): void {
    this.rely(owner, version);
    const present = [...groups];
    this.rely(groups, () => groups.length === present.length && present.every((g, i) => g === groups[i]));
    for (const group of groups) {
      const { params } = group;
      const list = [...params];
      // Options that choose between kernels' ways; the rest is read from memory.
      const flags = Object.entries(group).flatMap(([key, value]) => (typeof value === 'boolean' || key === 'momentum' ? [key as keyof G] : []));
      this.rely(group, () => flags.map((key) => (group[key] ? 1 : 0)).join());
      this.rely(params, () => group.params === params && params.length === list.length && params.every((p, i) => p === list[i]));
      this.steady(() => numbers(group).join());
    }
  }
  steady(current: () => unknown): void {
    this.steadies.push(current);
  }
  early(): void {
    this.isEarly = true;
  }
  repeat(work: () => void): void {
    this.repeats.push(work);
  }
  check(error: (result: number, address: number) => Error): void {
    this.checks.set(this.instructions.length - 1, error);
  }
  /** Lets go of the step's tensors and of its graph, but for blocks that last. */
  forget(lasting: readonly Storage[]): void {
    this.storages.splice(0, this.storages.length, ...lasting);
    this.leaves.clear();
    this.ownLeaves.clear();
    this.tensors.clear();
    this.taken.clear();
  }

  /** Runs what is not the step's own. */
  protected silently<T>(run: () => T): T {
    setTracer(null);
    setRecording(null);
    try {
      return run();
    } finally {
      setTracer(this);
      setRecording(this);
    }
  }
  kept<T>(key: string, make: () => T): T {
    const t = this.numbers.get(key) ?? this.silently(() => outlive(make() as Tensor));
    this.numbers.set(key, t);
    return t as T;
  }
}

/** Refuses a captured step. */
export function fail(message: string): never {
  throw new GradloomError('CAPTURE', 'capture', message);
}
