// The same without wasm inside: pages fetch it.
import { capture, checkpoint, close, DataLoader, init, manualSeed, memory, nn, optim, randn, randperm, steps, TensorDataset } from 'gradloom/lean';
import { smoke } from './smoke.mjs';

globalThis.gradloomSmoke = async (options) => {
  await init(options);
  const result = smoke({ capture, checkpoint, DataLoader, manualSeed, memory, nn, optim, randn, randperm, steps, TensorDataset });
  close();
  return result;
};
