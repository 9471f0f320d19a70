// A training step recorded once and replayed without host work: the same kernels on the same words, so the same bits.
//
//   first call           runs as it is: optimizers make their state
//   second call          runs and is recorded at the seam; then buffers get addresses by lifetime
//   3rd, 4th, 8th …      run as they are and are compared with the recording: a number of the host that has changed is found
//   the others           copy the inputs in, repeat the recorded calls, copy the outputs out
//
// Inputs of other shapes, and flags that are set otherwise (modes, frozen parameters …), have recordings of their own.
import { full } from '../ops/create.ts';
import { assertArity, checkArgument, FUNCTION, valueText } from '../tensor/check.ts';
import { detach, requiresGrad } from '../tensor/op.ts';
import { collectHanded, recording } from '../tensor/recording.ts';
import { scope } from '../tensor/scope.ts';
import { isAnomalyEnabled } from '../tensor/modes.ts';
import { assertAlive, Tensor } from '../tensor/tensor.ts';
import { Shown } from './handed.ts';
import { fail } from './recorder.ts';
import { Replay, type Step } from './replay.ts';
import { clonerOf } from './result.ts';

/** What a captured step is called with: the step's inputs, where a number may stand for a scalar tensor. */
export type StepInputs<Inputs extends readonly Tensor[]> = { [Place in keyof Inputs]: Inputs[Place] | number };

/** A step that has been handed to `capture`: called like the step itself. */
export interface Captured<Inputs extends readonly Tensor[], Result> {
  (...inputs: StepInputs<Inputs>): Result;
  /**
   * How many calls the latest replay makes and in how many parts host work (a multi-loss method's solver) splits it;
   * and the bytes that all recordings hold beside parameters and state. null before the second call.
   */
  readonly program: { readonly calls: number; readonly bytes: number; readonly parts: number } | null;
  /**
   * Gives the programs' memory back; the next calls record anew. A captured step that cannot be reached any more is
   * given back by itself.
   */
  release(): void;
  /** The same, so that `using step = capture(…)` works. */
  dispose(): void;
  /** The same: `using step = capture(…)` calls it at the end of the block. */
  [Symbol.dispose](): void;
}

/** Recordings that are kept, and shapes that are remembered before they are recorded. */
const MOST = 8;

const shapesOf = (given: readonly (Tensor | number)[]): string => given.map((t) => (typeof t === 'number' ? 'float32 ' : `${t.dtype} ${t.sizes}`)).join('; ');

/** Runs the step as it is: copies of its outputs, without a graph, as later calls give them. */
function runPlain<Result>(step: Step<Result>, given: readonly (Tensor | number)[]): Result {
  return scope(() => clonerOf(step(...given.map((t) => (typeof t === 'number' ? full([], t) : detach(t)))))() as Result, 'a captured step');
}

/**
 * A step that runs as one list of kernel calls. The first call runs it as it is, the second records it, later ones copy
 * their inputs in and repeat the calls: the same bits as the plain step, without its host work. Outputs are copies in
 * the caller's scope, without a graph; `.grad`, parameters and optimizer state change as in the plain step.
 *
 * **What may change from call to call:** inputs, of other shapes too (a program for each, 8 at most: the one that was
 * not used for longest goes); learning rates and the like, weights of strategies; modes, frozen parameters, flags,
 * groups, restored state, grad mode: where one of these is not as recorded, the plain step runs and the next call
 * records anew.
 *
 * **What may not:** numbers and decisions of the host (`mul(beta)`, `if (step > 100)`), which no replay sees. So at the
 * 3rd, 4th, 8th, 16th … call the plain step runs and is compared with the recording. A number that changes goes in as
 * an input: `capture((x, beta) => …)`, called `step(x, 0.5)`; numbers become float32 scalars. Count outside of the
 * step: what it counts itself rests while it is replayed.
 *
 * @throws CAPTURE where the step does what cannot be repeated (reads a value, runs a hook, steps a scheduler, makes a
 * tensor from host numbers), naming the line; where a comparison finds another number or call, naming both; where a
 * tensor that it uses has ended
 */
