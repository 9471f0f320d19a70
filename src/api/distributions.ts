/** Laws of random numbers: PyTorch's `torch.distributions`. @module */
export { Bernoulli, Categorical, type ProbsOptions } from '../distributions/bernoulli.ts';
export { Beta, Dirichlet } from '../distributions/beta.ts';
export { Distribution, type DistributionOptions, klDivergence } from '../distributions/distribution.ts';
export { Exponential, Gamma } from '../distributions/gamma.ts';
export { Independent, MultivariateNormal, type MultivariateNormalOptions } from '../distributions/multivariate.ts';
export { LogNormal, Normal } from '../distributions/normal.ts';
export { Uniform } from '../distributions/uniform.ts';
