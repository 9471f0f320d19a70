// What a program sees of MPI: one rank of a job whose ranks all run the same program.
import type { Source, Target } from '../checkpoint/file.ts';
import type { Parts, ReadOptions } from '../checkpoint/run.ts';
import type { BackwardReport } from '../multiloss/combining/report.ts';
import type { Losses } from '../multiloss/strategy.ts';
import { narrow } from '../ops/movement.ts';
import { parametersOf, tensorOf, type Trainable } from '../optim/parameters.ts';
import { runtimeError } from '../runtime/compile.ts';
import { float32View } from '../runtime/memory.ts';
import { assertArity, assertTensor, COUNT, type Kinds, oneOf, optionsOf, TEXT } from '../tensor/check.ts';
import { GradloomError, shapeText, valueText } from '../tensor/errors.ts';
import { copyElements, dense } from '../tensor/op.ts';
import { hostStep } from '../tensor/recording.ts';
import { assertAlive, Tensor } from '../tensor/tensor.ts';
import { averageGradients, reduceInPlace, SAMPLES } from './average.ts';
import { backward, type WorldBackwardOptions } from './backward.ts';
import { hashParts, readRun, writeRun } from './checkpoint.ts';
import { Exchange, type Reduction } from './exchange.ts';
import { builtin, processOf } from './host.ts';
import { type Mpi, startMpi } from './library.ts';
import { Watchdog } from './watchdog.ts';

/** Options of `initMpi`. */
export interface MpiOptions {
  /** The path of the MPI library; default that of the launcher (Open MPI or MPICH, by their usual names). */
  library?: string;
  /** Seconds that a rank may wait for the others in one call before it ends the job; default 600. Longer than what one rank does alone (evaluation, reading data). */
  timeout?: number;
}

/** Options of `world.average`. */
export interface AverageOptions {
  /** How many samples this rank's loss is the mean of, where ranks have different numbers; all ranks give it or none. Default: all have the same. */
  samples?: number;
}

/** Options of `world.allReduce`. */
export interface AllReduceOptions {
  /** What becomes of the elements of all ranks; default their sum. */
  op?: 'sum' | 'mean' | 'max' | 'min';
}

/** Options of `world.broadcast`. */
export interface BroadcastOptions {
  /** The rank whose elements all get; default 0. */
  root?: number;
}

const MPI_OPTIONS: Kinds<MpiOptions> = { library: TEXT, timeout: COUNT };
const AVERAGE: Kinds<AverageOptions> = { samples: SAMPLES };
const REDUCE: Kinds<AllReduceOptions> = { op: oneOf('sum', 'mean', 'max', 'min') };
const BROADCAST: Kinds<BroadcastOptions> = { root: { what: 'a rank', test: (v) => Number.isSafeInteger(v) && (v as number) >= 0 } };
const KERNELS: Readonly<Record<NonNullable<AllReduceOptions['op']>, Reduction>> = { sum: 'add', mean: 'add', max: 'maximum', min: 'minimum' };

let started = false;

/**
 * One rank of an MPI job, made by `initMpi`. Every rank runs the same program and makes the same calls in the same order; calls block until
 * all ranks have come. Sums have an order of their own, so that with the same number of ranks the bits are the same on every rank, with every
 * MPI library, network and placement.
 */
export class World {
  /** This rank, 0 … size − 1. */
  readonly rank: number;
  /** How many ranks the job has. */
  readonly size: number;
  /** The name of this rank's machine. */
  readonly host: string;
  /** The MPI library, as it calls itself. */
  readonly version: string;
  private readonly exchange: Exchange;
  private readonly watchdog: Watchdog;
  private ended = false;
  /** The call that writes or reads a file, until it is done. */
  private pending = '';

  /** @internal */
  constructor(mpi: Mpi, host: string, watchdog: Watchdog) {
    this.rank = mpi.rank;
    this.size = mpi.size;
    this.host = host;
    this.version = mpi.version;
    this.exchange = new Exchange(mpi);
    this.watchdog = watchdog;
  }

  /** The exchange, if MPI has not been ended and no file is in work: ranks would be in different calls. */
  private open(op: string, given: number, most: number): Exchange {
    assertArity(op, given, most);
    if (this.ended) throw new GradloomError('RUNTIME', op, 'comes after finalize(). Call that last.');
    if (this.pending) throw new GradloomError('STATE', op, `comes while ${this.pending} is not done. Await that first.`);
    return this.exchange;
  }

  /** Refuses other calls until this one is done. */
  private async alone<T>(op: string, run: () => Promise<T>): Promise<T> {
    this.pending = op;
    try {
      return await run();
    } finally {
      this.pending = '';
    }
  }

