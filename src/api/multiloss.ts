/** Training with several losses: each strategy takes the step's losses by name and fills gradients. @module */
export { Independent } from '../multiloss/independent.ts';
export { Hybrid, Phased, type PhasedOptions } from '../multiloss/staged.ts';
export type { Losses, Report, Strategy } from '../multiloss/strategy.ts';
export { Sum, Weighted } from '../multiloss/weighted.ts';

// Methods on gradients: aggregators, wrappers, and what applies them.
export { AlignedMTL, type AlignedMTLOptions } from '../multiloss/aggregators/aligned-mtl.ts';
export { FairGrad, type FairGradOptions, NashMTL, type NashMTLOptions } from '../multiloss/aggregators/bargaining.ts';
export { CAGrad, type CAGradOptions } from '../multiloss/aggregators/cagrad.ts';
export { ConFIG, type ConFIGOptions } from '../multiloss/aggregators/config.ts';
export { GradDrop, type GradDropOptions, TrimmedMean, type TrimmedMeanOptions } from '../multiloss/aggregators/elementwise.ts';
export { EnCodecBalancer, type EnCodecBalancerOptions } from '../multiloss/aggregators/encodec-balancer.ts';
export { ExcessMTL, type ExcessMTLOptions } from '../multiloss/aggregators/excess-mtl.ts';
export { Constant, Mean } from '../multiloss/aggregators/fixed.ts';
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
export type { Aggregator, Method, Needs, Scalarizer, Stats, Weighting } from '../multiloss/method.ts';
export type { PerLoss } from '../multiloss/options.ts';
export { type ClipWeightsOptions, clipWeights, ema, every, normalize, warmup } from '../multiloss/wrappers.ts';
