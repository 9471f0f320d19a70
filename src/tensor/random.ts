// Random numbers whose state lies in memory: 16 bytes, advanced by the kernels that draw from it.
import { call } from '../runtime/call.ts';
import { allocate, float32View, int32View, release } from '../runtime/memory.ts';
import { GradloomError, valueError } from './errors.ts';
import { recording, refuseWhileRecording } from './recording.ts';
import { newStorage, type Storage } from './storage.ts';

/** A stream of random numbers (Philox4x32-10). Equal seeds give equal numbers in every runtime. */
export class Generator {
  private readonly storage: Storage;

  /** @param seed a whole number, 0 … 2⁵³ − 1 */
  constructor(seed = 0) {
    this.storage = newStorage(16, () => 'Generator', null);
    this.manualSeed(seed);
  }

  /** @internal Where the state lies. */
  get address(): number {
    recording()?.used(this.storage);
    return this.storage.address;
  }

  /** Starts again from a seed. Returns itself. */
  manualSeed(seed: number): this {
    if (!Number.isSafeInteger(seed) || seed < 0) throw valueError('manualSeed', `the seed must be a whole number from 0 to 2⁵³ − 1, got ${seed}.`);
    this.setState([seed >>> 0, Math.floor(seed / 2 ** 32), 0, 0]);
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
    if (state.length !== 4) throw valueError('setState', `a generator's state is 4 words, got ${state.length}.`);
    int32View().set(state, this.address / 4);
  }
}

let shared: Generator | undefined;

/** The generator that everything uses unless given another. Seed 0 until `manualSeed`. */
export function defaultGenerator(): Generator {
  shared ??= new Generator();
  return shared;
}

/** Seeds the default generator (`torch.manual_seed`): the same seed gives the same run, bit for bit, in every runtime. */
export function manualSeed(seed: number): Generator {
  return defaultGenerator().manualSeed(seed);
}

/** A kernel that fills n words at y from a generator's state. */
function drawn(kernel: 'uniform' | 'permutation', bytes: number, draw: (address: number, state: number) => void): void {
  refuseWhileRecording(kernel, 'the host draws random numbers', 'Use rand, or draw outside.');
  const address = allocate(bytes);
  if (address === 0) throw new GradloomError('MEMORY', kernel, `out of memory for ${bytes} bytes. Free tensors first.`);
  try {
    draw(address, defaultGenerator().address);
  } finally {
    release(address, bytes);
  }
}

/** n numbers in [0, 1) from the default generator, for decisions of the host: seeded as all else, the same in every runtime. */
export function randomUniforms(n: number): Float64Array {
  let numbers = new Float64Array(0);
  drawn('uniform', n * 4, (address, state) => {
    call('uniform', address, n, state);
    numbers = Float64Array.from(float32View().subarray(address / 4, address / 4 + n));
  });
  return numbers;
}

/** `count` random orders of 0 … n − 1 one after the other, from the default generator. */
export function randomPermutations(count: number, n: number): Int32Array {
  let orders = new Int32Array(0);
  drawn('permutation', count * n * 4, (address, state) => {
    for (let i = 0; i < count; i++) call('permutation', address + i * n * 4, n, state);
    orders = int32View().slice(address / 4, address / 4 + count * n);
  });
  return orders;
}
