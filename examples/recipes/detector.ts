// A detector of shapes, two in a picture: in each of nine cells, what stands there if anything (cross-entropy), and its box (smooth L1).
// npx tsx examples/recipes/detector.ts
import { capture, cat, lrScheduler, manualSeed, maximum, minimum, multiloss, nn, optim, rand, remainder, stack, steps, type Tensor } from 'gradloom';
import { between, kindsOf, masks, measured, pictures, SIZE } from './drawings.ts';
import { compare, stepsOf } from './runs.ts';

const [STEPS, BATCH, SIDE, KINDS, OBJECTS] = [stepsOf(400), 16, 3, 3, 2];
const [CELLS, CELL] = [SIDE * SIDE, SIZE / SIDE];

/** Pictures [n, 1, SIZE, SIZE]; by cell the kind, int32 [n, 9], 0 for none, and the box [n, 9, 4]: middle within the cell, half of the size, in cells. */
function draw(n: number): { x: Tensor; kind: Tensor; box: Tensor } {
  const first = kindsOf([n, 1], CELLS);
  const cell = cat([first, remainder(first.add(kindsOf([n, 1], CELLS - 1)).add(1), CELLS)], 1).flatten(); // two different ones
  const kind = kindsOf([n * OBJECTS], KINDS);
  const box = cat([rand([n * OBJECTS, 2]), between([n * OBJECTS, 2], 0.3, 0.7)], 1);
  const corner = stack([remainder(cell, SIDE).float(), cell.div(SIDE).floor()], 1);
  const pixels = cat([box.narrow(1, 0, 2).add(corner).mul(CELL).sub(0.5), box.narrow(1, 2, 2).mul(CELL)], 1);
  const drawn = masks(kind, pixels).reshape([n, OBJECTS, SIZE, SIZE]).amax(1);
  const at = nn.functional.oneHot(cell, CELLS).float().reshape([n, OBJECTS, CELLS]).transpose(1, 2);
  const number = kind.add(1).float().reshape([n, OBJECTS, 1]);
  return { x: pictures(drawn, 0.15), kind: at.matmul(number).squeeze(2).int(), box: at.matmul(box.reshape([n, OBJECTS, 4])) };
}

class Detector extends nn.Module {
  trunk = new nn.Sequential(
    new nn.Conv2d(1, 12, 5, { stride: 2, padding: 2 }),
    new nn.ReLU(),
    new nn.Conv2d(12, 24, 3, { stride: 2, padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(24, 48, 3, { stride: 2, padding: 1 }),
    new nn.ReLU(),
  );
  heads = new nn.Conv2d(48, KINDS + 1 + 4, 1);

  /** For each cell logits [n, 9, KINDS + 1], the first for none, and a box [n, 9, 4]. */
  forward(x: Tensor): { logits: Tensor; box: Tensor } {
    const out = this.heads.forward(this.trunk.forward(x)).flatten(2).transpose(1, 2);
    return { logits: out.narrow(2, 0, KINDS + 1), box: out.narrow(2, KINDS + 1, 4) };
  }
}

/** The box's loss is the mean over cells in which something stands. */
function lossesOf(out: { logits: Tensor; box: Tensor }, kind: Tensor, box: Tensor): { kind: Tensor; box: Tensor } {
  const there = kind.gt(0).float();
  const distance = nn.functional.smoothL1Loss(out.box, box, { beta: 0.1, reduction: 'none' }).mean(2);
  return { kind: nn.functional.crossEntropy(out.logits.flatten(0, 1), kind.flatten()), box: distance.mul(there).sum().div(there.sum()) };
}

/** Intersection over union of boxes [n, 9, 4]. */
function iou(a: Tensor, b: Tensor): Tensor {
  const edges = (t: Tensor, side: number): Tensor => t.narrow(2, 0, 2).add(t.narrow(2, 2, 2).mul(side));
  const area = (t: Tensor): Tensor => t.narrow(2, 2, 2).relu().mul(2).prod(2);
  const both = minimum(edges(a, 1), edges(b, 1))
    .sub(maximum(edges(a, -1), edges(b, -1)))
    .relu()
    .prod(2);
  return both.div(area(a).add(area(b)).sub(both).clamp({ min: 1e-6 }));
}

function train(combine: multiloss.Method, seed: number): { named: number; overlap: number; found: number } {
  manualSeed(seed);
  const model = new Detector();
  const optimizer = new optim.Adam(model.parameters(), { lr: 6e-3 });
  const schedule = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: STEPS });
  const step = capture((x: Tensor, kind: Tensor, box: Tensor) => {
    optimizer.zeroGrad();
    multiloss.backward(lossesOf(model.forward(x), kind, box), { combine });
    optimizer.step();
  });
  for (const _ of steps(STEPS)) {
    const { x, kind, box } = draw(BATCH);
    step(x, kind, box);
    schedule.step();
  }
  return measured(() => {
    const { x, kind, box } = draw(400);
    const out = model.forward(x);
    const there = kind.gt(0).float();
    const right = out.logits.argmax(2).eq(kind).float();
    const overlap = iou(out.box, box);
    const ofThose = (t: Tensor): number => t.mul(there).sum().div(there.sum()).item();
    return { named: right.mean().item(), overlap: ofThose(overlap), found: ofThose(right.mul(overlap.ge(0.5).float())) };
  });
}

const box = (weight: number) => () => multiloss.weighted({ kind: 1, box: weight });
const ways: Record<string, () => multiloss.Method> = {
  'equal weights': () => new multiloss.Sum(),
  'box × 10': box(10),
  'normalized gradients': () => multiloss.normalize(new multiloss.Mean()),
  UPGrad: () => new multiloss.UPGrad(),
};
await compare(ways, (way, seed) => train(way(), seed), { named: ['cells right, %', 1, 100], overlap: ['IoU, %', 1, 100], found: ['found, %', 1, 100] });
console.log(`
Boxes are in units of cells, so both losses are of one size, and equal weights are right: normalizing and UPGrad change nothing beyond the spread.
A louder box makes boxes better and names worse, and fewer shapes are found.`);
