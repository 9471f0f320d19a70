// The two-loss application as a node of a federation, with all that gradloom/flower has.
import { manualSeed, nn, optim, rand, steps } from 'gradloom';
import { arraysOf, clientApp, fileStore, indexedDBStore, loadArrays, memoryStore, modelHash, publicKeyOf, runSuperNode, stackRows } from 'gradloom/flower';

manualSeed(1);
const [x, y] = [rand([8, 2]), rand([8]).mul(2).int()];
const model = new nn.Sequential(new nn.Linear(2, 8), new nn.ReLU(), new nn.Linear(8, 2));
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
const app = clientApp({
  model,
  train: ({ arrays }) => {
    loadArrays(model, arrays);
    for (const _ of steps(10)) {
      optimizer.zeroGrad();
      const out = model.forward(x);
      const loss1 = nn.functional.crossEntropy(out, y);
      const loss2 = nn.functional.mseLoss(out, x);
      loss1.backward({ retainGraph: true });
      loss2.backward();
      optimizer.step();
    }
    return { arrays: arraysOf(model), metrics: { 'num-examples': 8 } };
  },
});
runSuperNode(app, { url: 'http://127.0.0.1:8000', store: globalThis.indexedDB ? indexedDBStore() : fileStore('node') });
export { memoryStore, modelHash, publicKeyOf, stackRows };
