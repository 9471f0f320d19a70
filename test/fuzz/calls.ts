// One fuzzed call: made from its number, run, and looked at. What it may do: return, or throw a GradloomError or its callback's own error. What it may not: anything else.
import * as gradloom from 'gradloom';
import { GradloomError, type Tensor } from 'gradloom';
import { float32View, int32View } from '../../src/runtime/memory.ts';
import type { Callable, Signature, Type } from './surface.ts';
import { CallbackError, Dice, exported, Maker, text } from './values.ts';

/** What is wrong with a call. */
export type Fault = 'trap' | 'hang' | 'host error' | 'foreign write' | 'ignored option' | 'next operation' | 'crash';

export interface Finding {
  readonly call: number;
  readonly fault: Fault;
  readonly what: string;
}

/** Not called: they end the process's wasm, start workers, or wait for the outside. */
const LEFT_OUT = /^(init|close)$/;
/** Whether a call can be given options: only then is one that does not exist an option. Others pass further arguments over, as `losses.map(exp)` needs. */
const takesOptions = ({ signatures }: Callable): boolean => signatures.some(({ params }) => params.some((p) => hasObject(p)));
const hasObject = (type: Type): boolean => type.kind === 'object' || (type.kind === 'union' && type.of.some(hasObject));

/** Whose further arguments belong to the user's function, or where any object is data. */
const OPEN = /^(keep|scope|noGrad|enableGrad|inference|capture|tensor|Tensor#toJSON|checkpoint\.|new nn\.(Module|Sequential)|.*#(forward|stateDict|loadStateDict)$)/;

/** Tensors that no call is given: whoever changes one has written outside its own. One of each common size, between the calls' own blocks. */
class Canaries {
  private readonly tensors: readonly Tensor[];
  private readonly before: Int32Array;

  constructor() {
    const sizes = [1, 1, 2, 3, 4, 6, 9, 16, 17, 24, 32, 64, 68, 128, 256, 1024];
    this.tensors = sizes.flatMap((n) => [gradloom.keep(gradloom.full([n], 7)), gradloom.keep(gradloom.full([n], 3, { dtype: 'int32' }))]);
    this.before = this.hashes();
  }

  /** FNV-1a of each. */
  private hashes(): Int32Array {
    const words = int32View();
    return Int32Array.from(this.tensors, ({ storage: { address, bytes } }) => {
      let h = 0x811c9dc5;
      for (let i = address / 4; i < (address + bytes) / 4; i++) h = Math.imul(h ^ (words[i] as number), 0x01000193);
      return h;
    });
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
  private readonly constructors: ReadonlyMap<string, Callable>;
  private readonly canaries = new Canaries();
  readonly counts = { calls: 0, returned: 0, refused: 0, callback: 0, options: 0 };

  constructor(surface: readonly Callable[], seed: number, only: string) {
    this.seed = seed;
    this.constructors = new Map(surface.filter((c) => c.kind === 'constructor').map((c) => [c.path.join('.'), c]));
    const wanted = new RegExp(only);
    const all = surface.filter((c) => wanted.test(c.name) && isThere(c) && !LEFT_OUT.test(c.name) && c.signatures.length > 0);
    // What many classes inherit counts once or twice, not a hundred times.
    const seen = new Map<string, number>();
    this.callables = all.filter((c) => {
      if (c.kind !== 'method' && c.kind !== 'setter') return true;
      const key = `${c.kind} ${c.member} ${JSON.stringify(c.signatures)}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
      return (seen.get(key) as number) <= 3;
    });
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
    try {
      await gradloom.scope(() => {
        const maker = new Maker(dice, this.constructors);
        const receiver = callable.kind === 'method' || callable.kind === 'setter' ? maker.instance([callable.path.join('.')]) : undefined;
        if ((callable.kind === 'method' || callable.kind === 'setter') && !receiver) return undefined;
        const given = maker.list(signature, dice.chance(0.5));
        shown = `${callable.name}(${given.map((v) => text(v)).join(', ')})`;
        const result = this.invoke(callable, receiver, given, report);
        if (result.returned && dice.chance(0.5)) this.probeOptions(callable, signature, receiver, given, report);
        return undefined;
      });
    } catch (error) {
      if (!(error instanceof GradloomError)) report(error instanceof WebAssembly.RuntimeError ? 'trap' : 'host error', `around the call: ${error}`);
    }
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
      this.counts.returned++;
      if (value instanceof Promise) value.catch(() => {});
      else if (isIterator(value)) drain(value);
      return { returned: true, value };
    } catch (error) {
      if (error instanceof GradloomError) this.counts.refused++;
      else if (error instanceof CallbackError) this.counts.callback++;
      else if (error instanceof WebAssembly.RuntimeError) report('trap', `${error}`);
      else report('host error', `${error instanceof Error ? `${error.name}: ${error.message}${where(error)}` : error}`);
      return { returned: false };
    }
  }

  /** The same call with an option that does not exist: it must be refused. */
  private probeOptions(callable: Callable, signature: Signature, receiver: unknown, given: readonly unknown[], report: (fault: Fault, what: string) => void): void {
    if (OPEN.test(callable.name) || !takesOptions(callable) || callable.kind === 'setter' || signature.rest) return;
    const last = given.at(-1);
    const type = signature.params[given.length - 1];
    const more = given.slice();
    if (type?.kind === 'object' && typeof last === 'object' && last !== null && Object.getPrototypeOf(last) === Object.prototype)
      more[more.length - 1] = { ...last, bogusOption: 1 };
    else if (given.length >= signature.required) more.push({ bogusOption: 1 });
    else return;
    this.counts.options++;
    try {
      perform(callable, receiver, more);
    } catch {
      return;
    }
    report('ignored option', `again with bogusOption, (${more.map((v) => text(v)).join(', ')}), is no error`);
  }
}

/** Types are exported too; what has no value cannot be called. */
function isThere({ path }: Callable): boolean {
  return exported(path) !== undefined;
}

function perform(callable: Callable, receiver: unknown, given: readonly unknown[]): unknown {
  const { kind, path, member } = callable;
  if (kind === 'constructor') return new (exported(path) as unknown as new (...list: unknown[]) => unknown)(...given);
  if (kind === 'function') return (exported(path) as unknown as (...list: unknown[]) => unknown)(...given);
  if (kind === 'static') return (exported(path)[member] as (...list: unknown[]) => unknown).apply(exported(path), given as unknown[]);
  if (kind === 'setter') {
    (receiver as Record<string, unknown>)[member] = given[0];
    return undefined;
  }
  return ((receiver as Record<string, unknown>)[member] as (...list: unknown[]) => unknown).apply(receiver, given as unknown[]);
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
