// The ways to train on two losses, one row each. A strategy decides what flows back; an optimizer decides how far to go.
import { multiloss, optim } from 'gradloom';
import type { Options } from './options.ts';

export type LossName = 'digit' | 'image';

export interface StrategyRow {
  readonly name: string;
  readonly description: string;
  readonly optimizer: keyof typeof OPTIMIZERS;
  /** Whether it takes different ways at different steps. */
  readonly switches?: true;
  readonly make: (options: Options) => multiloss.Strategy<LossName>;
}

/** How many steps `hybrid` stays with one strategy. */
const HYBRID_STEPS = 100;

/** Each optimizer with the learning rate that it starts with unless --lr says another. */
export const OPTIMIZERS = {
  Adam: { lr: 0.003, make: (parameters: Parameters, lr: number) => new optim.Adam(parameters, { lr }) },
  SGD: { lr: 0.1, make: (parameters: Parameters, lr: number) => new optim.SGD(parameters, { lr, momentum: 0.9 }) },
};

type Parameters = ConstructorParameters<typeof optim.SGD>[0];

const weighted = ({ lambda1, lambda2 }: Options): multiloss.Weighted<LossName> => new multiloss.Weighted({ digit: lambda1, image: lambda2 });
const independent = (): multiloss.Independent<LossName> => new multiloss.Independent();

export const STRATEGIES: readonly StrategyRow[] = [
  { name: 'weighted', description: 'λ1 · digit loss + λ2 · image loss, one backward pass', optimizer: 'Adam', make: weighted },
  { name: 'independent', description: 'a backward pass for each loss; their gradients add up', optimizer: 'Adam', make: independent },
  {
    name: 'phased',
    description: 'the digit loss alone; the image loss alone while the digit loss is below the threshold',
    optimizer: 'Adam',
    switches: true,
    make: ({ threshold }) => new multiloss.Phased({ first: 'digit', second: 'image', threshold }),
  },
  {
    name: 'hybrid',
    description: `weighted and independent in turn, ${HYBRID_STEPS} steps each`,
    optimizer: 'Adam',
    switches: true,
    make: (options) => new multiloss.Hybrid([weighted(options), independent()], { every: HYBRID_STEPS }),
  },
  { name: 'sum', description: 'digit loss + image loss, one backward pass', optimizer: 'SGD', make: () => new multiloss.Sum() },
  { name: 'weighted-sgd', description: 'as weighted, by another optimizer', optimizer: 'SGD', make: weighted },
];
