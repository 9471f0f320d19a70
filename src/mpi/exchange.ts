// Sums over ranks in wasm memory, bucket by bucket: each rank gets its chunk of every other's gradients, adds them up in the ranks' order,
// and hands the sum round. The order is ours, so that the bits depend on the number of ranks alone: on no library, network or placement.
import { call } from '../runtime/call.ts';
import { float32View } from '../runtime/memory.ts';
import { GradloomError } from '../tensor/errors.ts';
import { writeFloats } from '../tensor/host.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { hashOf, type Layout, layoutOf, type Place } from './layout.ts';
import type { Mpi } from './library.ts';

/** How elements of all ranks become one. */
export type Reduction = 'add' | 'maximum' | 'minimum';

/** Of what ranks compare before each call: which call, of what, with how many numbers; and room for so many numbers, which then need no message. */
const [HEAD, FEW] = [3, 9];

/** How many layouts are kept: those of a step, which come again. */
const KEPT = 16;

const bytesAt = (address: number, floats: number): Uint8Array => new Uint8Array(float32View().buffer as ArrayBuffer, address, 4 * floats);

/** The ranks' exchange of gradients. */
export class Exchange {
  readonly mpi: Mpi;
  private readonly layouts = new Map<string, Layout>();
  /** What is sent, and what comes. Grown as needed. */
  private blocks: [Tensor, Tensor] | null = null;
  private readonly factor: Tensor = empty([1], 'float32', null);

  constructor(mpi: Mpi) {
    this.mpi = mpi;
  }

  layoutOf(places: readonly Place[]): Layout {
    const key = places.map(({ rows, size }) => `${rows}×${size}`).join();
    const found = this.layouts.get(key) ?? layoutOf(places, this.mpi.size);
    this.layouts.delete(key);
    this.layouts.set(key, found); // as the newest
    if (this.layouts.size > KEPT) this.layouts.delete(this.layouts.keys().next().value as string);
    return found;
  }

  /**
   * Numbers of every rank, [n][k], after a look whether all ranks are at the same call with the same things.
   * @throws STATE, on every rank, where they are not
   */
  gather(op: string, what: string, words: string | Iterable<number>, numbers: ArrayLike<number>): Float64Array[] {
    const { rank } = this.mpi;
    const mine = new Float64Array(HEAD + FEW);
    mine.set([hashOf(op), hashOf(words), numbers.length]);
    const few = numbers.length <= FEW;
    if (few) mine.set(numbers, HEAD);
    const all = this.rowsOf(mine);
    const first = all[0] as Float64Array;
    const other = all.findIndex((row) => row.subarray(0, HEAD).some((v, i) => v !== first[i]));
    if (other > 0) {
      const where = all[other]?.[0] === first[0] ? `${what} of rank ${other} are not those of rank 0` : `rank ${other} is at another call than rank 0`;
      throw new GradloomError('STATE', op, `${where} (this is rank ${rank}), so nothing was changed. Let every rank run the same program on batches of one kind.`);
    }
    return few ? all.map((row) => row.subarray(HEAD, HEAD + numbers.length)) : this.rowsOf(numbers);
  }

  private rowsOf(numbers: ArrayLike<number>): Float64Array[] {
    const { rank, size } = this.mpi;
    const all = new Float64Array(size * numbers.length);
    all.set(numbers, rank * numbers.length);
    this.mpi.allGather(new Uint8Array(all.buffer));
    return Array.from({ length: size }, (_, r) => all.subarray(r * numbers.length, (r + 1) * numbers.length));
  }

  /** Numbers of every rank, added in the ranks' order. float64. */
  sum(numbers: ArrayLike<number>): Float64Array {
    const total = new Float64Array(numbers.length);
    for (const row of this.rowsOf(numbers)) for (let i = 0; i < total.length; i++) total[i] = (total[i] as number) + (row[i] as number);
    return total;
  }

  /** Addresses of two blocks with room for a bucket. */
  private room({ chunk }: Layout): [send: number, receive: number] {
    const floats = chunk * this.mpi.size;
    if (!this.blocks || this.blocks[0].size < floats) this.blocks = [empty([floats], 'float32', null), empty([floats], 'float32', null)];
    return [this.blocks[0].address, this.blocks[1].address];
  }

  /**
   * Sums places over ranks; this rank's chunk of each bucket goes to `take`.
   * @param from the places' addresses
   * @param share what this rank's elements are multiplied by
   * @param take gets the bucket's number and the address of the sums, which stay there until it returns
   */
  scatter(layout: Layout, from: readonly number[], share: number, take: (bucket: number, address: number) => void, reduction: Reduction = 'add'): void {
    const { mpi, factor } = this;
    const { chunk } = layout;
    const [send, receive] = this.room(layout);
    const all = chunk * mpi.size;
    writeFloats(factor.address, [share]);
    for (let b = 0; b < layout.buckets; b++) {
      const memory = float32View();
      for (let r = 0; r < mpi.size; r++) {
        const start = send / 4 + r * chunk;
        let end = 0;
        for (const { place, from: first, count, at } of layout.pieces[b * mpi.size + r] as Layout['pieces'][number]) {
          const { rows, size } = layout.places[place] as Place;
          for (let i = 0; i < rows; i++) {
            const source = (from[place] as number) / 4 + i * size + first;
            memory.copyWithin(start + at + i * count, source, source + count);
          }
          end = at + rows * count;
        }
        memory.fill(0, start + end, start + chunk);
      }
      if (share !== 1) call('mul', send, factor.address, send, 1, 1, all, 0, 0, 1, 0, 0, 0);
      mpi.allToAll(bytesAt(send, all), bytesAt(receive, all));
      for (let r = 1; r < mpi.size; r++) call(reduction, receive, receive + 4 * r * chunk, receive, 1, 1, chunk, 0, 0, 1, 0, 0, 1);
      take(b, receive);
    }
  }

  /** Hands this rank's chunk of a bucket, `floats` at an address, to all, and puts everyone's where they belong. @param to the places' addresses, each [size] */
  private handRound(layout: Layout, bucket: number, address: number, floats: number, offset: 'at' | 'single', to: readonly number[]): void {
    const { mpi } = this;
    const [send] = this.room(layout);
    const memory = float32View();
    memory.copyWithin(send / 4 + mpi.rank * floats, address / 4, address / 4 + floats);
    mpi.allGather(bytesAt(send, floats * mpi.size));
    for (let r = 0; r < mpi.size; r++) {
      for (const piece of layout.pieces[bucket * mpi.size + r] as Layout['pieces'][number]) {
        const source = send / 4 + r * floats + piece[offset];
        memory.copyWithin((to[piece.place] as number) / 4 + piece.from, source, source + piece.count);
      }
    }
  }

  /** Sums of one row each that this rank made, bucket by bucket at `address`, to all ranks. */
  gatherSingles(layout: Layout, address: number, to: readonly number[]): void {
    for (let b = 0; b < layout.buckets; b++) this.handRound(layout, b, address + 4 * b * layout.singles, layout.singles, 'single', to);
  }

  /** Sums blocks over ranks: block p of `sizes[p]` floats from `from[p]` to `to[p]`, which may be the same. */
  reduce(sizes: readonly number[], from: readonly number[], to: readonly number[], share: number, reduction: Reduction = 'add'): void {
    const layout = this.layoutOf(sizes.map((size) => ({ rows: 1, size })));
    this.scatter(layout, from, share, (bucket, address) => this.handRound(layout, bucket, address, layout.chunk, 'at', to), reduction);
  }
}
