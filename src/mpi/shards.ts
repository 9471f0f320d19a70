// Every loss's gradient over ranks: averaged whole, or by shards, of which each rank keeps, measures and combines its own.
import { accumulate } from '../autograd/leaf.ts';
import { combine, innerProducts, type Products, type Rows, stacked } from '../autograd/rows.ts';
import type { Found } from '../autograd/walk.ts';
import { narrow, reshape } from '../ops/movement.ts';
import { float32View, float64View } from '../runtime/memory.ts';
import { doublesAt } from '../tensor/host.ts';
import { dense } from '../tensor/op.ts';
import { defaultGenerator } from '../tensor/random.ts';
import { hostStep } from '../tensor/recording.ts';
import { empty, Tensor } from '../tensor/tensor.ts';
import type { Exchange } from './exchange.ts';
import type { Layout } from './layout.ts';

/** What a step has of every rank. */
export class Step {
  readonly exchange: Exchange;
  readonly op: string;
  /** This rank's part of the whole batch. */
  share = 0;
  /** The state of rank 0's random stream. */
  draws: readonly number[] = [];

  constructor(exchange: Exchange, op: string) {
    this.exchange = exchange;
    this.op = op;
  }

  /** Lets a method draw what rank 0 draws. Each rank's own stream (of its dropout) goes on as if nothing had been drawn, but rank 0's. */
  drawingAlike<T>(run: () => T): T {
    if (this.exchange.mpi.rank === 0) return run();
    const generator = defaultGenerator();
    let own: number[] = [];
    hostStep([], () => {
      own = generator.getState();
      generator.setState(this.draws);
    });
    try {
      return run();
    } finally {
      hostStep([], () => generator.setState(own));
    }
  }
}

/** The leaves that a walk found and their rows; `check` refuses where ranks found different ones. */
function leavesOf({ exchange, op }: Step, found: Found): { leaves: Tensor[]; rows: Rows[]; check(): void } {
  const leaves = [...found.rows.keys()].filter((p): p is Tensor => p instanceof Tensor);
  const rows = leaves.map((leaf) => found.rows.get(leaf) as Rows);
  const words = leaves.flatMap((leaf, i) => [leaf.size, ...(rows[i] as Rows).ids, -1]);
  return { leaves, rows, check: () => void exchange.gather(op, 'the parameters that the losses reach', words, []) };
}

/** Averages what a walk found: every rank has the whole batch's rows then. */
export function averageRows(step: Step, found: Found): void {
  const { leaves, rows, check } = leavesOf(step, found);
  const from = rows.map(({ values }) => dense(values));
  // Not in place: two leaves may have been given one gradient.
  const to = from.map(({ sizes }) => empty(sizes));
  hostStep([...from, ...to], (addresses) => {
    check();
    const sizes = from.map(({ size }) => size);
    step.exchange.reduce(sizes, addresses.slice(0, from.length), addresses.slice(from.length), step.share);
  });
  leaves.forEach((leaf, i) => {
    found.rows.set(leaf, found.pass.hold({ ids: (rows[i] as Rows).ids, values: to[i] as Tensor }));
  });
}

/** Elements of one parameter that this rank keeps. */
interface Shard {
  /** Which parameter. */
  readonly place: number;
  /** Their averaged gradients, [k, count]. */
  readonly rows: Tensor;
  /** Where their combination goes among what is handed round. Floats. */
  readonly single: number;
}

/** This rank's shards of every parameter's averaged rows. */
export class Shards {
  private readonly exchange: Exchange;
  private readonly leaves: readonly Tensor[];
  private readonly ids: readonly (readonly number[])[];
  private readonly layout: Layout;
  private readonly mine: readonly Shard[];

  constructor(step: Step, found: Found) {
    const { exchange } = step;
    const { leaves, rows, check } = leavesOf(step, found);
    const from = rows.map((r) => dense(stacked(r)));
    const layout = exchange.layoutOf(from.map(({ sizes, size }) => ({ rows: sizes[0] as number, size: size / (sizes[0] as number) })));
    const { buckets, chunk, singles } = layout;
    const store = empty([buckets * chunk]);
    hostStep([store, ...from], ([address, ...addresses]) => {
      check();
      exchange.scatter(layout, addresses, step.share, (bucket, sums) => {
        float32View().copyWithin((address as number) / 4 + bucket * chunk, sums / 4, sums / 4 + chunk);
      });
    });
    this.exchange = exchange;
    this.leaves = leaves;
    this.ids = rows.map(({ ids }) => ids);
    this.layout = layout;
    this.mine = Array.from({ length: buckets }, (_, b) =>
      (layout.pieces[b * exchange.mpi.size + exchange.mpi.rank] ?? []).map(({ place, count, at, single }): Shard => {
        const k = (this.ids[place] as readonly number[]).length;
        return { place, rows: reshape(narrow(store, 0, b * chunk + at, k * count), [k, count]), single: b * singles + single };
      }),
    ).flat();
  }

  /** Inner products of the whole rows, the sum of the shards', for each leaf: what a walk over the whole batch would have measured. */
  measure(found: Found): void {
    const products = this.ids.map((ids): Products => ({ ids, block: empty([2 * ids.length ** 2]) }));
    const parts = this.mine.map(({ rows }) => innerProducts(rows));
    hostStep([...products.map((p) => p.block), ...parts], (addresses) => {
      const starts: number[] = [];
      let length = 0;
      for (const { ids } of products) {
        starts.push(length);
        length += ids.length ** 2;
      }
      const own = new Float64Array(length);
      this.mine.forEach(({ place }, i) => {
        const start = starts[place] as number;
        doublesAt(addresses[products.length + i] as number, (this.ids[place] as readonly number[]).length ** 2).forEach((v, j) => {
          own[start + j] = (own[start + j] as number) + v;
        });
      });
      const total = this.exchange.sum(own);
      products.forEach(({ ids }, i) => {
        const start = starts[i] as number;
        float64View().set(total.subarray(start, start + ids.length ** 2), (addresses[i] as number) / 8);
      });
    });
    products.forEach((p, i) => {
      p.block.storage.holds++;
      found.gramians.set(this.leaves[i] as Tensor, p);
    });
  }

  /** Combines each leaf's rows with its weights [k], and adds the result to its `.grad` on every rank. */
  accumulate(weightsOf: (leaf: Tensor, ids: readonly number[]) => Tensor): void {
    const { exchange, layout, leaves, ids, mine } = this;
    const weights = leaves.map((leaf, i) => weightsOf(leaf, ids[i] as readonly number[]));
    const sums = mine.map(({ place, rows }) => combine(weights[place] as Tensor, rows));
    const block = empty([Math.max(layout.buckets * layout.singles, 1)]);
    const gradients = leaves.map(({ sizes }) => empty(sizes));
    hostStep([block, ...sums, ...gradients], ([address, ...rest]) => {
      const memory = float32View();
      mine.forEach(({ single }, i) => {
        const source = (rest[i] as number) / 4;
        memory.copyWithin((address as number) / 4 + single, source, source + (sums[i] as Tensor).size);
      });
      exchange.gatherSingles(layout, address as number, rest.slice(sums.length));
    });
    leaves.forEach((leaf, i) => {
      accumulate(leaf, gradients[i] as Tensor, true, false);
    });
  }
}
