/** Learning rates over time: PyTorch's `torch.optim.lr_scheduler`. @module */
export {
  ConstantLR,
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  LRScheduler,
  MultiStepLR,
  PolynomialLR,
  type Schedulable,
  StepLR,
} from '../optim/schedulers.ts';
