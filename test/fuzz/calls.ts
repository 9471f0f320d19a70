// One fuzzed call: made from its number, run, and looked at. What it may do: return, or throw a GradloomError or its callback's own error. What it may not: anything else.
import * as gradloom from 'gradloom';
import { GradloomError, type Tensor } from 'gradloom';
import { float32View, int32View } from '../../src/runtime/memory.ts';
import type { Callable } from './surface.ts';
import { CallbackError, Dice, exported, Maker, perform, text } from './values.ts';

/** What is wrong with a call. */
export type Fault = 'trap' | 'hang' | 'host error' | 'foreign write' | 'ignored option' | 'next operation' | 'crash';

export interface Finding {
  readonly call: number;
  readonly fault: Fault;
  readonly what: string;
}

/** Not called: what ends the process's threads, and constructors that only the library calls. */
const LEFT_OUT = /^(close|new (Tensor|GradloomError))$/;

/** Whose further arguments belong to the user's function or module; what JSON calls with a key; what passes over further ones as Array and Map do. */
const OPEN = /^(capture\(\)\(\)|.*#forward|new nn\.Sequential|.*Alternate#step|.*#toJSON|.*(Dict|List|Sequential)#(get|has|set|delete|at|append|extend|insert|update))$/;
/** Methods that take nothing, in PyTorch too: nobody means an option by what is given to them. */
const NOTHING =
  /#(toString|toJSONLines|describe|dispose|eval|release|remove|reset|begin|getLastLr|getState|compute|namedChildren|children|modules|buffers|resetRunningStats|keys|values|entries)$|^optim\..*#stateDict$/;
/** Whose first object is data, no options. */
const DATA = /#(record|backward|loadStateDict)$|^new DataLoader$|^checkpoint\.(write|read)$/;
/** Functions that may change their arguments, besides those whose names say so (`clipGradNorm_`). */
const WRITES = /_$|backward|Norm$|gradcheck|gradgradcheck|applyCombiner|^(keep|scope|capture|noGrad|enableGrad|inference)$/;
/** A promise that is not settled by then waits for the outside. */
const WAIT_MS = 100;

/** Tensors that no call is given: whoever changes one has written outside its own. One of each common size, between the calls' own blocks. */
class Canaries {
  private readonly tensors: readonly Tensor[];
  private readonly before: Int32Array;

  constructor() {
    const sizes = [1, 1, 2, 3, 4, 6, 9, 16, 17, 24, 32, 64, 68, 128, 256, 1024];
    this.tensors = sizes.flatMap((n) => [gradloom.keep(gradloom.full([n], 7)), gradloom.keep(gradloom.full([n], 3, { dtype: 'int32' }))]);
    this.before = this.hashes();
  }

  private hashes(): Int32Array {
    return Int32Array.from(this.tensors, hash);
  }

  /** Which one was changed; it is put right again. */
  changed(): string | null {
    const now = this.hashes();
    const at = now.findIndex((h, i) => h !== this.before[i]);
    if (at < 0) return null;
    this.tensors.forEach((t, i) => {
      const n = t.storage.bytes / 4;
      if (i % 2 === 0) float32View().fill(7, t.storage.address / 4, t.storage.address / 4 + n);
      else int32View().fill(3, t.storage.address / 4, t.storage.address / 4 + n);
    });
    return `a tensor of ${(this.tensors[at] as Tensor).size} elements that no argument named was changed`;
  }
}

export class Fuzz {
  private readonly seed: number;
  private readonly callables: readonly Callable[];
  private readonly constructors: ReadonlyMap<string, readonly Callable[]>;
  private readonly canaries = new Canaries();
  /** Promises of calls with an option that does not exist, and what is to be said of each that is kept. */
  private readonly unsettled: [Promise<unknown>, () => void][] = [];
  readonly counts = { calls: 0, returned: 0, refused: 0, callback: 0, pending: 0, 'without receiver': 0, options: 0 };

  constructor(surface: readonly Callable[], seed: number, only: string) {
    this.seed = seed;
    const makers = new Map<string, Callable[]>();
    for (const c of surface) {
      const name = c.makes ?? (c.kind === 'constructor' ? c.path.join('.') : '');
      if (name) makers.set(name, [...(makers.get(name) ?? []), c]);
    }
    this.constructors = makers;
    const wanted = new RegExp(only);
    this.callables = surface.filter((c) => wanted.test(c.name) && isThere(c) && !LEFT_OUT.test(c.name) && c.signatures.length > 0);
  }

  get size(): number {
    return this.callables.length;
  }

  /** Makes call number `i` and everything that it is checked for. */
  async run(i: number): Promise<Finding[]> {
    const dice = new Dice(this.seed, i);
    const callable = dice.pick(this.callables);
    const signature = dice.pick(callable.signatures);
    const findings: Finding[] = [];
    let shown = `${callable.name}(…)`;
    const report = (fault: Fault, what: string): void => {
      findings.push({ call: i, fault, what: `${shown}: ${what}` });
    };
    this.counts.calls++;
    let later: unknown;
    try {
      await gradloom.scope(() => {
        const maker = new Maker(dice, this.constructors);
        const { via, classes, path, kind } = callable;
        const needsOne = via !== undefined || kind === 'method' || kind === 'setter' || kind === 'getter';
        const receiver = via ? maker.made(via) : needsOne ? maker.instance(classes ?? [path.join('.')]) : undefined;
        const key = callable.member.startsWith('@@') ? (Symbol[callable.member.slice(2) as 'iterator'] as symbol) : callable.member;
        if (needsOne && (receiver === undefined || receiver === null || (kind === 'method' && key !== '' && !(key in Object(receiver))))) {
          this.counts['without receiver']++;
          return;
        }
        const given = maker.list(signature, dice.chance(0.5), callable.member);
        shown = `${callable.name}(${given.map((v) => text(v)).join(', ')})`;
        const watch = kind === 'function' && !WRITES.test(callable.name) ? given.filter((t): t is Tensor => t instanceof gradloom.Tensor && t.storage?.address > 0) : [];
        const before = watch.map(hash);
        const result = this.invoke(callable, receiver, given, report);
        watch.forEach((t, i) => {
          if (t.storage.address > 0 && hash(t) !== before[i]) report('foreign write', `its argument ${text(t)} was changed`);
        });
        later = result.value;
        if (result.returned && dice.chance(0.5)) this.probeOptions(callable, receiver, given, report);
      });
    } catch (error) {
      if (!(error instanceof GradloomError)) report(error instanceof WebAssembly.RuntimeError ? 'trap' : 'host error', `around the call: ${error}`);
    }
    if (later instanceof Promise) {
      const end = await settled(later);
      if (end === 'pending') this.counts.pending++;
      else if (end !== 'returned') this.judge(end.error, report);
    }
    for (const [promise, ignored] of this.unsettled.splice(0)) if ((await settled(promise)) === 'returned') ignored();
    gradloom.setGradEnabled(true);
    gradloom.autograd.setDetectAnomaly(false);
    const changed = this.canaries.changed();
    if (changed) report('foreign write', changed);
    try {
      const sum = gradloom.scope(() =>
        gradloom
          .tensor([1, 2])
          .add(gradloom.tensor([3, 5]))
          .mul(2)
          .sum()
          .item(),
      );
      if (sum !== 22) report('next operation', `(1 + 3 + 2 + 5)·2 gives ${sum}`);
    } catch (error) {
      report('next operation', `${error}`);
    }
    return findings;
  }

  private invoke(callable: Callable, receiver: unknown, given: readonly unknown[], report: (fault: Fault, what: string) => void): { returned: boolean; value?: unknown } {
    try {
      const value = perform(callable, receiver, given);
      if (isIterator(value)) drain(value);
      const later = laterOf(value);
      if (!later) readAll(value);
      this.counts.returned++;
      return { returned: true, value: later ?? value };
    } catch (error) {
      this.judge(error, report);
      return { returned: false };
    }
  }

  /** What was thrown: the library's own error, the caller's, or one that must not be. */
  private judge(error: unknown, report: (fault: Fault, what: string) => void): void {
    if (error instanceof GradloomError) this.counts.refused++;
    // A class called as a function says so itself.
    else if (error instanceof CallbackError || `${error}`.startsWith('TypeError: Class constructor Foreign')) this.counts.callback++;
    else if (error instanceof WebAssembly.RuntimeError) report('trap', `${error}`);
    else report('host error', `${error instanceof Error ? `${error.name}: ${error.message}${where(error)}` : String(error)}`);
  }

  /** The same call with an option that does not exist, in its last options and as one more argument: both must be refused. */
  private probeOptions(callable: Callable, receiver: unknown, given: readonly unknown[], report: (fault: Fault, what: string) => void): void {
    if (OPEN.test(callable.name) || NOTHING.test(callable.name) || callable.kind === 'setter' || callable.kind === 'getter' || callable.member.startsWith('@@')) return;
    const signature = callable.signatures.reduce((a, b) => (b.params.length > a.params.length ? b : a));
    const last = given.at(-1);
    const isOptions =
      !DATA.test(callable.name) &&
      signature.params[given.length - 1]?.kind === 'object' &&
      typeof last === 'object' &&
      last !== null &&
      Object.getPrototypeOf(last) === Object.prototype;
    const ignored = (more: readonly unknown[]): void => report('ignored option', `again with bogusOption, (${more.map((v) => text(v)).join(', ')}), is no error`);
    for (const more of [isOptions ? [...given.slice(0, -1), { ...last, bogusOption: 1 }] : null, [...given, { bogusOption: 1 }]]) {
      if (!more) continue;
      this.counts.options++;
      try {
        const value = perform(callable, receiver, more);
        const later = laterOf(value);
        if (later) {
          this.unsettled.push([later, () => ignored(more)]);
          continue;
        }
        if (isIterator(value)) drain(value);
      } catch {
        continue;
      }
      ignored(more);
    }
  }
}

/** Types are exported too; what has no value cannot be called. */
function isThere({ path, via }: Callable): boolean {
  return via ? isThere(via) : exported(path) !== undefined;
}

/** What a call promised, or the first value of what it promised one by one. */
function laterOf(value: unknown): Promise<unknown> | null {
  const iterator = typeof value === 'object' && value !== null && Symbol.asyncIterator in value && typeof (value as { next?: unknown }).next === 'function';
  const later = iterator ? (value as unknown as AsyncIterator<unknown>).next() : value instanceof Promise ? value : null;
  later?.catch(() => {}); // its failure is looked at when the scope has ended
  return later;
}

/** How a promise ends, if it does soon. */
function settled(promise: Promise<unknown>): Promise<'returned' | 'pending' | { error: unknown }> {
  const ended = promise.then(
    () => 'returned' as const,
    (error: unknown) => ({ error }),
  );
  return Promise.race([ended, new Promise<'pending'>((resolve) => setTimeout(resolve, WAIT_MS, 'pending'))]);
}

/** FNV-1a of a tensor's memory. */
function hash({ storage: { address, bytes } }: Tensor): number {
  const words = int32View();
  let h = 0x811c9dc5;
  for (let i = address / 4; i < (address + bytes) / 4; i++) h = Math.imul(h ^ (words[i] as number), 0x01000193);
  return h;
}

/** Reads what a result shows: reports look at memory only then. */
function readAll(value: unknown): void {
  if (typeof value !== 'object' || value === null || value instanceof gradloom.Tensor || ArrayBuffer.isView(value)) return;
  for (let o = value; o && o !== Object.prototype && o !== Array.prototype; o = Object.getPrototypeOf(o)) {
    for (const [key, { get }] of Object.entries(Object.getOwnPropertyDescriptors(o))) if (get && key !== '__proto__') get.call(value);
  }
}

function isIterator(value: unknown): value is Iterator<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && typeof (value as unknown as Iterator<unknown>).next === 'function';
}

function drain(iterator: Iterator<unknown>): void {
  for (let i = 0; i < 3 && !iterator.next().done; i++);
  iterator.return?.();
}

/** The first frame inside the library. */
function where(error: Error): string {
  const frame = (error.stack ?? '').split('\n').find((line) => line.includes('/src/'));
  return frame
    ? ` at ${frame
        .trim()
        .replace(/^at /, '')
        .replace(/\(?\S*\/src\//, 'src/')
        .replace(/\)$/, '')}`
    : '';
}
