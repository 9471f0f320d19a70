// One recording of a step: laid out in memory, repeated, and compared with the step from time to time.
import { float32View, release } from '../runtime/memory.ts';
import { Program } from '../runtime/program.ts';
import { GradloomError } from '../tensor/errors.ts';
import { copyElements, detach } from '../tensor/op.ts';
import { collectHanded, hookChanges } from '../tensor/recording.ts';
import { scope } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import { currentScope, moveStorage, newStorage, Scope, type Storage } from '../tensor/storage.ts';
import { isGradEnabled, isInferenceMode, setGradEnabled } from '../tensor/modes.ts';
import { empty, Tensor } from '../tensor/tensor.ts';
import type { Handed, Shown } from './handed.ts';
import { addressOf, type LeafPlan, Leaves } from './leaves.ts';
import { type Block, blockAt, eachAddress, findLifetimes, reuseInPlace, allocate, type LiveInterval } from './plan.ts';
import { fail, Recorder } from './recorder.ts';
import { clonerOf, hiding, mapTensors, outline } from './result.ts';
import { Comparison, type Location, Signature } from './signature.ts';
import { World } from './world.ts';

/** A step as it is called from inside: on tensors only. */
export type Step<Result> = (...inputs: Tensor[]) => Result;

// What nobody can reach any more is given back, as any tensor outside of scopes: a captured step that was dropped.
const dropped = typeof FinalizationRegistry === 'undefined' ? undefined : new FinalizationRegistry<Block>(({ address, bytes }) => release(address, bytes));

export class Replay<Result> {
  /** What the recorded run, or the latest one compared with it, handed to the host. */
  handed: readonly Handed[] = [];
  /** Bytes that it holds: inputs, arena (results and gradients in it) and program. */
  bytes = 0;
  /** The inputs' shapes and types, in words. */
  readonly shapes: string;
  /** Whether it will never fit again: the state that it was recorded with was replaced. */
  isOver = false;
  /** Calls so far with these inputs; the recorded one is the second. */
  private uses = 2;
  private program!: Program;
  private signature!: Signature;
  private readonly recorder: Recorder;
  private readonly inputs: readonly Tensor[];
  /** Copies of the outputs, in the caller's scope. */
  private copy!: () => Result;
  private outputs: unknown;
  private outline = '';
  private locations: readonly Location[] = [];
  /** Owns inputs and arena: they stay where they are. */
  private readonly owner = new Scope('its captured step, which was released');
  private held: Storage[] = [];
  private world!: World;
  private leaves!: Leaves;
  /** Results that lie in a leaf's gradient, which may move. */
  private readonly moving = new Map<Tensor, readonly [LeafPlan, at: number]>();
  private readonly failed = (position: number, result: number, address: number): never => {
    throw (this.recorder.checks.get(position) as (result: number, address: number) => Error)(result, address);
  };

  private constructor(given: readonly (Tensor | number)[], shapes: string) {
    this.shapes = shapes;
    this.owner.pins = true;
    this.inputs = given.map((t) => (typeof t === 'number' ? empty([], 'float32', this.owner) : empty(t.sizes, t.dtype, this.owner)));
    this.take(given);
    this.recorder = new Recorder(this.inputs.map((x) => detach(x)));
  }

  /** Runs and records a step. No replay where the run made state that the next one finds. */
  static record<Result>(step: Step<Result>, given: readonly (Tensor | number)[], shapes: string): { result: Result; replay: Replay<Result> | null } {
    const replay = new Replay<Result>(given, shapes);
    const { recorder } = replay;
    try {
      const early = scope(() => {
        const result = replay.listen(step, recorder);
        if (recorder.isEarly) return clonerOf(result)() as Result;
        replay.layOut(result);
        return null;
      }, 'a captured step');
      if (!recorder.isEarly) return { result: replay.build(), replay };
      replay.release();
      return { result: early as Result, replay: null };
    } catch (error) {
      replay.release();
      throw error;
    } finally {
      for (const { address, bytes } of recorder.returned) release(address, bytes);
    }
  }

