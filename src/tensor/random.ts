// Random numbers whose state lies in memory: 16 bytes, advanced by the kernels that draw from it.
import { call } from '../runtime/call.ts';
import { float32View, int32View } from '../runtime/memory.ts';
import { assertArity, NUMBERS, checkArgument, valueText } from './check.ts';
import { valueError } from './errors.ts';
import { recording, refuseWhileRecording } from './recording.ts';
import { newStorage, type Storage } from './storage.ts';

/** The state that a seed stands for: the key, and a counter of 0. */
function wordsOf(op: string, seed: number): number[] {
  if (!Number.isSafeInteger(seed) || seed < 0) throw valueError(op, `the seed must be a whole number from 0 to 2⁵³ − 1, got ${valueText(seed)}.`);
  return [seed >>> 0, Math.floor(seed / 2 ** 32), 0, 0];
}

/** A stream of random numbers (Philox4x32-10) from a seed: a whole number, 0 … 2⁵³ − 1, default 0. Equal seeds give equal numbers in every runtime. */
export class Generator {
  readonly #storage: Storage;

  constructor(seed = 0) {
    assertArity('Generator', arguments.length, 1);
    const words = wordsOf('Generator', seed);
    this.#storage = newStorage(16, 'Generator', null);
    this.setState(words);
  }

  /** @internal Where the state lies. */
  get address(): number {
    recording()?.used(this.#storage);
    return this.#storage.address;
  }

  /** Starts again from a seed. Returns itself. */
  manualSeed(seed: number): this {
    assertArity('manualSeed', arguments.length, 1);
    this.setState(wordsOf('manualSeed', seed));
    return this;
  }

  /** Four words: key and counter. Plain data, for checkpoints. */
  getState(): number[] {
    const start = this.address / 4;
    return Array.from(int32View().slice(start, start + 4), (w) => w >>> 0);
  }

  /** Resumes from what `getState` gave. */
  setState(state: readonly number[]): void {
    refuseWhileRecording('manualSeed', 'a generator is seeded', 'Seed it before.');
    checkArgument('setState', 'state', state, NUMBERS);
    if (state.length !== 4 || state.some((w) => w !== w >>> 0))
      throw valueError('setState', `a generator's state is 4 words of 32 bits, as getState() gives, got ${valueText(state)}.`);
    int32View().set(state, this.address / 4);
  }
}

let shared: Generator | undefined;

/** The generator that everything uses unless given another. Seed 0 until `manualSeed`. */
export function defaultGenerator(): Generator {
  assertArity('defaultGenerator', arguments.length, 0);
  shared ??= new Generator();
  return shared;
}

/** Seeds the default generator (`torch.manual_seed`): the same seed gives the same run, bit for bit, in every runtime. */
export function manualSeed(seed: number): Generator {
  assertArity('manualSeed', arguments.length, 1);
  return defaultGenerator().manualSeed(seed);
}

function draw(kernel: 'uniform' | 'normal', n: number, generator: Generator): Float64Array {
  refuseWhileRecording('draw', 'random numbers are drawn for the host', 'Draw them outside of the step.');
  const block = newStorage(n * 4, 'draw');
  call(kernel, block.address, n, generator.address);
  const values = Float64Array.from(float32View().subarray(block.address / 4, block.address / 4 + n));
  block.free('draw');
  return values;
}

/** @internal n numbers uniform in [0, 1) for the host: multiples of 2⁻²⁴, the same as `rand` gives. */
export function drawUniform(n: number, generator = defaultGenerator()): Float64Array {
  return draw('uniform', n, generator);
}

/** @internal n numbers of mean 0 and variance 1 for the host, the same as `randn` gives. */
export function drawNormal(n: number, generator = defaultGenerator()): Float64Array {
  return draw('normal', n, generator);
}

/** @internal `count` random orders of 0 … n − 1 one after the other, for decisions of the host. */
export function drawPermutations(count: number, n: number, generator = defaultGenerator()): Int32Array {
  refuseWhileRecording('draw', 'random numbers are drawn for the host', 'Draw them outside of the step.');
  const block = newStorage(count * n * 4, 'draw');
  for (let i = 0; i < count; i++) call('permutation', block.address + i * n * 4, n, generator.address);
  const orders = int32View().slice(block.address / 4, block.address / 4 + count * n);
  block.free('draw');
  return orders;
}
