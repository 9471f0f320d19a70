/** Training with several losses: each strategy takes the step's losses by name and fills gradients. @module */
export { backward } from '../multiloss/backward.ts';
export type { Groups, MultiBackwardOptions } from '../multiloss/options.ts';
export { gramian, jacobian, type JacobianOptions } from '../autograd/jacobian.ts';
export { reverseGrad, scaleGrad } from '../ops/gradient.ts';
export type { Aggregator, Elements, Method, Needs, Scalarizer, Stats, Weighting } from '../multiloss/method.ts';
export type { BackwardReport, Conflict, LayerConflict } from '../multiloss/report.ts';
export { Independent } from '../multiloss/independent.ts';
export { Hybrid, Phased, type PhasedOptions } from '../multiloss/staged.ts';
export type { Losses, Report, Strategy } from '../multiloss/strategy.ts';
export { Sum, Weighted } from '../multiloss/weighted.ts';

// Methods that look at the losses only.
export { type AnnealOptions, anneal, type Schedule, type SchedulePlan, type Weight } from '../multiloss/scalarizers/anneal.ts';
export { IMTLL, type LossCount, type UncertaintyOptions, UncertaintyWeighting } from '../multiloss/scalarizers/learned.ts';
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

// Methods on gradients: aggregators, wrappers, and what applies them.
export { AlignedMTL, type AlignedMTLOptions } from '../multiloss/aggregators/aligned-mtl.ts';
export { FairGrad, type FairGradOptions, NashMTL, type NashMTLOptions } from '../multiloss/aggregators/bargaining.ts';
export { CAGrad, type CAGradOptions } from '../multiloss/aggregators/cagrad.ts';
export { ConFIG, type ConFIGOptions } from '../multiloss/aggregators/config.ts';
export { GradDrop, type GradDropOptions, TrimmedMean, type TrimmedMeanOptions } from '../multiloss/aggregators/elementwise.ts';
export { EnCodecBalancer, type EnCodecBalancerOptions } from '../multiloss/aggregators/encodec-balancer.ts';
export { ExcessMTL, type ExcessMTLOptions } from '../multiloss/aggregators/excess-mtl.ts';
export { GradNorm, type GradNormOptions } from '../multiloss/aggregators/gradnorm.ts';
export { IMTLG } from '../multiloss/aggregators/imtl-g.ts';
export { Krum, type KrumOptions } from '../multiloss/aggregators/krum.ts';
export { MGDA, type MGDAOptions } from '../multiloss/aggregators/mgda.ts';
export { DBMTL, type DBMTLOptions, MoCo, type MoCoOptions } from '../multiloss/aggregators/momentum.ts';
export { PINNAnnealing, type PINNAnnealingOptions } from '../multiloss/aggregators/pinn-annealing.ts';
export { DualProj, type ProjectingOptions, UPGrad } from '../multiloss/aggregators/projecting.ts';
export { MoDo, type MoDoOptions, SDMGrad, type SDMGradOptions } from '../multiloss/aggregators/stochastic.ts';
export { GradVac, type GradVacOptions, PCGrad } from '../multiloss/aggregators/surgery.ts';
export { VQGANWeight, type VQGANWeightOptions } from '../multiloss/aggregators/vqgan-weight.ts';
export { applyCombiner, type Combined, type CombinerOptions } from '../multiloss/combine.ts';
export { Constrained, type ConstrainOptions, constrain } from '../multiloss/constrained.ts';
export type { PerLoss } from '../multiloss/checks.ts';
export { type ClipWeightsOptions, clipWeights, ema, every, normalize, warmup, type Weigher } from '../multiloss/wrappers.ts';
export type { IMTLGOptions } from '../multiloss/aggregators/imtl-g.ts';