  get parts(): number {
    return this.program.parts;
  }

  get calls(): number {
    return this.program.length;
  }

  private take(given: readonly (Tensor | number)[]): void {
    for (let i = 0; i < given.length; i++) {
      const [t, mine] = [given[i] as Tensor | number, this.inputs[i] as Tensor];
      if (typeof t === 'number') float32View()[mine.storage.address / 4] = t;
      else copyElements(t, mine);
    }
  }

  /** Runs the step with everything listening. */
  private listen(step: Step<Result>, recorder: Recorder): Result {
    recorder.rely(isGradEnabled, isGradEnabled, setGradEnabled);
    recorder.rely(isInferenceMode, isInferenceMode);
    recorder.rely(hookChanges, hookChanges);
    const result = recorder.listen(() => step(...recorder.inputs));
    const hidden = hiding(result);
    if (hidden) fail(`the step returns ${hidden} with tensors in it, which later calls could not fill. Return them in a plain object, a list or a Map.`);
    return result;
  }

  /**
   * Moves every buffer of the step into one arena, by lifetime, and the recorded words with them; outputs and gradients
   * too.
   */
  private layOut(result: Result): void {
    const { owner, recorder } = this;
    const { instructions } = recorder;
    const made = new Set(recorder.storages);
    const gradients = [...recorder.leaves.keys(), ...recorder.ownLeaves].flatMap(({ gathered }) => (gathered && made.has(gathered.storage) ? [gathered] : []));
    const ofLeaves = new Set(gradients.map((g) => g.storage));
    // What has no owner was made to last (constants) and stays as well.
    const live = recorder.storages.filter((s) => s.address !== 0);
    const stays = live.filter((s) => s.owner === null && !ofLeaves.has(s));
    const passing = live.filter((s) => s.owner !== null || ofLeaves.has(s));
    const intervals = [...passing, ...recorder.returned.filter((r) => r.own)]
      .map(({ address, bytes }): LiveInterval => ({ address, bytes, first: -1, last: -1, offset: 0 }))
      .sort((a, b) => a.address - b.address);

    const leaves = new Leaves(recorder, owner);
    this.leaves = leaves;
    this.signature = new Signature(
      [...intervals.map(({ address, bytes }) => ({ address, bytes })), ...stays.map(({ address, bytes }) => ({ address, bytes, stays: true })), ...leaves.windows],
      instructions,
    );
    const returned: Tensor[] = [];
    mapTensors(result, (t) => {
      returned.push(t);
      return t;
    });
    this.locations = returned.map((t) => this.signature.locationOf(addressOf(t)));
    this.outline = outline(result);
    this.world = new World(recorder, leaves);

    findLifetimes(intervals, instructions);
    // Outputs and gradients are read behind the last call.
    const lasts = (t: Tensor): void => {
      const s = blockAt(intervals, t.storage.address);
      if (s) s.last = instructions.length;
    };
    returned.forEach(lasts);
    for (const leaf of recorder.leaves.keys()) if (leaf.gathered) lasts(leaf.gathered);
    const used = intervals.filter((s) => s.last >= 0);
    reuseInPlace(used, instructions);
    const arena = newStorage(allocate(used), 'capture', owner);
    eachAddress(instructions, (address, position, word) => {
      const s = blockAt(used, address);
      if (s) return arena.address + s.offset + address - s.address;
      const found = leaves.at(address);
      if (!found) return address;
      const [plan, at] = found;
      if (plan.entry) return addressOf(plan.entry) + at;
      plan.words.push({ position, word, at });
      return address;
    });
    const moved = (t: Tensor): Tensor => {
      const s = blockAt(used, t.storage.address);
      if (s) return this.moved(t, arena, t.offset + s.offset / 4);
      const found = leaves.at(addressOf(t));
      if (!found) return t;
      const [plan, at] = found;
      if (plan.entry) return this.moved(t, plan.entry.storage, at / 4);
      this.moving.set(t, [plan, at / 4]);
      return t;
    };
    this.outputs = mapTensors(result, moved);
    for (const plan of leaves.plans) {
      const { leaf, after } = plan;
      if (!after || !made.has(after.storage)) continue;
      plan.after = moved(after);
      leaf.gradient = plan.after;
    }
    for (const g of gradients) this.end(g.storage);
    recorder.forget(stays);
  }

