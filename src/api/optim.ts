/** Optimizers: PyTorch's `torch.optim`. @module */
export { Adadelta, type AdadeltaOptions } from '../optim/adadelta.ts';
export { Adafactor, type AdafactorOptions } from '../optim/adafactor.ts';
export { Adagrad, type AdagradOptions } from '../optim/adagrad.ts';
export { Adam, type AdamOptions, AdamW } from '../optim/adam.ts';
export { Adamax, type AdamaxOptions } from '../optim/adamax.ts';
export { ASGD, type ASGDOptions } from '../optim/asgd.ts';
export { LBFGS, type LBFGSOptions } from '../optim/lbfgs.ts';
export { Muon, type MuonOptions } from '../optim/muon.ts';
export { NAdam, type NAdamOptions } from '../optim/nadam.ts';
export { type GivenOptions, type GroupInput, Optimizer, type OptimizerOptions, type OptimizerState, type ParamGroup } from '../optim/optimizer.ts';
export type { Trainable } from '../optim/parameters.ts';
export { RAdam, type RAdamOptions } from '../optim/radam.ts';
export { RMSprop, type RMSpropOptions } from '../optim/rmsprop.ts';
export { Rprop, type RpropOptions } from '../optim/rprop.ts';
export type { ParamState } from '../optim/state.ts';
export { SGD, type SGDOptions } from '../optim/sgd.ts';
export * as lrScheduler from './lr-scheduler.ts';
export * as swaUtils from './swa-utils.ts';
