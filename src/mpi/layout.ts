// Who sums what: the elements of all gradients, in order, cut into chunks of one size, chunk c to rank c mod n.
//
//   bucket 0                         bucket 1
//   ┌─────────┬─────────┬─────────┐ ┌─────────┬─────────┬─────────┐
//   │ rank 0  │ rank 1  │ rank 2  │ │ rank 0  │ rank 1  │ rank 2  │     a bucket travels at once
//   └─────────┴─────────┴─────────┘ └─────────┴─────────┴─────────┘
//   a chunk holds pieces: elements from … from + count of one place, their k rows one after the other

/** A parameter's gradients: k rows of `size` elements. */
export interface Place {
  readonly rows: number;
  readonly size: number;
}

/** Some elements of one place. */
export interface Piece {
  readonly place: number;
  readonly from: number;
  readonly count: number;
  /** Where its rows start in the chunk, and where its sum of rows does. Floats. */
  readonly at: number;
  readonly single: number;
}

/** How places are cut. The same on every rank. */
export interface Layout {
  readonly places: readonly Place[];
  readonly buckets: number;
  /** Size of a chunk, and of one whose pieces have one row each. Floats. */
  readonly chunk: number;
  readonly singles: number;
  /** Pieces of rank r in bucket b: `pieces[b · ranks + r]`. */
  readonly pieces: readonly (readonly Piece[])[];
}

/** Floats of a bucket: 2 MB. */
const BUCKET = 2 ** 19;

/** Cuts places into chunks for so many ranks. */
export function layoutOf(places: readonly Place[], ranks: number, bucket = BUCKET): Layout {
  const total = places.reduce((n, { rows, size }) => n + rows * size, 0);
  const most = places.reduce((n, { rows }) => Math.max(n, rows), 1);
  const buckets = Math.max(1, Math.ceil(total / bucket));
  // A chunk may end up to `most − 1` floats early: elements are not torn.
  const chunk = 4 * Math.ceil((Math.ceil(total / (buckets * ranks)) + most - 1) / 4);
  const pieces: Piece[][] = Array.from({ length: buckets * ranks }, () => []);
  let [c, at, single, singles] = [0, 0, 0, 0];
  places.forEach(({ rows, size }, place) => {
    for (let from = 0; from < size; ) {
      const count = Math.min(size - from, Math.floor((chunk - at) / rows));
      if (count === 0) {
        [c, at, single] = [c + 1, 0, 0];
        continue;
      }
      (pieces[c] as Piece[]).push({ place, from, count, at, single });
      [from, at, single] = [from + count, at + rows * count, single + count];
      singles = Math.max(singles, single);
    }
  });
  return { places, buckets, chunk, singles, pieces };
}

/** A number that tells texts, or lists of integers, apart, 32 bits: FNV-1a by words of 32 bits, whose high bits go down to the low ones between. */
export function hashOf(words: string | Iterable<number>): number {
  let h = 0x811c9dc5;
  for (const word of typeof words === 'string' ? Array.from(words, (c) => c.codePointAt(0) as number) : words) {
    h = Math.imul(h ^ word, 0x01000193);
    h ^= h >>> 15;
  }
  return h >>> 0;
}
