/** Around the step: evaluation, early stopping, a model's summary. @module */
export { type Profile, type ProfileOptions, type ProfileRow, profile, type Trace } from '../inspect/profile.ts';
export { type Summary, type SummaryRow, summary } from '../inspect/summary.ts';
export { EarlyStopping, type EarlyStoppingOptions, type EarlyStoppingState, type Watched } from '../training/early-stopping.ts';
export { evaluate, type Means, type Measured } from '../training/evaluate.ts';
