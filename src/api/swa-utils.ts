/** Averages of weights: PyTorch's `torch.optim.swa_utils`. @module */
export { updateBn } from '../nn/update-bn.ts';
export {
  AveragedModel,
  type AveragedModelOptions,
  type AvgFn,
  getEmaAvgFn,
  getEmaMultiAvgFn,
  getSwaAvgFn,
  getSwaMultiAvgFn,
  type MultiAvgFn,
  SWALR,
  type SWALROptions,
} from '../optim/swa.ts';
