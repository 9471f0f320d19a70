// Clients of the closed form: each goes half the way to its target, w ← (w + t) / 2, and weighs n.
import { type Arrays, type ClientApp, clientApp, type NdArray, type NodeEvent, runSuperNode, type Store, type SuperNodeOptions, type Task } from 'gradloom/flower';

export const like: Arrays = {
  w: { dtype: 'float32', shape: [1000], data: new Float32Array(1000) },
  'deep/β': { dtype: 'float32', shape: [2, 3], data: new Float32Array(6) },
};

// FedAdam sends float64.
const half = ({ shape, data }: NdArray, target: number): NdArray => ({ dtype: 'float32', shape, data: Float32Array.from(data as Float32Array, (v) => (v + target) / 2) });
/** The client's step on every array. */
export const halfway = (arrays: Arrays, target: number): Arrays => Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, half(a, target)]));

/** What FedAvg's model is after some rounds of clients [target, weight], from 0. */
export function closedForm(clients: readonly (readonly [target: number, weight: number])[], rounds: number): number {
  const total = clients.reduce((sum, [, n]) => sum + n, 0);
  const mean = clients.reduce((sum, [t, n]) => sum + (t * n) / total, 0);
  let w = 0;
  for (let i = 0; i < rounds; i++) w = (w + mean) / 2;
  return w;
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
