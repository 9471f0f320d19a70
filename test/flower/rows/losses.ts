// FedJD: a row for each loss from every client, averaged, resolved with UPGrad, against the closed form in float64.
import { join } from 'node:path';
import { type Arrays, clientApp, type NdArray, stackRows } from 'gradloom/flower';
import { command, root } from '../../runtimes/context.ts';
import { follows, like, Node, ROUNDED } from '../closed.ts';
import { must, type Row } from '../row.ts';
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
const ROUNDS = 4;

/** A number for each array, whose elements are alike. */
type Values = Readonly<Record<string, number>>;
const zero: Values = Object.fromEntries(Object.keys(like).map((name) => [name, 0]));
const mapped = (values: Values, fn: (v: number, name: string) => number): Values => Object.fromEntries(Object.entries(values).map(([name, v]) => [name, fn(v, name)]));
/** Where loss i pulls an array to: the losses oppose one another in w, whose 1000 elements are near to 0, and agree at first in the other's 6. */
const centre = (i: number, c: number, name: string): number => (name === 'w' ? c / 24 : i === 0 ? c : -c);
const dot = (a: Values, b: Values): number => Object.entries(like).reduce((sum, [name, { data }]) => sum + data.length * (a[name] as number) * (b[name] as number), 0);

/** UPGrad for two losses: rows project onto the half-spaces of one another. */
function closed(a: Values, b: Values): Values {
  const opposed = Math.max(-dot(a, b), 0);
  return mapped(a, (v, name) => ((1 + opposed / dot(a, a)) * v + (1 + opposed / dot(b, b)) * (b[name] as number)) / 2);
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
        const row = ([s, c]: readonly [number, number], i: number): Arrays =>
          Object.fromEntries(
            Object.entries(arrays).map(([name, a]): [string, NdArray] => [name, { ...a, data: Float32Array.from(a.data as Float32Array, (v) => s * (v - centre(i, c, name))) }]),
          );
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
    const run = await Run.start(link, { strategy: 'FedJD', rounds: ROUNDS, 'min-nodes': 6, 'max-norm': 1e4 });
    const { failed, values, dropped = [], gramian = [], weights = [] } = await run.outcome();
    must(failed === undefined, 'the run ended well', failed);
    must(dropped.length === 3 * ROUNDS, 'three replies dropped a round', dropped);
    const total = CLIENTS.reduce((sum, { n }) => sum + n, 0);
    const [models, followed]: [Values[], number[]] = [[zero], []];
    let opposed = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const model = models.at(-1) as Values;
      const [a, b] = ([0, 1] as const).map((i) =>
        mapped(model, (v, name) => CLIENTS.reduce((sum, { n, losses }) => sum + (n / total) * losses[i][0] * (v - centre(i, losses[i][1], name)), 0)),
      ) as [Values, Values];
      const d = closed(a, b);
      if (dot(a, b) < 0) opposed++;
      must(dot(d, d) > 1e-3 && dot(a, d) > 0 && dot(b, d) > 0, 'the direction lowers both losses', { a, b, d });
      followed.push(d['w'] as number);
      models.push(mapped(model, (v, name) => v - 0.5 * (d[name] as number)));
    }
    must(opposed > 0 && opposed < ROUNDS, 'losses oppose one another in some rounds and not in others', opposed);
    const worst = follows(values, models);
    // The last direction goes with each round from the second.
    must(directions.length === 18, 'directions were sent', directions);
    const strange = directions.filter((d) => !followed.some((f) => Math.abs(f - d) < ROUNDED));
    must(strange.length === 0, 'each is a direction that was followed', { strange, followed });
    return `${opposed} of ${ROUNDS} rounds with opposed losses; worst ${worst.toExponential(1)}; Gramian ${JSON.stringify(gramian.map((row) => row.map((v) => Number(v.toPrecision(3)))))}, weights ${weights.map((v) => v.toFixed(3))}; dropped NaN, 10⁶ ×, a wrong shape`;
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