export function capture<Inputs extends readonly Tensor[], Result>(step: (...inputs: Inputs) => Result, ...rest: never[]): Captured<Inputs, Result> {
  assertArity('capture', 1 + rest.length, 1);
  checkArgument('capture', 'the step', step, FUNCTION);
  const synchronous: Step<Result> = (...inputs) => {
    const result = step(...(inputs as unknown as Inputs));
    if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function') {
      (result as unknown as Promise<unknown>).then(undefined, () => {});
      fail('the step is async, but only what runs before its first await could be repeated. Await outside of the step.');
    }
    return result;
  };
  let count: number | null = null;
  /** The latest first. */
  let programs: Replay<Result>[] = [];
  /** Shapes that have run as they are since they were last recorded: the latest last. */
  let seen: string[] = [];
  const shown = new Shown();

  const check = (given: readonly unknown[]): void => {
    if (given.length !== count) fail(`called with ${given.length} input${given.length === 1 ? '' : 's'}, the first time with ${count}. Pass as many.`);
    for (let i = 0; i < given.length; i++) {
      const t = given[i];
      if (typeof t === 'number') continue;
      if (!(t instanceof Tensor)) fail(`input ${i} is ${valueText(t)}, neither a tensor nor a number. Pass a tensor; what else the step needs it takes from outside.`);
      if (requiresGrad(t)) fail(`input ${i} requires a gradient, which would not reach it. Detach it, or use it from outside.`);
      assertAlive(t, 'capture');
    }
  };
  const find = (given: readonly (Tensor | number)[]): Replay<Result> | undefined => {
    for (let i = 0; i < programs.length; i++) {
      const program = programs[i] as Replay<Result>;
      if (!program.takes(given) || !program.fits()) continue;
      if (i > 0) programs.unshift(...programs.splice(i, 1));
      return program;
    }
    return undefined;
  };
  const drop = (isOver: (p: Replay<Result>, i: number) => boolean): void => {
    const over = programs.filter(isOver);
    if (over.length === 0) return;
    programs = programs.filter((p) => !over.includes(p));
    for (const p of over) p.release();
  };
  const plain = (given: readonly (Tensor | number)[]): Result => {
    const [result, handed] = collectHanded(() => runPlain(synchronous, given));
    shown.take(handed);
    return result;
  };
  const call = (...given: (Tensor | number)[]): Result => {
    if (recording()) fail('a captured step cannot run inside another. Call the plain step.');
    count ??= given.length;
    check(given);
    if (isAnomalyEnabled()) return plain(given);
    const program = find(given);
    if (program) {
      try {
        return program.call(synchronous, given, shown);
      } finally {
        if (program.isOver) drop((p) => p === program);
      }
    }
    drop((p) => p.isOver);
    const shapes = shapesOf(given);
    if (!seen.includes(shapes)) {
      seen = [...seen.slice(1 - MOST), shapes];
      return plain(given);
    }
    const [{ result, replay }, handed] = collectHanded(() => Replay.record(synchronous, given, shapes));
    const own = shown.take(handed);
    if (replay) {
      replay.handed = own;
      seen = seen.filter((s) => s !== shapes);
      programs.unshift(replay);
      drop((_, i) => i >= MOST);
    }
    return result;
  };
  const release = (): void => {
    seen = [...new Set([...seen, ...programs.map((p) => p.shapes)])].slice(-MOST);
    drop(() => true);
  };
  return Object.defineProperty(Object.assign(call, { release, dispose: release, [Symbol.dispose]: release }), 'program', {
    get: () => {
      const [latest] = programs;
      return latest ? { calls: latest.calls, bytes: programs.reduce((n, p) => n + p.bytes, 0), parts: latest.parts } : null;
    },
  }) as unknown as Captured<Inputs, Result>;
}
