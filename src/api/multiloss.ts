/** Training with several losses: each strategy takes the step's losses by name and fills gradients. @module */
export { Independent } from '../multiloss/independent.ts';
export { Hybrid, Phased, type PhasedOptions } from '../multiloss/staged.ts';
export type { Losses, Report, Strategy } from '../multiloss/strategy.ts';
export { Sum, Weighted } from '../multiloss/weighted.ts';

// Staged training and seeing conflict.
export { Alternate, alternate, type Player, type PlayerStep } from '../multiloss/alternate.ts';
export { above, afterSteps, allOf, anyOf, below, type Condition, type LevelOptions, type PlateauOptions, type Progress, plateau } from '../multiloss/conditions.ts';
export { type PhaseOptions, Plan, type PlanOptions, type PlanState, type PlanStep, type PlanStepOptions, phases } from '../multiloss/phases.ts';
export type { Steppable, Trainable } from '../multiloss/turn.ts';
export { Monitor, type MonitorOptions, type StepContext } from '../multiloss/monitor.ts';
export type { Alarm, AlarmKind, MonitorData, PairSummary, SeriesKey } from '../multiloss/monitor-data.ts';
export { type DiagnoseOptions, diagnose } from '../multiloss/diagnose.ts';
export type { Diagnosis, Finding, LossFacts, Trouble } from '../multiloss/verdict.ts';
