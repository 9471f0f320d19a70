/** Training with several losses: each strategy takes the step's losses by name and fills gradients. @module */
export * from './methods.ts';
export { backward } from '../multiloss/combining/backward.ts';
export type { Groups, MultiBackwardOptions } from '../multiloss/combining/options.ts';
export type { GradientsOf } from '../autograd/backward.ts';
export { gramian, jacobian, type JacobianOptions } from '../autograd/jacobian.ts';
export { reverseGrad, scaleGrad } from '../ops/gradient.ts';
export type { Aggregator, Elements, Method, Needs, Scalarizer, Stateful, Stats, Weighting, Wrapped } from '../multiloss/methods/method.ts';
export type { BackwardReport, Conflict, LayerConflict } from '../multiloss/combining/report.ts';
export type { Losses, Report, Strategy } from '../multiloss/strategy.ts';

export { type AnnealOptions, anneal, type Schedule, type SchedulePlan } from '../multiloss/methods/from-losses/anneal.ts';
export { weighted } from '../multiloss/methods/from-losses/weighted.ts';

// Staged training and seeing conflict.
export { Alternate, alternate, type Player, type PlayerStep } from '../multiloss/plans/alternate.ts';
export { above, afterSteps, allOf, anyOf, below, type Condition, type LevelOptions, type PlateauOptions, type Progress, plateau } from '../multiloss/plans/conditions.ts';
export { type PhaseOptions, Plan, type PlanOptions, type PlanState, type PlanStep, type PlanStepOptions, phases } from '../multiloss/plans/phases.ts';
export type { Steppable, Trainable } from '../multiloss/plans/training-step.ts';
export { Monitor, type MonitorOptions, type StepContext } from '../multiloss/watching/monitor.ts';
export type { Alarm, AlarmKind, MonitorData, PairSummary, SeriesKey } from '../multiloss/watching/monitor-data.ts';
export { type DiagnoseOptions, diagnose } from '../multiloss/watching/diagnose.ts';
export type { Diagnosis, Finding, LossFacts, Trouble } from '../multiloss/watching/diagnosis.ts';

// What applies methods, and wrappers around them.
export { applyCombiner, type Combined, type CombinerOptions } from '../multiloss/combining/apply-combiner.ts';
export { Constrained, type ConstrainOptions, constrain } from '../multiloss/methods/from-losses/constrained.ts';
export type { PerLoss } from '../multiloss/checks.ts';
export { normalize } from '../multiloss/methods/normalize.ts';
export { type ClipWeightsOptions, clipWeights, ema, every, warmup } from '../multiloss/methods/wrappers.ts';
