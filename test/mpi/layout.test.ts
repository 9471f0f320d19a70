// How gradients are cut into chunks for ranks: every element once, pieces inside of their chunks, whatever the sizes.
import 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Exchange } from '../../src/mpi/exchange.ts';
import { hashOf, layoutOf } from '../../src/mpi/layout.ts';
import type { Mpi } from '../../src/mpi/library.ts';

test('every element belongs to one rank, inside of a chunk', () => {
  const cases = [
    [[{ rows: 1, size: 5 }], 1, 100],
    [
      [
        { rows: 3, size: 10 },
        { rows: 1, size: 7 },
        { rows: 2, size: 1 },
      ],
      2,
      100,
    ],
    [
      [
        { rows: 3, size: 10 },
        { rows: 1, size: 0 },
        { rows: 2, size: 331 },
      ],
      4,
      64,
    ],
    [[{ rows: 7, size: 3 }], 16, 8],
    [
      [
        { rows: 5, size: 1000 },
        { rows: 1, size: 999 },
      ],
      3,
      512,
    ],
    [[], 4, 64],
  ] as const;
  for (const [places, ranks, bucket] of cases) {
    const { buckets, chunk, singles, pieces } = layoutOf(places, ranks, bucket);
    assert.is(pieces.length, buckets * ranks);
    assert.is(chunk % 4, 0);
    const seen = places.map(({ size }) => new Uint8Array(size));
    for (const list of pieces) {
      let [at, single] = [0, 0];
      for (const piece of list) {
        assert.equal([piece.at, piece.single], [at, single]);
        at += piece.count * (places[piece.place]?.rows as number);
        single += piece.count;
        const elements = (seen[piece.place] as Uint8Array).subarray(piece.from, piece.from + piece.count);
        elements.forEach((n, i) => {
          elements[i] = n + 1;
        });
      }
      assert.ok(at <= chunk && single <= singles, `${at} of ${chunk}, ${single} of ${singles}`);
    }
    assert.ok(seen.every((list) => list.every((n) => n === 1)));
    // Room for what there is; in each chunk one element that may not fit, and what makes it a multiple of 4.
    const total = places.reduce((n, { rows, size }) => n + rows * size, 0);
    assert.ok(buckets * ranks * chunk <= total + buckets * ranks * (Math.max(1, ...places.map((p) => p.rows)) + 3));
  }
});

test('a hash tells lists of numbers and texts apart, also where two sign bits are flipped', () => {
  const lists = [[], [0], [1], [1, 2], [2, 1], [1, 2, 0], [2 ** 31], [-1], [1 + 2 ** 31, 2 + 2 ** 31], 'ab', 'ba'];
  assert.is(new Set(lists.map((l) => hashOf(l))).size, lists.length);
});

test('of layouts of ever new sizes the last few are kept', () => {
  const exchange = new Exchange({ size: 2 } as Mpi);
  const first = exchange.layoutOf([{ rows: 1, size: 1 }]);
  for (let size = 2; size < 100; size++) {
    exchange.layoutOf([{ rows: 1, size }]);
    assert.is(exchange.layoutOf([{ rows: 1, size: 1 }]), first);
  }
  assert.is((exchange as unknown as { layouts: Map<string, unknown> }).layouts.size, 16);
});

test.run();