  /** Lets a block end with the run: gradients belong to whom their leaves do, and those of inputs to the program. */
  private end(storage: Storage): void {
    this.owner.pins = false;
    moveStorage(storage, currentScope());
    this.owner.pins = true;
  }

  /** The tensor at another address, with the recorded run's own elements. */
  private moved(t: Tensor, storage: Storage, offset: number): Tensor {
    const y = new Tensor(storage, t.sizes, t.dtype, t.steps, offset);
    copyElements(t, y);
    return y;
  }

  /** Writes the program. Returns the recorded run's results. */
  private build(): Result {
    const { recorder, owner } = this;
    this.program = new Program(recorder.instructions, [...recorder.checks.keys()], (bytes) => newStorage(bytes, 'capture', owner).address);
    this.copy = this.copier(this.outputs);
    // A gradient that outlives the step keeps its arena, and nothing else.
    this.held = owner.storages.filter((s) => s.owner === owner);
    owner.storages = [];
    for (const s of this.held) {
      this.bytes += s.bytes;
      dropped?.register(s, { address: s.address, bytes: s.bytes }, s);
    }
    return this.copy();
  }

  private copier(outputs: unknown): () => Result {
    const at = (t: Tensor): Tensor => {
      const found = this.moving.get(t);
      const g = found?.[0].leaf.gathered;
      return found && g ? new Tensor(g.storage, t.sizes, t.dtype, t.steps, g.offset + found[1]) : t;
    };
    return clonerOf(outputs, at) as () => Result;
  }

  /** Whether it was recorded with inputs of these shapes and types. */
  takes(given: readonly (Tensor | number)[]): boolean {
    const { inputs } = this;
    for (let i = 0; i < inputs.length; i++) {
      const [t, mine] = [given[i] as Tensor | number, inputs[i] as Tensor];
      if (typeof t === 'number' ? mine.rank !== 0 || mine.dtype !== 'float32' : t.dtype !== mine.dtype || !sameShape(t.sizes, mine.sizes)) return false;
    }
    return true;
  }

  /** Whether the world is as the recording found it. */
  fits(): boolean {
    const fits = this.world.fits();
    this.isOver = fits === null;
    return fits === true;
  }

  /** Runs the step: the recorded calls, or at the 3rd, 4th, 8th, 16th … call the step itself, compared with them. */
  call(step: Step<Result>, given: readonly (Tensor | number)[], shown: Shown): Result {
    this.take(given);
    const n = ++this.uses;
    if (n !== 3 && (n & (n - 1)) !== 0) {
      shown.show(this.handed);
      return this.run();
    }
    const [result, handed] = collectHanded(() => this.compare(step));
    this.handed = shown.take(handed);
    return result;
  }

  private run(): Result {
    this.leaves.follow(this.program);
    for (const work of this.recorder.repeats) work();
    try {
      this.program.run(this.failed);
    } catch (error) {
      this.leaves.clear(this.owner);
      throw error;
    }
    this.world.change();
    this.leaves.put();
    return this.copy();
  }

  /** Runs the plain step and looks whether it is still what was recorded. */
  private compare(step: Step<Result>): Result {
    const { recorder } = this;
    const gradients = this.leaves.plans.map(({ leaf }) => (leaf.gathered ? addressOf(leaf.gathered) : undefined));
    const before = recorder.steadies.map((s) => s());
    const comparison = new Comparison(
      recorder,
      this.signature,
      this.inputs.map((x) => detach(x)),
      gradients,
    );
    let difference = '';
    try {
      const result = scope(() => {
        const value = this.listen(step, comparison);
        difference = comparison.isEarly ? '' : this.differs(comparison, value, before);
        const copies = clonerOf(value)() as Result;
        if (!difference && !comparison.isEarly) this.adopt(comparison, value);
        return copies;
      }, 'a captured step');
      this.isOver = comparison.isEarly || difference !== '';
      if (difference) throw this.changed(difference);
      return result;
    } catch (error) {
      if (error instanceof GradloomError && error.code === 'CAPTURE') this.isOver = true;
      throw error;
    }
  }

