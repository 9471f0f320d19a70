// The run that must give the same bits wherever JavaScript runs. Plain JavaScript, no imports: every runtime loads it as it stands.

/** FNV-1a of the final weights' bits. A change of kernels or of random numbers changes it: then this line changes with them. */
export const HASH = '8c6b9b9422e2f9eb';

/** FNV-1a, 64 bits in two halves that start apart, as 16 hex digits. */
function fnv(bytes) {
  let [a, b] = [0x811c9dc5, 0x050c5d1f];
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x01000193) ^ (b >>> 15);
  }
  return [a, b].map((h) => (h >>> 0).toString(16).padStart(8, '0')).join('');
}

function check(condition, what) {
  if (!condition) throw new Error(`smoke: ${what}`);
}

/** A trunk with two heads on 3 × 3 images, its optimizer, and a step with two losses and independent backward passes. */
function build({ nn, optim }) {
  const trunk = new nn.Sequential(new nn.Conv2d(1, 3, 3, { padding: 1 }), new nn.Flatten(), new nn.Linear(27, 24), new nn.Tanh(), new nn.Linear(24, 17), new nn.ReLU());
  const heads = [new nn.Linear(17, 4), new nn.Linear(17, 9)];
  const all = new nn.Sequential(trunk, ...heads);
  const optimizer = new optim.Adam(all.parameters(), { lr: 0.01 });
  const step = (x, y) => {
    optimizer.zeroGrad();
    const h = trunk.forward(x.reshape([-1, 1, 3, 3]));
    const loss1 = nn.functional.crossEntropy(heads[0].forward(h), y);
    const loss2 = nn.functional.mseLoss(heads[1].forward(h), x);
    loss1.backward({ retainGraph: true });
    loss2.backward();
    optimizer.step();
    return { loss1, loss2 };
  };
  return { all, optimizer, step };
}

/**
 * Trains with two losses, saves model and optimizer as safetensors, goes on from the bytes in a second model as a captured step and in
 * the first as a plain one, and compares. Returns the hash of the final weights, the first step's milliseconds and the memory taken.
 */
export function smoke(gradloom) {
  const { capture, checkpoint, DataLoader, manualSeed, memory, randn, randperm, steps, TensorDataset } = gradloom;
  manualSeed(20);
  const start = performance.now();
  const [x, y] = [randn([60, 9]), randperm(60).sub(29).ge(0).int().add(randperm(60).sub(29).ge(0).int())];
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 12, shuffle: true });
  const first = build(gradloom);
  let firstStepMs = 0;
  const losses = [];
  for (const epoch of [0, 1]) {
    for (const [bx, by] of loader) {
      const { loss1, loss2 } = first.step(bx, by);
      losses.push(loss1.item() + loss2.item());
      if (losses.length === 1) firstStepMs = performance.now() - start;
    }
    check(losses.length === 5 * (epoch + 1), 'a pass has five batches');
  }
  const bytes = checkpoint.save({ model: first.all.stateDict(), optim: first.optimizer.stateDict() });
  const second = build(gradloom);
  const state = checkpoint.load(bytes);
  second.all.loadStateDict(state.model);
  second.optimizer.loadStateDict(state.optim);
  const captured = capture(second.step);
  for (const _ of steps(8)) {
    const [plain, replayed] = [first.step(x, y), captured(x, y)];
    check(plain.loss1.item() === replayed.loss1.item() && plain.loss2.item() === replayed.loss2.item(), 'a captured step differs from the plain one');
    losses.push(plain.loss1.item() + plain.loss2.item());
  }
  check(losses[losses.length - 1] < losses[0], 'it did not learn');
  const [a, b] = [first, second].map(({ all }) => checkpoint.saveSafetensors(all.stateDict()));
  check(fnv(a) === fnv(b), 'a run from saved bytes ends elsewhere');
  return { hash: fnv(a), firstStepMs, reserved: memory().reserved };
}
