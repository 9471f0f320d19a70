// A training step recorded once and replayed without host work: the same kernels on the same words, so the same bits.
//
//   first call    runs as it is: optimizers make their state
//   second call   runs and is recorded at the seam; then buffers get addresses by lifetime
//   later calls   copy the inputs in, repeat the recorded calls, copy the outputs out
import { release } from '../runtime/memory.ts';
import { Program } from '../runtime/program.ts';
import { setTracer } from '../runtime/call.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { copyElements, requiresGrad } from '../tensor/op.ts';
import { settle } from '../tensor/pending.ts';
import { recording, setRecording } from '../tensor/recording.ts';
import { scope } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import { closeScope, currentScope, dissolveWith, moveStorage, newStorage, Scope } from '../tensor/storage.ts';
import { assertAlive, empty, Tensor } from '../tensor/tensor.ts';
import { blockAt, eachAddress, findLifetimes, inherit, place, type Span } from './plan.ts';
import { Recorder } from './recorder.ts';

/** A step that has been handed to `capture`: called like the step itself. */
export interface Captured<Inputs extends readonly Tensor[], Result> {
  (...inputs: Inputs): Result;
  /**
   * How many calls a replay makes, the bytes that it holds beside parameters and state, and in how many parts host work (a multi-loss
   * method's solver) splits it; null before the second call.
   */
  readonly program: { readonly calls: number; readonly bytes: number; readonly parts: number } | null;
  /** Gives the program's memory back; the next call records anew. */
  release(): void;
  /** The same, so that `using step = capture(…)` works. Never required: a step that nobody can reach is given back by the collector. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** The value with every tensor in it replaced. Plain objects and lists only: what else there is stays as it is. */
function mapTensors(value: unknown, change: (t: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return change(value);
  if (Array.isArray(value)) return value.map((v) => mapTensors(v, change));
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, mapTensors(v, change)]));
  }
  return value;
}

/** What makes the value again with every tensor in it copied into the caller's scope, without a graph: looked through once. */
function copierOf(value: unknown): () => unknown {
  if (value instanceof Tensor) {
    return () => {
      const y = empty(value.shape, value.dtype);
      copyElements(value, y);
      return y;
    };
  }
  if (Array.isArray(value)) {
    const items = value.map(copierOf);
    return () => items.map((copy) => copy());
  }
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    const fields = Object.entries(value).map(([key, v]) => [key, copierOf(v)] as const);
    return () => {
      const copies: Record<string, unknown> = {};
      for (const [key, copy] of fields) copies[key] = copy();
      return copies;
    };
  }
  return () => value;
}

function fail(message: string): never {
  throw new GradloomError('CAPTURE', 'capture', message);
}

/** One recording, ready to be replayed. */
class Replay<Inputs extends readonly Tensor[], Result> {
  /** Bytes that it holds: inputs, arena (results and gradients in it) and program. */
  readonly bytes: number;
  private readonly program: Program;
  private readonly recorder = new Recorder();
  private readonly inputs: readonly Tensor[];
  /** Copies of the outputs, in the caller's scope. */
  readonly results: () => Result;
  /** Owns inputs and arena: they stay where they are. */
  private readonly home = new Scope('its captured step, which was released');
  private readonly gradients: [leaf: Tensor, gradient: Tensor | null][];
  private readonly failed = (position: number, result: number, address: number): never => {
    throw (this.recorder.checks.get(position) as (result: number, address: number) => Error)(result, address);
  };

