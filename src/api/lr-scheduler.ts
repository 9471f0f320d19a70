/** Learning rates over time: PyTorch's `torch.optim.lr_scheduler`. @module */
export { ChainedScheduler, SequentialLR } from '../optim/combined.ts';
export { CyclicLR, type CyclicOptions, OneCycleLR, type OneCycleOptions } from '../optim/cyclic.ts';
export { type PlateauOptions, type PlateauState, ReduceLROnPlateau } from '../optim/plateau.ts';
export {
  ConstantLR,
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  LRScheduler,
  MultiplicativeLR,
  MultiStepLR,
  PolynomialLR,
  type Schedulable,
  type SchedulerState,
  StepLR,
} from '../optim/schedulers.ts';
