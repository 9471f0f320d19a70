// A run over ranks in one file. All ranks hold the same but their random streams: the others' go beside rank 0's.
import { checksumOf } from '../checkpoint/checksum.ts';
import { readBytes, type Source, type Target, writeBytes } from '../checkpoint/file.ts';
import { assertParts, OPTIONS, type Parts, type ReadOptions, read, toBytes } from '../checkpoint/run.ts';
import { optionsOf, valueText } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { defaultGenerator } from '../tensor/random.ts';
import type { Exchange } from './exchange.ts';
import { hashOf } from './layout.ts';

/** The part that holds each rank's random stream. */
const RANKS = 'ranks';

function assertNames(op: string, parts: Parts): void {
  assertParts(op, parts);
  if (Object.hasOwn(parts, RANKS)) throw valueError(op, `the part '${RANKS}' is what it keeps each rank's random stream in. Give yours another name.`);
}

/**
 * Does what rank 0 alone does; every rank gets the number that came of it.
 * @throws where it failed: what rank 0 threw, there; RUNTIME on the others
 */
async function onFirst(exchange: Exchange, op: string, run: () => Promise<number>): Promise<number> {
  let [failed, number]: [boolean, number] = [false, 0];
  let cause: unknown;
  if (exchange.mpi.rank === 0) {
    try {
      number = await run();
    } catch (error) {
      [failed, cause] = [true, error];
    }
  }
  const [first] = exchange.gather(op, 'the file', '', [failed ? 1 : 0, number]);
  if (failed) throw cause;
  if (first?.[0] === 1) throw new GradloomError('RUNTIME', op, 'rank 0, which has the file, failed. Its error says why.');
  return first?.[1] as number;
}

/** A hash of a run's parts, without random streams, of the checksums that they are written with. @throws STATE, on every rank, where ranks differ, naming the parts */
export function hashParts(exchange: Exchange, op: string, parts: Parts): string {
  assertNames(op, parts);
  const names = Object.keys(parts);
  const mine = names.map((name) => Number.parseInt(checksumOf(toBytes({ [name]: parts[name], rng: 0 })), 16));
  const all = exchange.gather(op, 'the names of the parts', names.join(), mine);
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
  const streams = exchange.gather(op, 'the random streams', '', defaultGenerator().getState()).map((row) => [...row]);
  await onFirst(exchange, op, async () => {
    await writeBytes(target, toBytes({ ...parts, [RANKS]: streams }));
    return 0;
  });
  return found;
}

/** Reads a run that rank 0 has the file of. */
export async function readRun(exchange: Exchange, op: string, source: Source, parts: Parts, options?: ReadOptions): Promise<Record<string, unknown> | null> {
  assertNames(op, parts);
  const { optional = false } = optionsOf(op, options, OPTIONS);
  const { mpi } = exchange;
  let own: Uint8Array | null = null;
  const length = await onFirst(exchange, op, async () => {
    own = await readBytes(source);
    return own?.length ?? -1;
  });
  if (length < 0) {
    if (optional) return null;
    throw new GradloomError('STATE', op, `rank 0 has no file ${valueText(String(source))}. Pass { optional: true } where a run may be new.`);
  }
  const bytes = own ?? new Uint8Array(length);
  mpi.broadcast(bytes, 0);
  const generator = defaultGenerator();
  const before = generator.getState();
  const { [RANKS]: streams, ...rest } = await read(bytes, parts);
  // Written by another number of ranks: only rank 0's stream goes on.
  const fits = Array.isArray(streams) && streams.length === mpi.size;
  if (fits || mpi.rank > 0) generator.setState(fits ? ((streams as number[][])[mpi.rank] as number[]) : before);
  return rest;
}