  constructor(step: (...inputs: Inputs) => Result, given: Inputs) {
    const { home, recorder } = this;
    home.pins = true;
    dissolveWith(this, { scope: home });
    this.inputs = given.map((t) => {
      const y = empty(t.shape, t.dtype, home);
      copyElements(t, y);
      return y;
    });
    try {
      const outputs = scope(() => this.lay(this.record(step)), 'a captured step');
      this.results = copierOf(outputs) as () => Result;
      this.program = new Program(recorder.instructions, [...recorder.checks.keys()], (bytes) => newStorage(bytes, 'capture', home).address);
      this.bytes = home.storages.reduce((n, s) => n + s.bytes, 0);
    } catch (error) {
      this.release();
      throw error;
    } finally {
      for (const { address, bytes } of recorder.returned) release(address, bytes);
    }
    this.gradients = Array.from(recorder.leaves.keys(), (leaf) => [leaf, leaf.gradient]);
  }

  get parts(): number {
    return this.program.parts;
  }

  get calls(): number {
    return this.program.length;
  }

  /** Runs the step with everything listening. */
  private record(step: (...inputs: Inputs) => Result): Result {
    const { recorder } = this;
    setRecording(recorder);
    setTracer(recorder);
    try {
      const result = step(...(this.inputs as unknown as Inputs));
      settle();
      return result;
    } finally {
      setTracer(null);
      setRecording(null);
    }
  }

  /** Gradients that the step made and left to their leaves: until the next call, the optimizer and the user find them there. */
  private gradientsMade(): [leaf: Tensor, gradient: Tensor][] {
    const { leaves, storages } = this.recorder;
    const made = new Set(storages);
    return Array.from(leaves.keys(), (leaf) => [leaf, leaf.gradient] as const).filter((pair): pair is [Tensor, Tensor] => pair[1] !== null && made.has(pair[1].storage));
  }

  /** Moves every buffer of the step into one arena, by lifetime, and the recorded words with them. Returns the outputs there. */
  private lay(result: Result): unknown {
    const { home, recorder } = this;
    const span = ({ address, bytes }: { address: number; bytes: number }): Span => ({ address, bytes, first: -1, last: -1, offset: 0 });
    const gradients = this.gradientsMade();
    const ofLeaves = new Set(gradients.map(([, g]) => g.storage));
    // What has no owner was made to last (constants, what the step kept) and stays as well.
    const passing = recorder.storages.filter((s) => s.address !== 0 && s.owner !== home && (s.owner !== null || ofLeaves.has(s)));
    const spans = [...passing, ...recorder.returned].map(span).sort((a, b) => a.address - b.address);
    findLifetimes(spans, recorder.instructions);
    // Outputs and gradients are read behind the last call.
    const lasts = (t: Tensor): Tensor => {
      const s = blockAt(spans, t.storage.address);
      if (s) s.last = recorder.instructions.length;
      return t;
    };
    mapTensors(result, lasts);
    for (const [, g] of gradients) lasts(g);
    const used = spans.filter((s) => s.last >= 0);
    inherit(used, recorder.instructions);
    const arena = newStorage(place(used), 'capture', home);
    eachAddress(recorder.instructions, (address) => {
      const s = blockAt(used, address);
      return s ? arena.address + s.offset + address - s.address : address;
    });
    const inArena = (t: Tensor): Tensor => {
      const s = blockAt(used, t.storage.address);
      if (!s) return t;
      const y = new Tensor(arena, t.shape, t.dtype, t.strides, t.offset + s.offset / 4);
      copyElements(t, y); // the recorded run's own results
      return y;
    };
    const outputs = mapTensors(result, inArena);
    for (const [leaf, g] of gradients) {
      leaf.gradient = inArena(g);
      moveStorage(g.storage, currentScope()); // ends with the recording
    }
    return outputs;
  }

  run(given: Inputs): Result {
    const { recorder } = this;
    this.check(given);
    for (let i = 0; i < given.length; i++) copyElements(given[i] as Tensor, this.inputs[i] as Tensor);
    for (const work of recorder.repeats) work();
    try {
      this.program.run(this.failed);
    } catch (error) {
      for (const [leaf, gradient] of this.gradients) if (gradient?.storage.owner === this.home) leaf.gradient = null; // half overwritten
      throw error;
    }
    for (const [storage, writer] of recorder.writes) storage.touch(writer);
    for (const [leaf, gradient] of this.gradients) leaf.gradient = gradient;
    return this.results();
  }

