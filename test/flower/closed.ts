// Clients of the closed form: each goes half the way to its target, w ← (w + t) / 2, and weighs n.
import { type Arrays, type ClientApp, clientApp, type NdArray, type NodeEvent, runSuperNode, type Store, type SuperNodeOptions, type Task } from 'gradloom/flower';
import { must, near } from './row.ts';
import type { Outcome } from './superlink.ts';

export const like: Arrays = {
  w: { dtype: 'float32', shape: [1000], data: new Float32Array(1000) },
  'deep/β': { dtype: 'float32', shape: [2, 3], data: new Float32Array(6) },
};

// FedAdam sends float64.
const half = ({ shape, data }: NdArray, target: number): NdArray => ({ dtype: 'float32', shape, data: Float32Array.from(data as Float32Array, (v) => (v + target) / 2) });
/** The client's step on every array. */
export const halfway = (arrays: Arrays, target: number): Arrays => Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, half(a, target)]));

/** A client: [target, weight]. */
export type Aim = readonly [target: number, weight: number];

/** FedAvg's model from round 0, at 0, to the last: for each round the clients that answered. */
export function closedForm(rounds: readonly (readonly Aim[])[]): number[] {
  const values = [0];
  for (const clients of rounds) {
    const total = clients.reduce((sum, [, n]) => sum + n, 0);
    const w = values.at(-1) as number;
    values.push(clients.reduce((sum, [t, n]) => sum + ((w + t) / 2) * (n / total), 0));
  }
  return values;
}

/** Models are float32 and below 4, so that half a place is 1.2e-7: a client, a server and its mean make a few of these in a round, and the next halves what was before. */
export const ROUNDED = 1e-6;

/** Throws unless there is a model from round 0 to the last and all that was noted of it is as wanted, all alike or by array; the worst distance. */
export function follows(values: Outcome['values'], wanted: readonly (number | Readonly<Record<string, number>>)[]): number {
  must(values.length === wanted.length, `models of ${wanted.length} rounds, with round 0`, values.length);
  let worst = 0;
  values.forEach((value, round) => {
    must(Object.keys(value).sort().join() === Object.keys(like).sort().join(), `the arrays of round ${round}`, Object.keys(value));
    const model = wanted[round] as (typeof wanted)[number];
    for (const [name, elements] of Object.entries(value)) {
      const right = typeof model === 'number' ? model : (model[name] as number);
      for (const found of elements) {
        near(found, right, ROUNDED, `${name} after round ${round}`);
        worst = Math.max(worst, Math.abs(found - right));
      }
    }
  });
  return worst;
}

/** The app of a target and a weight; `before` runs before it answers. */
export function closedApp(target: number, weight: number, before: (task: Task) => Promise<void> | void = () => {}, model: Arrays = like): ClientApp {
  return clientApp({
    model,
    train: async (task) => {
      await before(task);
      return { arrays: halfway(task.arrays, target), metrics: { 'num-examples': BigInt(weight) } };
    },
    evaluate: ({ arrays }) => ({ metrics: { 'num-examples': BigInt(weight), loss: Math.abs(((arrays['w'] as NdArray).data[0] as number) - target) } }),
  });
}

/** A node in this process. */
export class Node {
  readonly events: NodeEvent[] = [];
  readonly #stop = new AbortController();
  readonly done: Promise<void>;
  error: Error | undefined;

  constructor(app: ClientApp | readonly ClientApp[], url: string, options: Partial<SuperNodeOptions> & { store?: Store } = {}) {
    const onEvent = (event: NodeEvent): void => void this.events.push(event);
    this.done = runSuperNode(app, { url, poll: 0.05, heartbeat: 10, ...options, onEvent, signal: this.#stop.signal }).catch((error: Error) => {
      this.error = error;
    });
  }

  /** Events of a type. */
  of<T extends NodeEvent['type']>(type: T): Extract<NodeEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<NodeEvent, { type: T }> => event.type === type);
  }

  get nodeId(): string | undefined {
    return this.of('joined').at(-1)?.nodeId;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.done;
  }
}
