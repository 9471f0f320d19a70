/** Training with several losses: each strategy takes the step's losses by name and fills gradients. @module */
export * from './methods.ts';
export { backward } from '../multiloss/backward.ts';
export type { Groups, MultiBackwardOptions } from '../multiloss/options.ts';
export type { GradientsOf } from '../autograd/backward.ts';
export { gramian, jacobian, type JacobianOptions } from '../autograd/jacobian.ts';
export { reverseGrad, scaleGrad } from '../ops/gradient.ts';
export type { Aggregator, Elements, Method, Needs, Scalarizer, Stats, Weighting } from '../multiloss/method.ts';
export type { BackwardReport, Conflict, LayerConflict } from '../multiloss/report.ts';
export type { Losses, Report, Strategy } from '../multiloss/strategy.ts';

export { type AnnealOptions, anneal, type Schedule, type SchedulePlan, type Weight } from '../multiloss/scalarizers/anneal.ts';
export { weighted } from '../multiloss/weighted.ts';

// Staged training and seeing conflict.
export { Alternate, alternate, type Player, type PlayerStep } from '../multiloss/alternate.ts';
export { above, afterSteps, allOf, anyOf, below, type Condition, type LevelOptions, type PlateauOptions, type Progress, plateau } from '../multiloss/conditions.ts';
export { type PhaseOptions, Plan, type PlanOptions, type PlanState, type PlanStep, type PlanStepOptions, phases } from '../multiloss/phases.ts';
export type { Steppable, Trainable } from '../multiloss/turn.ts';
export { Monitor, type MonitorOptions, type StepContext } from '../multiloss/monitor.ts';
export type { Alarm, AlarmKind, MonitorData, PairSummary, SeriesKey } from '../multiloss/monitor-data.ts';
export { type DiagnoseOptions, diagnose } from '../multiloss/diagnose.ts';
export type { Diagnosis, Finding, LossFacts, Trouble } from '../multiloss/verdict.ts';

// What applies methods, and wrappers around them.
export { applyCombiner, type Combined, type CombinerOptions } from '../multiloss/combine.ts';
export { Constrained, type ConstrainOptions, constrain } from '../multiloss/constrained.ts';
export type { PerLoss } from '../multiloss/checks.ts';
export { type ClipWeightsOptions, clipWeights, ema, every, normalize, warmup, type Weigher } from '../multiloss/wrappers.ts';
