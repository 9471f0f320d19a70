// What pieces of programs in docs/ take for granted: a loader, a model and its losses, an optimizer.
import type { DataLoader, nn, optim, Tensor } from 'gradloom';

declare global {
  const loader: DataLoader<[Tensor, Tensor]>;
  const model: nn.Sequential;
  const optimizer: optim.Adam;
  const step: (x: Tensor, y: Tensor) => { loss1: Tensor; loss2: Tensor };
  const lossesOf: (x: Tensor, y: Tensor) => { digit: Tensor; image: Tensor };
  const loss1: Tensor;
  const loss2: Tensor;
}
