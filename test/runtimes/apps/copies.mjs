// An app that imports the library beside a CommonJS dependency that requires it: a tensor crosses, then the known run has the dependency's layers.
import { capture, checkpoint, close, DataLoader, init, manualSeed, memory, nn, optim, randn, randperm, steps, TensorDataset, tensor } from 'gradloom';
import { make, nn as theirs } from 'legacy';
import { smoke } from './smoke.mjs';

globalThis.gradloomSmoke = async (options) => {
  if (options) await init(options);
  const crossed = nn.functional.mseLoss(tensor([3, 4]), make()).item();
  if (crossed !== 4) throw new Error(`mseLoss gave ${crossed}`);
  const result = smoke({ capture, checkpoint, DataLoader, manualSeed, memory, nn: theirs, optim, randn, randperm, steps, TensorDataset });
  close();
  return result;
};
