// The one table of methods on gradients, with what each claims (`../shared/research/multi-loss.md`, section B).
import { multiloss as M } from 'gradloom';

export interface MethodRow {
  name: string;
  make: () => (M.Weighting | M.Aggregator) & M.Stateful;
  /** The fewest losses it takes; default 1. */
  least?: number;
  /** It raises no loss: J·g ≥ 0 to rounding. */
  nonConflicting?: boolean;
  /** The order of the losses does not matter, to this share of the result. */
  permutationInvariant?: number;
  /** Lengthening gradients lengthens their parts of the result: A(diag(a·c₁ + b·c₂)·J) = a·A(diag(c₁)·J) + b·A(diag(c₂)·J). */
  linearUnderScaling?: number;
  /** It is 0 only where positive weights make 0 of the gradients. */
  stronglyStationary?: boolean;
  /** It is a convex combination of the gradients: 0 only where weights ≥ 0 make 0 of them. */
  weaklyStationary?: boolean;
  /** It takes a Jacobian of any scale: A(s·J) = s·A(J). */
  homogeneous?: boolean;
  /** It draws random numbers. */
  random?: boolean;
}

const exact = 1e-7;

export const methods: readonly MethodRow[] = [
  { name: 'Mean', make: () => new M.Mean(), permutationInvariant: exact, linearUnderScaling: exact, stronglyStationary: true, homogeneous: true },
  { name: 'Sum', make: () => new M.Sum(), permutationInvariant: exact, linearUnderScaling: exact, stronglyStationary: true, homogeneous: true },
  {
    name: 'UPGrad',
    make: () => new M.UPGrad(),
    nonConflicting: true,
    permutationInvariant: exact,
    linearUnderScaling: exact,
    stronglyStationary: true,
    homogeneous: true,
  },
  { name: 'UPGrad as TorchJD', make: () => new M.UPGrad({ normEps: 1e-4, regEps: 1e-4 }), permutationInvariant: exact, stronglyStationary: true },
  { name: 'DualProj', make: () => new M.DualProj(), nonConflicting: true, stronglyStationary: true, permutationInvariant: exact, homogeneous: true },
  { name: 'DualProj as TorchJD', make: () => new M.DualProj({ normEps: 1e-4, regEps: 1e-4 }), permutationInvariant: exact },
  { name: 'MGDA', make: () => new M.MGDA(), nonConflicting: true, weaklyStationary: true, permutationInvariant: exact, homogeneous: true },
  { name: 'PCGrad', make: () => new M.PCGrad(), random: true, homogeneous: true },
  { name: 'GradVac', make: () => new M.GradVac(), random: true, homogeneous: true },
  // Where the best point is near 0, its direction is that of roundings.
  { name: 'CAGrad(0.5)', make: () => new M.CAGrad({ c: 0.5 }), permutationInvariant: 1e-5 },
  { name: 'CAGrad(1)', make: () => new M.CAGrad({ c: 1 }), nonConflicting: true, permutationInvariant: 1e-5 },
  { name: 'CAGrad(2)', make: () => new M.CAGrad({ c: 2 }), nonConflicting: true, permutationInvariant: 1e-5 },
  { name: 'IMTLG', make: () => new M.IMTLG(), homogeneous: true },
  { name: 'NashMTL', make: () => new M.NashMTL(), nonConflicting: true, permutationInvariant: 1e-5 },
  { name: 'FairGrad(1)', make: () => new M.FairGrad({ alpha: 1 }), nonConflicting: true, permutationInvariant: 1e-5 },
  { name: 'FairGrad(2)', make: () => new M.FairGrad({ alpha: 2 }), nonConflicting: true, permutationInvariant: 1e-5 },
  { name: 'AlignedMTL(min)', make: () => new M.AlignedMTL(), homogeneous: true },
  { name: 'AlignedMTL(median)', make: () => new M.AlignedMTL({ scaleMode: 'median' }), homogeneous: true },
  { name: 'AlignedMTL(rmse)', make: () => new M.AlignedMTL({ scaleMode: 'rmse' }), homogeneous: true },
  { name: 'ConFIG', make: () => new M.ConFIG(), homogeneous: true },
  { name: 'Krum', make: () => new M.Krum({ nByzantine: 1, nSelected: 2 }), least: 4, homogeneous: true },
  { name: 'MoDo', make: () => new M.MoDo(), permutationInvariant: exact },
  { name: 'SDMGrad', make: () => new M.SDMGrad(), homogeneous: false },
  { name: 'GradNorm', make: () => new M.GradNorm(), permutationInvariant: exact },
  { name: 'EnCodecBalancer', make: () => new M.EnCodecBalancer(), permutationInvariant: exact },
  { name: 'PINNAnnealing', make: () => new M.PINNAnnealing({ main: 'loss1' }), homogeneous: true },
  { name: 'VQGANWeight', make: () => new M.VQGANWeight({ rec: 'loss1', gan: 'loss2' }), least: 2 },
  { name: 'GradDrop', make: () => new M.GradDrop(), random: true },
  { name: 'TrimmedMean', make: () => new M.TrimmedMean({ trimNumber: 1 }), least: 3, permutationInvariant: 1e-6 },
  { name: 'ExcessMTL', make: () => new M.ExcessMTL(), permutationInvariant: 1e-4 },
  { name: 'DBMTL', make: () => new M.DBMTL() },
  { name: 'MoCo', make: () => new M.MoCo() },
  { name: 'ema(UPGrad)', make: () => M.ema(new M.UPGrad()), nonConflicting: true, permutationInvariant: exact, homogeneous: true },
  { name: 'every(2, MGDA)', make: () => M.every(new M.MGDA(), 2), nonConflicting: true, permutationInvariant: exact },
  { name: 'clipWeights(FairGrad)', make: () => M.clipWeights(new M.FairGrad(), { min: 0.1, max: 10 }) },
  { name: 'normalize(UPGrad)', make: () => M.normalize(new M.UPGrad()), nonConflicting: true, permutationInvariant: exact },
  { name: 'normalize(GradDrop)', make: () => M.normalize(new M.GradDrop()), random: true },
  { name: 'warmup(Mean, PCGrad)', make: () => M.warmup(new M.Mean(), new M.PCGrad(), 1), random: true },
  { name: 'ema(every(3, normalize(GradVac)))', make: () => M.ema(M.every(M.normalize(new M.GradVac()), 3), 0.5), random: true },
];
