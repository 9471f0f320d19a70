/** Datasets and loaders: PyTorch's `torch.utils.data`. @module */
export { type Collated, defaultCollate } from '../data/collate.ts';
export { ConcatDataset, type Dataset, type ItemDataset, type ItemOf, type Rows, randomSplit, type SplitOptions, Subset, TensorDataset } from '../data/dataset.ts';
export { type CollateOptions, DataLoader, type DataLoaderOptions, type DataLoaderState, type Items } from '../data/loader.ts';
export { type Sampler, WeightedRandomSampler, type WeightedSamplerOptions } from '../data/sampler.ts';
export { type TickOptions, tick } from '../data/tick.ts';
