// The ways to train on two losses, one row each. A strategy decides what flows back; an optimizer decides how far to go.
import { multiloss, optim } from 'gradloom';
import type { Options } from './options.ts';

export type LossName = 'digit' | 'image';

export interface StrategyRow {
  readonly name: string;
  readonly description: string;
  readonly optimizer: keyof typeof OPTIMIZERS;
  readonly make: (options: Options) => multiloss.Strategy<LossName>;
}

/** How many steps `hybrid` stays with one strategy. */
const HYBRID_STEPS = 100;

/** Each optimizer with the learning rate that it uses unless --lr says another. */
export const OPTIMIZERS = {
  Adam: { lr: 0.001, make: (parameters: Parameters, lr: number) => new optim.Adam(parameters, { lr }) },
  SGD: { lr: 0.1, make: (parameters: Parameters, lr: number) => new optim.SGD(parameters, { lr, momentum: 0.9 }) },
};

type Parameters = ConstructorParameters<typeof optim.SGD>[0];

const weighted = ({ lambda1, lambda2 }: Options): multiloss.Weighted<LossName> => new multiloss.Weighted({ digit: lambda1, image: lambda2 });
const independent = (): multiloss.Independent<LossName> => new multiloss.Independent();

export const STRATEGIES: readonly StrategyRow[] = [
  { name: 'weighted', description: 'λ1·classification + λ2·reconstruction, one backward pass', optimizer: 'Adam', make: weighted },
  { name: 'independent', description: 'a backward pass for each loss, gradients add up', optimizer: 'Adam', make: independent },
  {
    name: 'phased',
    description: 'classification alone, and reconstruction alone while classification is below the threshold',
    optimizer: 'Adam',
    make: ({ threshold }) => new multiloss.Phased({ first: 'digit', second: 'image', threshold }),
  },
  {
    name: 'hybrid',
    description: `weighted and independent in turn, ${HYBRID_STEPS} steps each`,
    optimizer: 'Adam',
    make: (options) => new multiloss.Hybrid([weighted(options), independent()], { every: HYBRID_STEPS }),
  },
  { name: 'sum', description: 'classification + reconstruction, plain gradient descent with momentum', optimizer: 'SGD', make: () => new multiloss.Sum() },
  { name: 'weighted-sgd', description: 'as weighted, with gradient descent', optimizer: 'SGD', make: weighted },
];
