// The page's own training, and which rounds it takes. No code comes from the server.
import { type Kinds, checkArgument, FLAG, FUNCTION, optionsOf, TEXT, isPlainObject } from '../tensor/check.ts';
import { GradloomError, valueText } from '../tensor/errors.ts';
import { arraysOf, type ModelLike } from './arrays.ts';
import { assertNdArray } from './npy.ts';
import { sha256, utf8 } from './objects.ts';
import type { Arrays, Config, Metrics, Records } from './records.ts';

/** What a round hands to the training function. */
export interface Task {
  /** `train`, `evaluate`, `query`, or one with a name behind it, `train.head`. */
  readonly type: string;
  /** The model as the server has it. */
  readonly arrays: Arrays;
  /** The round's configuration. */
  readonly config: Config;
  /** The round's number, from 1; 0 where the server does not say. */
  readonly round: number;
  /** Every record of the message, where it has more than a model and a configuration. */
  readonly records: Records;
  /** The node's number at the server. */
  readonly nodeId: string;
  /** The run's number at the server. */
  readonly runId: string;
  /** Aborted when the node stops. */
  readonly signal: AbortSignal;
}

/** What the training function answers. Stock strategies want one record of arrays (from `train`) and one of metrics, with `num-examples`. */
export interface Answer {
  /** The trained model, or a row of it for each loss. */
  arrays?: Arrays;
  /** Numbers, among them `num-examples`. */
  metrics?: Metrics;
  /** What else a server of one's own wants to know. */
  config?: Config;
}

/** Trains, evaluates or looks something up. */
export type Handler = (task: Task) => Answer | Promise<Answer>;

/** What a client does. */
export interface ClientAppOptions {
  /** The model whose rounds this app takes: a module, its state, or arrays. Names and sizes count, not the numbers. */
  model: ModelLike | Arrays;
  /** What the hash covers besides: a word for the losses, the data's meaning, a version. The server must then send `model-hash`. */
  program?: string;
  /** Answers a round of training. Let it yield (`await tick()`), or hand the work to a Worker, so that heartbeats go on. */
  train?: Handler;
  /** Answers a round of evaluation. */
  evaluate?: Handler;
  /** Answers a query. */
  query?: Handler;
  /** Whether arrays with NaN or infinity may be sent. Without it the server is told of an error: one such reply spoils an average. */
  nonFinite?: boolean;
}

const OPTIONS: Kinds<ClientAppOptions> = {
  model: { what: 'a module, its state or arrays', test: (v) => typeof v === 'object' && v !== null },
  program: TEXT,
  train: FUNCTION,
  evaluate: FUNCTION,
  query: FUNCTION,
  nonFinite: FLAG,
};

/** What one page trains; made by `clientApp`. */
export class ClientApp {
  /** @internal */
  readonly options: ClientAppOptions;
  /** @internal Names and sizes. */
  readonly layout: string;

  /** @internal */
  constructor(options: ClientAppOptions, layout: string) {
    this.options = options;
    this.layout = layout;
  }
}

/** A model's names and sizes as text. */
function layoutOf(op: string, model: ModelLike | Arrays): string {
  const arrays = isPlainObject(model) ? (model as Arrays) : arraysOf(model as ModelLike);
  const names = Object.keys(arrays).sort();
  if (names.length === 0) throw new GradloomError('VALUE', op, 'model has no parameters. Pass the module that is trained.');
  // Not the element types: averaging makes floats of integers.
  const line = (name: string): string => {
    const array = arrays[name] as Arrays[string];
    assertNdArray(op, name, array);
    return `${name} ${array.shape.join('x')}`;
  };
  return names.map(line).join('\n');
}

/**
 * Which rounds a client takes and what it does in them: the function is chosen by the message's type and the model's hash. A round with
 * other names or sizes is refused with an error that the server sees; so is one whose `model-hash` (in the configuration) is another.
 *
 * @example
 * const app = clientApp({
 *   model,
 *   train: async ({ arrays, config }) => {
 *     loadArrays(model, arrays);
 *     const { examples, loss } = await trainOneEpoch(model, config.lr);
 *     return { arrays: arraysOf(model), metrics: { 'num-examples': examples, loss } };
 *   },
 * });
 */
export function clientApp(options: ClientAppOptions): ClientApp {
  const given = optionsOf('clientApp', options, OPTIONS, arguments.length);
  if (given.model === undefined) throw new GradloomError('VALUE', 'clientApp', 'model is missing: which rounds are for this app? Pass the module that is trained.');
  if (!given.train && !given.evaluate && !given.query) throw new GradloomError('VALUE', 'clientApp', 'there is nothing to do. Pass train, evaluate or query.');
  return new ClientApp(given, layoutOf('clientApp', given.model));
}

/**
 * A model's hash: of its names and sizes, and of a word for the rest. The server sends it as `model-hash` in the rounds'
 * configuration; `model_hash` in the example's server makes the same.
 *
 * @example
 * await modelHash(model, 'digits, two losses'); // 64 hexadecimal digits
 */
export async function modelHash(model: ModelLike | Arrays, program = ''): Promise<string> {
  checkArgument('modelHash', 'program', program, TEXT);
  checkArgument('modelHash', 'model', model, OPTIONS.model);
  return sha256(utf8(`${program}\n${layoutOf('modelHash', model)}`));
}

/** A round that is not for this client: what the server is told. */
export class Unfit extends Error {}

/** The handler for a message. @throws Unfit */
export async function handlerFor(apps: readonly ClientApp[], type: string, arrays: Arrays, config: Config): Promise<{ app: ClientApp; handler: Handler }> {
  const kind = type.split('.')[0] as 'train' | 'evaluate' | 'query';
  const hash = config['model-hash'];
  const empty = Object.keys(arrays).length === 0; // a query carries no model
  const layout = empty ? '' : layoutOf('clientApp', arrays);
  const fitting: ClientApp[] = [];
  for (const app of apps) {
    const { program } = app.options;
    const same = hash === undefined ? program === undefined : hash === (await sha256(utf8(`${program ?? ''}\n${app.layout}`)));
    if (same && (empty || app.layout === layout)) fitting.push(app);
  }
  const [app] = fitting;
  if (!app) {
    throw new Unfit(
      hash === undefined
        ? `no app here trains this model: the round's names and sizes have the hash ${await sha256(utf8(`\n${layout}`))}${apps.some((a) => a.options.program !== undefined) ? ', and the server sends no model-hash' : ''}`
        : `no app here has the model-hash ${valueText(hash)} and the round's names and sizes`,
    );
  }
  const handler = ['train', 'evaluate', 'query'].includes(kind) ? fitting.find((a) => a.options[kind])?.options[kind] : undefined;
  if (!handler) throw new Unfit(`the app here does nothing for '${type}'`);
  return { app, handler };
}
