// What bundlers bundle. Named imports, so that they may drop the rest.
import { capture, checkpoint, close, DataLoader, init, manualSeed, memory, nn, optim, randn, randperm, steps, TensorDataset } from 'gradloom';
import { smoke } from './smoke.mjs';

const parts = { capture, checkpoint, DataLoader, manualSeed, memory, nn, optim, randn, randperm, steps, TensorDataset };
globalThis.gradloomSmoke = async (options) => {
  if (options) await init(options);
  const result = smoke(parts);
  close();
  return result;
};