  /** Waits until every rank is here. */
  barrier(): void {
    this.open('world.barrier', arguments.length, 0).mpi.barrier();
  }

  /**
   * This rank's rows of a batch that every rank has whole, [N, …]: a view of N / size rows, one more or less where that is no whole number
   * (give `samples` then).
   */
  shard(batch: Tensor): Tensor {
    const op = 'world.shard';
    this.open(op, arguments.length, 1);
    assertTensor(op, batch);
    const n = batch.rank === 0 ? 0 : (batch.sizes[0] as number);
    if (n < this.size) throw new GradloomError('SHAPE', op, `a batch of shape ${shapeText(batch.sizes)} has no row for each of ${this.size} ranks. Leave out such a batch.`);
    const at = (rank: number): number => Math.floor((rank * n) / this.size);
    return narrow(batch, 0, at(this.rank), at(this.rank + 1) - at(this.rank));
  }

  /**
   * Makes the elements of tensors those of one rank, on all ranks: parameters and buffers before the first step, BatchNorm's statistics before
   * a checkpoint. Takes a module (parameters and buffers), tensors, or lists of both.
   */
  broadcast(tensors: Trainable, options?: BroadcastOptions): void {
    const op = 'world.broadcast';
    const exchange = this.open(op, arguments.length, 2);
    const { root = 0 } = optionsOf(op, options, BROADCAST);
    if (root >= this.size) throw new GradloomError('INDEX', op, `there is no rank ${root} among ${this.size}. Ranks start at 0.`);
    const list = [...parametersOf(op, tensors, tensorOf), ...buffersOf(tensors)];
    for (const t of list) assertAlive(t, op);
    const blocks = list.map(dense);
    hostStep(blocks, (addresses) => {
      exchange.gather(
        op,
        'the tensors',
        blocks.map((b) => b.size),
        [],
      );
      addresses.forEach((address, i) => {
        const { size } = blocks[i] as Tensor;
        if (size > 0) exchange.mpi.broadcast(new Uint8Array(float32View().buffer as ArrayBuffer, address, 4 * size), root);
      });
    });
    list.forEach((t, i) => {
      if (blocks[i] !== t) copyElements(blocks[i] as Tensor, t);
      t.storage.touch(op);
    });
  }

  /**
   * Reduces a float32 tensor over ranks in place, element by element in the ranks' order: the loss to print, sums of a metric. Returns it. No
   * graph passes here.
   */
  allReduce(x: Tensor, options?: AllReduceOptions): Tensor {
    const name = 'world.allReduce';
    const exchange = this.open(name, arguments.length, 2);
    assertTensor(name, x);
    assertAlive(x, name);
    const { op = 'sum' } = optionsOf(name, options, REDUCE);
    if (x.dtype !== 'float32') throw new GradloomError('DTYPE', name, `takes float32, got ${x.describe()}. Convert it with .float().`);
    reduceInPlace(exchange, name, 'the tensor', [x], [x.size, Object.keys(KERNELS).indexOf(op)], 0, () => (op === 'mean' ? 1 / this.size : 1), KERNELS[op]);
    return x;
  }

  /**
   * Averages the gradients of parameters over ranks in place, after `loss.backward()` and before the optimizer's step: with losses that are
   * means over this rank's rows, the gradient of the mean over all rows.
   *
   * @param params a module, parameters, or lists of both; those without a gradient must be the same on every rank
   * @throws STATE, on every rank and before anything is changed, where ranks differ in parameters or in which have gradients
   * @example
   * const world = await initMpi();
   * world.broadcast(model);
   * for (const [x, y] of loader) {
   *   optimizer.zeroGrad();
   *   crossEntropy(model.forward(world.shard(x)), world.shard(y)).backward();
   *   world.average(model);
   *   optimizer.step();
   * }
   * world.finalize();
   */
  average(params: Trainable, options?: AverageOptions): void {
    const op = 'world.average';
    const exchange = this.open(op, arguments.length, 2);
    const { samples = 0 } = optionsOf(op, options, AVERAGE);
    averageGradients(exchange, op, parametersOf(op, params, tensorOf), samples);
  }

  /**
   * `multiloss.backward` of the whole batch, of which this rank computed its rows' losses: adds to `.grad`, on every rank, what one process
   * with all rows would have (to rounding). Losses and every loss's gradient are averaged over ranks before the method sees them; gradients
   * are measured and combined by shards, one for each rank. What the method draws is drawn alike.
   *
   * @param losses means over this rank's rows, by name; the same names on every rank
   * @throws what `multiloss.backward` throws; STATE, on every rank, where ranks differ in losses or in the parameters that these reach
   * @example
   * world.backward({ task: lossA, other: lossB }, { combine: new multiloss.UPGrad() });
   * optimizer.step();
   */
  backward<Name extends string>(losses: Losses<Name>, options?: WorldBackwardOptions<NoInfer<Name>>): BackwardReport<Name> {
    return backward(this.open('world.backward', arguments.length, 2), losses, options);
  }