  /** What of a run is not as recorded; '' where nothing is. */
  private differs(comparison: Comparison, value: Result, before: readonly unknown[]): string {
    const { recorder } = this;
    if (comparison.difference) return comparison.difference;
    const rest = recorder.instructions[comparison.instructions.length];
    if (rest) return `the step ends where ${rest.kernel} was recorded: it takes another branch, or loops less often`;
    if (recorder.steadies.some((s, i) => s() !== before[i]))
      return "the step sets an optimizer's rate or another option, or a weight of a strategy, which replays would not (set it before the call)";
    const now = outline(value);
    if (now !== this.outline) return `the step returns ${now}, where ${this.outline} was recorded`;
    let i = 0;
    let isElsewhere = false;
    mapTensors(value, (t) => {
      if (!comparison.isAt(addressOf(t), this.locations[i++] as Location) && t.size > 0) isElsewhere = true;
      return t;
    });
    if (isElsewhere) return 'the step returns another tensor than was recorded';
    for (const [t, { use }] of comparison.leaves)
      if (use !== 'read' && !this.leaves.plans.some((p) => p.leaf === t)) return `the step sets the gradient of ${t.describe()}, which it did not when it was recorded`;
    for (const { leaf, after } of this.leaves.plans) {
      if (after !== undefined && (after === null) !== (leaf.gathered === null))
        return `the gradient of ${leaf.describe()} is ${after ? 'null' : 'there'} after the step, which it was not when it was recorded`;
    }
    return '';
  }

  /** Takes from a later run what the host may hold of it: reports, and gradients, which stay at their addresses. */
  private adopt(comparison: Comparison, value: Result): void {
    const { recorder } = this;
    recorder.repeats = comparison.repeats;
    recorder.instructions.forEach((instruction, i) => {
      const now = comparison.instructions[i];
      if (instruction.kernel === 'host' && now?.kernel === 'host') instruction.work = now.work;
    });
    const outputs: Tensor[] = [];
    mapTensors(this.outputs, (t) => {
      outputs.push(t);
      return t;
    });
    let i = 0;
    this.outputs = mapTensors(value, () => outputs[i++] as Tensor);
    this.copy = this.copier(this.outputs);
    for (const { leaf, after } of this.leaves.plans) {
      const g = leaf.gathered;
      if (!after || !g || g === after || after.storage.owner !== this.owner) continue;
      copyElements(g, after);
      this.end(g.storage);
      leaf.gradient = after;
    }
    for (const { gathered } of comparison.ownLeaves) if (gathered) this.end(gathered.storage);
  }

  private changed(difference: string): GradloomError {
    const last = this.uses <= 4 ? this.uses - 1 : this.uses / 2;
    const unseen = this.uses - 1 - last;
    return new GradloomError(
      'CAPTURE',
      'capture',
      `${difference}. A replay repeats what was recorded, so what the host decides must not change from call to call. Pass a number that changes as an input, ` +
        'as in step(x, 0.5), where it arrives as a float32 scalar; capture each branch by itself; or call release() on the captured step where it changes. ' +
        `This call has run as the plain step${unseen > 0 ? `; the ${unseen} before it since the last comparison may have run with what was recorded` : ''}.`,
    );
  }

  /** Gives memory back; leaves get copies of their gradients. */
  release(): void {
    const { owner } = this;
    this.leaves?.leave(owner);
    for (const s of [...this.held, ...owner.storages]) {
      if (s.owner !== owner) continue;
      dropped?.unregister(s);
      s.free(owner.what);
    }
    this.held = [];
    owner.storages = [];
  }
}
