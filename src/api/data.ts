/** Datasets and loaders: PyTorch's `torch.utils.data`. @module */
export { type Collated, defaultCollate } from '../data/collate.ts';
export { ConcatDataset, type Dataset, type ItemDataset, type ItemOf, type Rows, randomSplit, type SplitOptions, Subset, TensorDataset } from '../data/dataset.ts';
export { DataLoader } from '../data/loader.ts';
export type { BatchLoader, CollateOptions, DataLoaderConstructor, DataLoaderOptions, DataLoaderState, Items } from '../data/loader-types.ts';
export { type Sampler, WeightedRandomSampler, type WeightedSamplerOptions } from '../data/sampler.ts';
export { type TickOptions, tick } from '../data/tick.ts';