  /**
   * A hash of a run's parts, 8 hexadecimal digits.
   * @throws STATE, on every rank, where a rank has other bits than rank 0, naming the parts
   */
  hash(parts: Parts): string {
    const op = 'world.hash';
    return hashParts(this.open(op, arguments.length, 1), op, parts);
  }

  /**
   * `checkpoint.write` of the run, by rank 0, once all ranks are known to hold the same bits; with every rank's random stream. The old file
   * stays until the new one is whole. Resolves, with the hash of the parts, when it is; until then other calls are refused.
   * @throws STATE, on every rank, where a rank has other bits than rank 0, naming the parts; where the file cannot be written, why on rank 0, RUNTIME on the others
   */
  async checkpoint(target: Target, parts: Parts): Promise<string> {
    const op = 'world.checkpoint';
    const exchange = this.open(op, arguments.length, 2);
    return this.alone(op, () => writeRun(exchange, op, target, parts));
  }

  /**
   * `checkpoint.read` on every rank, of a file that rank 0 can see. The job goes on with the bits of one that never stopped, where it has as
   * many ranks as the one that wrote; with others to rounding, and only rank 0's random stream goes on.
   * @returns the plain data among the parts; null where there is no file and `optional` is given
   * @throws as `checkpoint.read`; where the file cannot be read, why on rank 0, RUNTIME on the others
   */
  async restore<State extends Record<string, unknown> = Record<string, unknown>>(source: Source, parts: Parts = {}, options?: ReadOptions): Promise<State | null> {
    const op = 'world.restore';
    const exchange = this.open(op, arguments.length, 3);
    return this.alone(op, () => readRun(exchange, op, source, parts, options) as Promise<State | null>);
  }

  /** Ends MPI on this rank; waits for the others. At the end of the program this is done without being asked. */
  finalize(): void {
    if (this.ended) return;
    this.open('world.finalize', arguments.length, 0).mpi.finalize();
    this.ended = true;
    this.watchdog.end();
  }

  /** @internal The process ends. Where it failed, the launcher ends the job: MPI_Abort here would come before the runtime has printed what was thrown. */
  exit(code: number): void {
    if (code === 0) this.finalize();
    if (this.ended) return;
    this.ended = true;
    this.watchdog.end();
    console.error(`gradloom: rank ${this.rank} of ${this.size} on ${this.host} ends the job with exit code ${code}.`);
  }
}

/** The buffers of modules among what was given. */
function buffersOf(given: unknown): Tensor[] {
  if (given instanceof Tensor || typeof given !== 'object' || given === null) return [];
  const { buffers } = given as { buffers?: () => Iterable<Tensor> };
  if (typeof buffers === 'function') return [...buffers.call(given)];
  return Symbol.iterator in given ? [...(given as Iterable<unknown>)].flatMap(buffersOf) : [];
}

/**
 * Starts MPI in this process, which `mpirun`, `srun` or an MPIJob started beside others; alone it is a job of one rank. Finds Open MPI or MPICH
 * at run time, through the package `koffi`. A rank that fails ends the job; one that waits for others longer than `timeout` does too.
 *
 * @throws RUNTIME where koffi or MPI is missing, where the library is not the launcher's, or at a second call
 * @example
 * // mpirun -n 4 node train.js
 * const world = await initMpi({ timeout: 120 });
 * console.log(`rank ${world.rank} of ${world.size} on ${world.host}`);
 */
export async function initMpi(options?: MpiOptions): Promise<World> {
  const op = 'initMpi';
  const { library, timeout = 600 } = optionsOf(op, options, MPI_OPTIONS, arguments.length);
  if (library === '') throw new GradloomError('VALUE', op, `library must be a path, got ${valueText(library)}.`);
  if (started) throw runtimeError(op, 'MPI starts once in a process, and has been. Keep the world that the first call gave.');
  started = true;
  const process = processOf(op);
  const host = builtin(op, 'node:os').hostname();
  const watchdog = new Watchdog(op, timeout);
  try {
    const mpi = await startMpi(library, (name, call) => watchdog.watched(name, call));
    watchdog.who = `rank ${mpi.rank} of ${mpi.size} on ${host}, pid ${process.pid},`;
    const world = new World(mpi, host, watchdog);
    process.on('exit', (code) => world.exit(code));
    return world;
  } catch (error) {
    watchdog.end();
    started = false;
    throw error;
  }
}
