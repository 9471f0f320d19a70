// A run over ranks in one file. All ranks hold the same but their random streams: the others' go beside rank 0's.
import { readBytes, type Source, type Target, writeBytes } from '../checkpoint/file.ts';
import { type Parts, type ReadOptions, read, toBytes } from '../checkpoint/run.ts';
import { FLAG, isPlainObject, type Kinds, optionsOf, valueText } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { defaultGenerator } from '../tensor/random.ts';
import type { Exchange } from './exchange.ts';
import { hashOf } from './layout.ts';

/** The part that holds each rank's random stream. */
const RANKS = 'ranks';
const OPTIONS: Kinds<ReadOptions> = { optional: FLAG };

function assertParts(op: string, parts: Parts): void {
  if (!isPlainObject(parts)) throw valueError(op, `takes a run's parts by name, got ${valueText(parts)}. Write { model, optimizer, step }.`);
  if (Object.hasOwn(parts, RANKS)) throw valueError(op, `the part '${RANKS}' is what it keeps each rank's random stream in. Give yours another name.`);
}

const hash = (bytes: Uint8Array): number => hashOf(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2));

/** A hash of a run's parts, without random streams. @throws STATE, on every rank, where ranks differ, naming the parts */
export function hashParts(exchange: Exchange, op: string, parts: Parts): string {
  assertParts(op, parts);
  const names = Object.keys(parts);
  const mine = names.map((name) => hash(toBytes({ [name]: parts[name], rng: 0 })));
  const all = exchange.gather(
    op,
    'the names of the parts',
    names.flatMap((name) => [...name].map((c) => c.charCodeAt(0))),
    mine,
  );
  const differing = names.filter((_, i) => all.some((row) => row[i] !== all[0]?.[i]));
  if (differing.length > 0) {
    const rank = all.findIndex((row) => row.some((v, i) => v !== all[0]?.[i]));
    throw new GradloomError(
      'STATE',
      op,
      `rank ${rank} has other bits than rank 0 in ${differing.join(', ')}. Start from world.broadcast(model), step on averaged gradients only, and broadcast buffers (BatchNorm's statistics) before.`,
    );
  }
  return hashOf(mine).toString(16).padStart(8, '0');
}

/** Writes a run; rank 0 does. */
export async function writeRun(exchange: Exchange, op: string, target: Target, parts: Parts): Promise<string> {
  const found = hashParts(exchange, op, parts);
  const streams = exchange.gather(op, 'the random streams', [], defaultGenerator().getState()).map((row) => [...row]);
  if (exchange.mpi.rank === 0) await writeBytes(target, toBytes({ ...parts, [RANKS]: streams }));
  exchange.mpi.barrier();
  return found;
}

/** Reads a run that rank 0 has the file of. */
export async function readRun(exchange: Exchange, op: string, source: Source, parts: Parts, options?: ReadOptions): Promise<Record<string, unknown> | null> {
  assertParts(op, parts);
  const { optional = false } = optionsOf(op, options, OPTIONS);
  const { mpi } = exchange;
  const own = mpi.rank === 0 ? await readBytes(source) : null;
  const length = exchange.sum([own?.length ?? -1, mpi.rank === 0 ? 0 : 1]);
  const count = (length[0] as number) + mpi.size - 1;
  if (count < 0) {
    if (optional) return null;
    throw new GradloomError('STATE', op, `rank 0 has no file ${valueText(String(source))}. Pass { optional: true } where a run may be new.`);
  }
  const bytes = own ?? new Uint8Array(count);
  mpi.broadcast(bytes, 0);
  const generator = defaultGenerator();
  const before = generator.getState();
  const { [RANKS]: streams, ...rest } = await read(bytes, parts);
  // Written by another number of ranks: only rank 0's stream goes on.
  const fits = Array.isArray(streams) && streams.length === mpi.size;
  if (fits || mpi.rank > 0) generator.setState(fits ? ((streams as number[][])[mpi.rank] as number[]) : before);
  return rest;
}
