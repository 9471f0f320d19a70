// A run that checkpoints, and fails as it is told to: node train.mjs FILE STEPS EVERY [FAULT RANK STEP WHERE]. Ends with the hash of its state.
//   FAULT   kill (SIGKILL), stop (SIGSTOP), throw, exit (code 3), loop (for ever outside of MPI)
//   WHERE   before (forward), between (backward and step), writing (while rank 0 writes the checkpoint), after
import { manualSeed, multiloss, nn, optim, scope, tensor } from 'gradloom';
import { initMpi } from 'gradloom/mpi';

const [file, steps, every, fault, rank, at, where] = process.argv.slice(2);
const world = await initMpi({ timeout: Number(process.env.MPI_TIMEOUT ?? 60) });
const FAULTS = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  stop: () => process.kill(process.pid, 'SIGSTOP'),
  throw: () => {
    throw new Error('the batch is broken');
  },
  exit: () => process.exit(3),
  loop: () => {
    for (;;);
  },
};
const here = (step, place) => {
  if (fault && world.rank === Number(rank) && step === Number(at) && place === where) FAULTS[fault]();
};

manualSeed(3);
const trunk = new nn.Sequential(new nn.Linear(16, 64), new nn.Tanh(), new nn.Dropout(0.2), new nn.Linear(64, 64), new nn.Tanh());
const [first, second] = [new nn.Linear(64, 4), new nn.Linear(64, 2)];
const model = new nn.Sequential(trunk, first, second);
const optimizer = new optim.Adam(model.parameters(), { lr: 3e-3 });
const combine = new multiloss.UPGrad();
world.broadcast(model);
manualSeed(100 + world.rank);

const batchOf = (step) => {
  let state = 1000 + step;
  const uniform = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 1073741824 - 1;
  };
  return [
    tensor(Float32Array.from({ length: 24 * 16 }, uniform), { shape: [24, 16] }),
    tensor(
      Int32Array.from({ length: 24 }, () => Math.floor((uniform() + 1) * 1.99)),
      { shape: [24] },
    ),
    tensor(Float32Array.from({ length: 48 }, uniform), { shape: [24, 2] }),
  ].map((x) => world.shard(x));
};

const restored = await world.restore(file, { model, optimizer }, { optional: true });
const start = restored?.step ?? 0;
if (world.rank === 0) console.log(`starts at ${start}`);
for (let step = start; step < Number(steps); step++) {
  here(step, 'before');
  scope(() => {
    const [x, labels, values] = batchOf(step);
    optimizer.zeroGrad();
    const h = trunk.forward(x);
    world.backward({ a: nn.functional.crossEntropy(first.forward(h), labels), b: nn.functional.mseLoss(second.forward(h), values) }, { combine });
    here(step, 'between');
    optimizer.step();
  });
  if ((step + 1) % Number(every) === 0) {
    const written = world.checkpoint(file, { model, optimizer, step: step + 1 });
    here(step, 'writing');
    await written;
  }
  here(step, 'after');
}
const hash = world.hash({ model, optimizer });
console.log(JSON.stringify({ rank: world.rank, hash, start }));
world.finalize();
