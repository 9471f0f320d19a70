/** Linear algebra of small matrices: PyTorch's `torch.linalg`. Computed on the host in float64, rounded once. @module */
export { type CholeskyOptions, cholesky, choleskySolve, solveTriangular, type TriangularOptions } from '../ops/linalg/cholesky.ts';
export { eigh, eigvalsh } from '../ops/linalg/eigh.ts';
export { det, inv, type SolveOptions, slogdet, solve } from '../ops/linalg/lu.ts';
export {
  type CrossOptions,
  cross,
  type LinalgNormOptions,
  type MatrixNormOptions,
  type MatrixOrder,
  matrixNorm,
  norm,
  type VectorNormOptions,
  vectorNorm,
} from '../ops/linalg/norms.ts';
export { type LeastSquares, type LstsqOptions, lstsq, matrixRank, pinv, type RankOptions } from '../ops/linalg/pinv.ts';
export { matrixExp, matrixPower } from '../ops/linalg/powers.ts';
export { type QROptions, qr } from '../ops/linalg/qr.ts';
export { type SVDOptions, svd, svdvals } from '../ops/linalg/svd.ts';
export { multiDot } from '../ops/products.ts';
