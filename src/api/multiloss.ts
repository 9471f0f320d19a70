/** Training with several losses: each strategy takes the step's losses by name and fills gradients. @module */
export { backward } from '../multiloss/backward.ts';
export type { Groups, MultiBackwardOptions } from '../multiloss/options.ts';
export { gramian, jacobian, type JacobianOptions } from '../autograd/jacobian.ts';
export type { Aggregator, Method, Needs, Scalarizer, Stats, Weighting } from '../multiloss/method.ts';
export type { BackwardReport, Conflict, LayerConflict } from '../multiloss/report.ts';
export { Independent } from '../multiloss/independent.ts';
export { Hybrid, Phased, type PhasedOptions } from '../multiloss/staged.ts';
export type { Losses, Report, Strategy } from '../multiloss/strategy.ts';
export { Sum, Weighted } from '../multiloss/weighted.ts';