  /** Throws where the world is not as the recording found it. Nothing has run then. */
  private check(given: Inputs): void {
    if (given.length !== this.inputs.length) fail(`recorded with ${this.inputs.length} inputs, called with ${given.length}. Pass the same.`);
    for (let i = 0; i < given.length; i++) {
      const [t, mine] = [given[i] as Tensor, this.inputs[i] as Tensor];
      if (!sameShape(t.shape, mine.shape) || t.dtype !== mine.dtype) {
        fail(
          `input ${i} is ${t.dtype} ${shapeText(t.shape)}, recorded as ${mine.dtype} ${shapeText(mine.shape)}. Use equal batches (dropLast), or capture the step for this shape too.`,
        );
      }
    }
    for (const s of this.recorder.outside) if (s.address === 0) fail(`a tensor that the step uses ended with ${s.ended}. keep() it, or pass it as an input.`);
    for (const [leaf, { use, before }] of this.recorder.leaves) {
      if (use === 'added' && leaf.gradient !== before && leaf.gradient?.storage !== before?.storage) {
        fail(`the gradient of ${leaf.describe()} was ${before ? 'there' : 'null'} when the step was recorded, and is not so now. Clear gradients inside the step.`);
      }
    }
  }

  /** Gives memory back; leaves get copies of their gradients. */
  release(): void {
    for (const leaf of this.recorder.leaves.keys()) {
      if (leaf.gradient?.storage.owner !== this.home) continue;
      const g = empty(leaf.shape, 'float32', leaf.storage.owner);
      copyElements(leaf.gradient, g);
      leaf.gradient = g;
    }
    this.home.pins = false;
    closeScope(this.home);
  }
}

/**
 * A step that runs as one list of kernel calls. The first call runs it as it is, the second records it, later ones copy their inputs in
 * and repeat the calls: the same bits as the plain step, without its host work. Outputs are copies in the caller's scope, without a
 * graph; `.grad`, parameters and optimizer state change as in the plain step. Learning rates and weights of strategies are read anew at
 * each call; other numbers (`mul(0.5)`) are as recorded.
 *
 * @throws CAPTURE where the step does what cannot be repeated (reads a value, runs a hook, makes a tensor from host numbers), naming the
 * line; where an input changes its shape; where a tensor that it uses has ended
 */
export function capture<Inputs extends readonly Tensor[], Result>(step: (...inputs: Inputs) => Result): Captured<Inputs, Result> {
  let warm = false;
  let replay: Replay<Inputs, Result> | null = null;
  const call = (...inputs: Inputs): Result => {
    if (recording()) throw new GradloomError('CAPTURE', 'capture', 'a captured step cannot run inside another. Call the plain step.');
    settle();
    inputs.forEach((t, i) => {
      if (!(t instanceof Tensor)) throw new GradloomError('CAPTURE', 'capture', `input ${i} is ${typeof t}, not a tensor. Numbers that change go in as tensors.`);
      if (requiresGrad(t)) throw new GradloomError('CAPTURE', 'capture', `input ${i} requires a gradient, which would not reach it. Detach it, or use it from outside.`);
      assertAlive(t, 'capture');
    });
    if (replay) return replay.run(inputs);
    if (!warm) {
      warm = true;
      return scope(() => step(...inputs), 'a captured step');
    }
    replay = new Replay(step, inputs);
    return replay.results();
  };
  const release = (): void => {
    replay?.release();
    replay = null;
  };
  return Object.defineProperty(Object.assign(call, { release, dispose: release, [Symbol.dispose]: release }), 'program', {
    get: () => replay && { calls: replay.calls, bytes: replay.bytes, parts: replay.parts },
  }) as Captured<Inputs, Result>;
}
