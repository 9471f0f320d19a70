/** Learning rates over time: PyTorch's `torch.optim.lr_scheduler`. @module */
export { ChainedScheduler, SequentialLR, type SequentialOptions } from '../optim/combined.ts';
export { CosineAnnealingLR, CosineAnnealingWarmRestarts, type CosineAnnealingLROptions, type WarmRestartOptions } from '../optim/cosine.ts';
export { CyclicLR, type CyclicOptions, OneCycleLR, type OneCycleOptions } from '../optim/cyclic.ts';
export {
  ConstantLR,
  type ConstantOptions,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  type LinearLROptions,
  MultiplicativeLR,
  MultiStepLR,
  type MultiStepOptions,
  PolynomialLR,
  type PolynomialOptions,
  StepLR,
  type StepOptions,
} from '../optim/factors.ts';
export { type PlateauOptions, type PlateauState, ReduceLROnPlateau } from '../optim/plateau.ts';
export { LRScheduler, type Schedulable, type ScheduledGroup, type SchedulerState } from '../optim/scheduler.ts';
export type { PerGroup } from '../optim/scheduler.ts';
export type { Factor } from '../optim/factors.ts';
