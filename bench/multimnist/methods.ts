// The ways that are compared.
import { multiloss, type Tensor } from 'gradloom';
import type { MultiLeNet } from './model.ts';

export type Task = 'left' | 'right';
export const TASKS: readonly Task[] = ['left', 'right'];

export interface MethodRow {
  readonly name: string;
  readonly description: string;
  /** A network for each task. */
  readonly single?: true;
  /** Percent of left and right digits that the paper's networks name right (Sener & Koltun 2018). */
  readonly paper?: readonly [left: number, right: number];
  /** Options of `multiloss.backward`; the sum unless given. */
  readonly make?: (model: MultiLeNet) => Pick<multiloss.MultiBackwardOptions<Task>, 'combine' | 'on'>;
  /** Whether gradients are compared at the shared features instead of the shared parameters. */
  readonly atFeatures?: true;
}

export const METHODS: readonly MethodRow[] = [
  { name: 'single-task', description: 'a network for each task', single: true, paper: [97.23, 95.9] },
  { name: 'sum', description: 'left + right', paper: [96.46, 94.99] },
  {
    name: 'uncertainty',
    description: 'weights learned as noise levels (Kendall et al. 2018)',
    paper: [96.47, 95.29],
    make: () => ({ combine: new multiloss.UncertaintyWeighting(TASKS) }),
  },
  {
    name: 'gradnorm',
    description: 'weights that level the gradients of the last shared layer (Chen et al. 2018)',
    paper: [96.27, 94.84],
    make: (model) => ({ combine: new multiloss.GradNorm(), on: [model.last.weight] }),
  },
  {
    name: 'mgda-ub',
    description: 'the shortest combination at the shared features (Sener & Koltun 2018)',
    paper: [97.26, 95.9],
    make: () => ({ combine: new multiloss.MGDA() }),
    atFeatures: true,
  },
  { name: 'pcgrad', description: 'conflicting parts projected away (Yu et al. 2020)', make: () => ({ combine: new multiloss.PCGrad() }) },
  { name: 'cagrad', description: 'near the mean, best for the worst-off task (Liu et al. 2021)', make: () => ({ combine: new multiloss.CAGrad() }) },
  { name: 'upgrad', description: 'each gradient projected to where no loss rises (Quinton & Rey 2024)', make: () => ({ combine: new multiloss.UPGrad() }) },
  { name: 'nash-mtl', description: 'a bargain between the tasks (Navon et al. 2022)', make: () => ({ combine: new multiloss.NashMTL() }) },
];

/** What a method learns itself. */
export function learnt(combine: multiloss.Method | undefined): Tensor[] {
  return combine && 'parameters' in combine ? combine.parameters() : [];
}
