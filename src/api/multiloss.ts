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

// Methods that look at the losses only.
export { type AnnealOptions, anneal, type Schedule, type SchedulePlan, type Weight } from '../multiloss/scalarizers/anneal.ts';
export { IMTLL, type LossCount, type UncertaintyOptions, UncertaintyWeighting } from '../multiloss/scalarizers/learned.ts';
export type { PerLoss } from '../multiloss/scalarizers/per-loss.ts';
export { COSMOS, type COSMOSOptions, PBI, type PBIOptions } from '../multiloss/scalarizers/preference.ts';
export { GeometricMean, ScaleInvariant } from '../multiloss/scalarizers/products.ts';
export { STCH, type STCHOptions } from '../multiloss/scalarizers/tchebycheff.ts';
export { Constant, Mean, weighted } from '../multiloss/weighted.ts';
export { FAMO, type FAMOOptions } from '../multiloss/scalarizers/famo.ts';
export { DWA, type DWAOptions, ReLoBRaLo, type ReLoBRaLoOptions, SoftAdapt, type SoftAdaptOptions } from '../multiloss/scalarizers/rates.ts';
export { CoV, type CoVOptions, FocalKPI, type FocalKPIOptions, RLW, type RLWOptions } from '../multiloss/scalarizers/variation.ts';

// Staged training and seeing conflict.
export { Alternate, alternate, type Player, type PlayerStep } from '../multiloss/alternate.ts';
export { above, afterSteps, allOf, anyOf, below, type Condition, type LevelOptions, type PlateauOptions, type Progress, plateau } from '../multiloss/conditions.ts';
export { type PhaseOptions, Plan, type PlanOptions, type PlanState, type PlanStep, type PlanStepOptions, phases } from '../multiloss/phases.ts';
export type { Steppable, Trainable } from '../multiloss/turn.ts';
export { Monitor, type MonitorOptions, type StepContext } from '../multiloss/monitor.ts';
export type { Alarm, AlarmKind, MonitorData, PairSummary, SeriesKey } from '../multiloss/monitor-data.ts';
export { type DiagnoseOptions, diagnose } from '../multiloss/diagnose.ts';
export type { Diagnosis, Finding, LossFacts, Trouble } from '../multiloss/verdict.ts';
