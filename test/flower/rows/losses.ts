// FedJD: a row for each loss from every client, averaged, resolved with UPGrad, against the closed form in float64.
import { join } from 'node:path';
import { type Arrays, clientApp, type NdArray, stackRows } from 'gradloom/flower';
import { command, root } from '../../runtimes/context.ts';
import { like, Node } from '../closed.ts';
import { must, near, type Row } from '../row.ts';
import { flower, Run, SuperLink } from '../superlink.ts';

/** Losses of a client: ½ s ‖w − c‖², of which the gradient is s (w − c). For each client: its weight, and [s, c] of both. */
const CLIENTS: readonly { n: number; losses: readonly [readonly [number, number], readonly [number, number]] }[] = [
  {
    n: 1,
    losses: [
      [1, 2],
      [0.5, -4],
    ],
  },
  {
    n: 2,
    losses: [
      [1.5, 1],
      [0.25, -3],
    ],
  },
  {
    n: 3,
    losses: [
      [0.5, 4],
      [2, -1],
    ],
  },
];
const SIZE = 1006; // elements in all: every one goes the same way, so that rows are multiples of one vector, or opposed

/** UPGrad for two losses: rows project onto the half-spaces of one another. */
function closed([a, b]: readonly [number, number]): number {
  const [na, nb] = [a, b].map((v) => v * v * SIZE) as [number, number];
  const dot = a * b * SIZE;
  const wa = dot < 0 && nb > 0 ? -dot / nb : 0;
  const wb = dot < 0 && na > 0 ? -dot / na : 0;
  return ((1 + wb) * a + (1 + wa) * b) / 2;
}

async function fedJD(): Promise<string> {
  const link = await SuperLink.start();
  const directions: number[] = [];
  const make = ({ n, losses }: (typeof CLIENTS)[number], spoil?: (rows: Arrays) => Arrays): Node => {
    const app = clientApp({
      model: like,
      nonFinite: spoil !== undefined,
      train: ({ arrays, records }) => {
        const direction = records.arrays['direction']?.['w'];
        if (direction) directions.push(direction.data[0] as number);
        const row = ([s, c]: readonly [number, number]): Arrays =>
          Object.fromEntries(Object.entries(arrays).map(([name, a]): [string, NdArray] => [name, { ...a, data: Float32Array.from(a.data as Float32Array, (v) => s * (v - c)) }]));
        const rows = stackRows(losses.map(row));
        return { arrays: spoil ? spoil(rows) : rows, metrics: { 'num-examples': BigInt(n) } };
      },
    });
    return new Node(app, link.url);
  };
  const first = (rows: Arrays, data: (d: Float32Array) => Float32Array): Arrays => ({ ...rows, w: { ...(rows['w'] as NdArray), data: data(rows['w']?.data as Float32Array) } });
  const nodes = [
    ...CLIENTS.map((c) => make(c)),
    make({ n: 50, losses: CLIENTS[0]?.losses as never }, (rows) => first(rows, (d) => d.fill(Number.NaN))),
    make({ n: 50, losses: CLIENTS[0]?.losses as never }, (rows) => first(rows, (d) => d.map((v) => v * 1e6))),
    make({ n: 50, losses: CLIENTS[0]?.losses as never }, ({ w, ...rows }) => ({ ...rows, w: { ...(w as NdArray), shape: [1000, 2] } })),
  ];
  try {
    const run = await Run.start(link, { strategy: 'FedJD', rounds: 4, 'min-nodes': 6, 'max-norm': 1e4 });
    const { failed, values, dropped = [], gramian = [], weights = [] } = await run.outcome();
    must(failed === undefined, 'the run ended well', failed);
    must(dropped.length === 12, 'three replies dropped a round', dropped);
    const total = CLIENTS.reduce((sum, { n }) => sum + n, 0);
    let [w, worst] = [0, 0];
    const followed: number[] = [];
    values.forEach((value, round) => {
      if (round > 0) {
        const mean = ([0, 1] as const).map((i) => CLIENTS.reduce((sum, { n, losses }) => sum + (n / total) * losses[i][0] * (w - losses[i][1]), 0)) as [number, number];
        const d = closed(mean);
        must(mean[0] * d >= -1e-9 && mean[1] * d >= -1e-9, 'no loss rises along the direction', { mean, d });
        followed.push(d);
        w -= 0.5 * d;
      }
      for (const found of Object.values(value).flat()) {
        near(found, w, 1e-6, `the model after round ${round}`);
        worst = Math.max(worst, Math.abs(found - w));
      }
    });
    // The last direction goes with each round from the second.
    must(directions.length === 18, 'directions were sent', directions);
    const strange = directions.filter((d) => !followed.some((f) => Math.abs(f - d) < 1e-5));
    must(strange.length === 0, 'each is a direction that was followed', { strange, followed });
    return `worst ${worst.toExponential(1)}; Gramian ${JSON.stringify(gramian.map((row) => row.map((v) => Number(v.toPrecision(3)))))}, weights ${weights.map((v) => v.toFixed(3))}; dropped NaN, 10⁶ ×, a wrong shape`;
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    await link.stop();
  }
}

export const losses: Row[] = [
  {
    name: 'FedJD without a server: UPGrad, order of replies, what is dropped',
    short: true,
    run: async () =>
      command(join(flower(), 'bin', 'python'), [join(root, 'test', 'flower', 'fedjd_test.py'), join(root, 'examples', 'flower', 'server', 'federation', 'strategies.py')])
        .trim()
        .split('\n')
        .at(-1) as string,
  },
  { name: 'FedJD equals the closed form, and drops what is wrong', run: fedJD },
];
