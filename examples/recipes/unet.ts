// A small U-Net (Ronneberger et al. 2015, arXiv 1505.04597) that finds small shapes, 3 % of the pixels: binary cross-entropy and Dice (Milletari et al. 2016, arXiv 1606.04797).
// npx tsx examples/recipes/unet.ts
import { capture, cat, lrScheduler, manualSeed, multiloss, nn, optim, steps, type Tensor } from 'gradloom';
import { boxes, kindsOf, masks, measured, pictures } from './drawings.ts';
import { compare, stepsOf } from './runs.ts';

const [STEPS, BATCH] = [stepsOf(200), 8];

/** Two convolutions that keep the size. */
const block = (from: number, to: number): nn.Sequential =>
  new nn.Sequential(new nn.Conv2d(from, to, 3, { padding: 1 }), new nn.ReLU(), new nn.Conv2d(to, to, 3, { padding: 1 }), new nn.ReLU());

class UNet extends nn.Module {
  down1 = block(1, 4);
  down2 = block(4, 8);
  bottom = block(8, 16);
  widen2 = new nn.ConvTranspose2d(16, 8, 2, { stride: 2 });
  up2 = block(16, 8);
  widen1 = new nn.ConvTranspose2d(8, 4, 2, { stride: 2 });
  up1 = block(8, 4);
  out = new nn.Conv2d(4, 1, 1);
  pool = new nn.MaxPool2d(2);

  /** Logits of the mask, in the picture's shape; both sides divide by 4. */
  forward(x: Tensor): Tensor {
    const fine = this.down1.forward(x);
    const middle = this.down2.forward(this.pool.forward(fine));
    const coarse = this.bottom.forward(this.pool.forward(middle));
    const wider = this.up2.forward(cat([middle, this.widen2.forward(coarse)], 1));
    return this.out.forward(this.up1.forward(cat([fine, this.widen1.forward(wider)], 1)));
  }
}

/** Pictures of a shape of 2–4 pixels' radius, and their masks, [n, 1, SIZE, SIZE] both. */
function draw(n: number): [Tensor, Tensor] {
  const drawn = masks(kindsOf([n], 3), boxes(n, 1.5, 3.5));
  return [pictures(drawn, 0.35), drawn.unsqueeze(1)];
}

/** 1 − 2·|both| / (|said| + |true|), of soft masks, mean over pictures: pixels of the background that are right do not count. */
function diceLoss(logits: Tensor, mask: Tensor): Tensor {
  const [said, truth] = [logits.sigmoid().flatten(1), mask.flatten(1)];
  const both = said.mul(truth).sum(1);
  return both
    .mul(2)
    .add(1)
    .div(said.sum(1).add(truth.sum(1)).add(1))
    .mean()
    .neg()
    .add(1);
}
const lossesOf = (logits: Tensor, mask: Tensor) => ({ bce: nn.functional.binaryCrossEntropyWithLogits(logits, mask), dice: diceLoss(logits, mask) });

function train(combine: multiloss.Method, seed: number): { iou: number; missed: number; off: number } {
  manualSeed(seed);
  const net = new UNet();
  const optimizer = new optim.Adam(net.parameters(), { lr: 1e-2 });
  const schedule = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: STEPS });
  const step = capture((x: Tensor, mask: Tensor) => {
    optimizer.zeroGrad();
    multiloss.backward(lossesOf(net.forward(x), mask), { combine });
    optimizer.step();
  });
  for (const _ of steps(STEPS)) {
    step(...draw(BATCH));
    schedule.step();
  }
  return measured(() => {
    const [x, mask] = draw(200);
    const logits = net.forward(x);
    const said = logits.gt(0).float();
    const sum = (t: Tensor): Tensor => t.flatten(1).sum(1);
    const both = sum(said.mul(mask));
    return {
      iou: both
        .div(sum(said).add(sum(mask)).sub(both))
        .mean()
        .item(),
      missed: both.eq(0).float().mean().item(),
      off: logits.sigmoid().sub(mask).square().mean().item() * 1000,
    };
  });
}

const weighted = (bce: number, dice: number) => () => multiloss.weighted({ bce, dice });
const ways: Record<string, () => multiloss.Method> = {
  'BCE alone': weighted(1, 0),
  'Dice alone': weighted(0, 1),
  'equal weights': () => new multiloss.Sum(),
  'BCE × 10': weighted(10, 1),
  UPGrad: () => new multiloss.UPGrad(),
};
await compare(ways, (way, seed) => train(way(), seed), { iou: ['IoU, %', 1, 100], missed: ['missed, %', 1, 100], off: ['Brier, ‰', 2] });
console.log(`
From BCE alone two seeds of three learn to call every pixel background; with ten times its weight beside Dice one does, and one under UPGrad.
Dice, alone or in equal weights, finds nearly every shape; what BCE adds to it is within the spread.`);
