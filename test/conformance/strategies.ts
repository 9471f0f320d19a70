// One training trace: a model with two losses, trained by a strategy, followed loss by loss.
import { indexSelect, multiloss, nn, scope, type Tensor, tanh, tensor } from 'gradloom';
import { call } from './bind.ts';
import { compareNumbers, compareTensors, Mismatch, TOLERANCES } from './compare.ts';
import { decodeTensor, type EncodedTensor, Unsupported } from './decode.ts';
import { optimizers } from './names.ts';

type Name = 'loss1' | 'loss2';
type Config = Readonly<Record<string, number | string>>;

export interface Trace {
  strategy: string;
  config: Config;
  steps: (Record<Name, number> & { branch: string })[];
  final: Record<string, EncodedTensor>;
}

export interface TraceFile {
  x: EncodedTensor;
  y: number[];
  r: EncodedTensor;
  /** Row numbers of each step's batch. */
  batches: number[][];
  init: Record<string, EncodedTensor>;
  traces: Trace[];
}

const weighted = (c: Config, first = 'lambda1', second = 'lambda2'): multiloss.Strategy<Name> =>
  new multiloss.Weighted<Name>({ loss1: Number(c[first]), loss2: Number(c[second]) });

/** The traces' strategies as ours. */
const STRATEGIES: Readonly<Record<string, (config: Config) => multiloss.Strategy<Name>>> = {
  weighted: (c) => weighted(c),
  independent: () => new multiloss.Independent<Name>(),
  phased: (c) => new multiloss.Phased<Name>({ first: 'loss1', second: 'loss2', threshold: Number(c.threshold) }),
  hybrid: (c) => new multiloss.Hybrid<Name>([weighted(c), new multiloss.Independent<Name>()], { every: Number(c.everySteps) }),
  sum: () => new multiloss.Sum<Name>(),
  weightedSgd: (c) => weighted(c, 'weight1', 'weight2'),
};

/** Ours reports which loss trained alone, the traces which of the two in order. */
const BRANCHES: Readonly<Record<string, string>> = {
  sum: 'weighted',
  loss1: 'first',
  loss2: 'second',
};

/** A layer of the size of a recorded weight [out, in]. */
function layer(weight: EncodedTensor | undefined): nn.Linear {
  if (!weight) throw new Mismatch('the initial state lacks a layer of trunk, classHead, regHead');
  const [outputs, inputs] = weight.shape as [number, number];
  return new nn.Linear(inputs, outputs);
}

class Model extends nn.Module {
  readonly trunk: nn.Linear;
  readonly classHead: nn.Linear;
  readonly regHead: nn.Linear;

  constructor(init: Readonly<Record<string, EncodedTensor>>) {
    super();
    this.trunk = layer(init['trunk.weight']);
    this.classHead = layer(init['classHead.weight']);
    this.regHead = layer(init['regHead.weight']);
    this.loadStateDict(Object.fromEntries(Object.entries(init).map(([name, t]) => [name, decodeTensor(t)])));
  }

  forward(x: Tensor, y: Tensor, r: Tensor): Record<Name, Tensor> {
    const h = tanh(this.trunk.forward(x));
    return { loss1: nn.functional.crossEntropy(this.classHead.forward(h), y), loss2: nn.functional.mseLoss(this.regHead.forward(h), r) };
  }
}

export function runTrace({ x, y, r, batches, init }: TraceFile, { strategy: name, config, steps, final }: Trace): number {
  const strategy = STRATEGIES[name]?.(config);
  const optimizerRow = optimizers[`${config.optimizer}`];
  if (!strategy) throw new Unsupported(`strategy ${name}`);
  if (!optimizerRow) throw new Unsupported(`optimizer ${config.optimizer}`);
  const model = new Model(init);
  const optimizer = call(optimizerRow, [model.parameters()], { lr: config.lr });
  const data = [decodeTensor(x), tensor(y, { dtype: 'int32' }), decodeTensor(r)] as const;

  let worst = 0;
  for (const [i, expected] of steps.entries()) {
    scope(() => {
      const rows = tensor(batches[i] as number[], { dtype: 'int32' });
      const [inputs, classes, targets] = data.map((t) => indexSelect(t, 0, rows)) as [Tensor, Tensor, Tensor];
      optimizer.zeroGrad();
      const losses = model.forward(inputs, classes, targets);
      for (const loss of ['loss1', 'loss2'] as const) worst = Math.max(worst, compareNumbers(`${loss} at step ${i}`, losses[loss].item(), expected[loss], TOLERANCES.losses));
      const { branch } = strategy.backward(losses);
      const told = BRANCHES[branch] ?? branch;
      if (told !== expected.branch) throw new Mismatch(`the branch at step ${i} is ${told}, expected ${expected.branch}`);
      optimizer.step();
    });
  }
  const trained = model.stateDict();
  for (const [parameter, expected] of Object.entries(final)) {
    const t = trained[parameter];
    if (!t) throw new Mismatch(`there is no parameter ${parameter}, only ${Object.keys(trained).join(', ')}`);
    worst = Math.max(worst, compareTensors(`${parameter} at the end`, t, expected, TOLERANCES.trained));
  }
  return worst;
}
