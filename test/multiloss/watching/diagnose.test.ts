// Problems whose truth is known: each loss is ⟨w, direction + noise of the batch⟩, so its gradient is exactly that vector.
import { capture, DataLoader, manualSeed, memory, multiloss, nn, noGrad, randn, type Tensor, TensorDataset, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../../helpers.ts';
import { seeded } from '../../seeded.ts';
import { inner } from '../samples.ts';

const P = 200;
const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;

/** Two directions at right angles, of length 1. */
function axes(): [Tensor, Tensor] {
  const half = (first: boolean): Tensor => tensor(Float32Array.from({ length: P }, (_, i) => (i < P / 2 === first ? 0.1 : 0)));
  return [half(true), half(false)];
}

/** What is found for losses a and b with these gradients and noise of this length per batch. */
function found(a: Tensor, b: Tensor, noise: number, options: { batches?: number; scale?: number } = {}): multiloss.Diagnosis<'a' | 'b'> {
  manualSeed(11);
  const w = tensor(new Float32Array(P), { requiresGrad: true });
  const { scale = 1, batches = 8 } = options;
  const part = (g: Tensor): Tensor => w.mul(g.add(randn([P]).mul(noise / Math.sqrt(P)))).sum();
  return multiloss.diagnose(() => ({ a: part(a), b: part(b).mul(scale) }), { batches });
}

test('scale: one loss a thousand times louder, directions apart', () => {
  const [x, y] = axes();
  const d = found(x, y, 0.3, { scale: 1000 });
  assert.is(d.kind, 'scale');
  assert.ok(Math.abs(d.ratio / 1000 - 1) < 0.1, `${d.ratio}`);
  assert.equal(d.findings.map((f) => f.kind).filter((k) => k === 'direction'), []); // biome-ignore format: short
  assert.match(d.sentence, /^'b' is \d+ times as loud as 'a'.*not at odds beyond noise.*weight near 0\.001 on 'b'/);
  assert.ok(d.findings.some((f) => f.kind === 'starved' && f.losses[0] === 'a'));
});

test('direction: opposed, beyond what batches differ by', () => {
  const [x, y] = axes();
  const d = found(x, y.mul(0.6).sub(x.mul(0.8)), 0.5);
  assert.is(d.kind, 'direction');
  assert.ok(Math.abs((d.cosine[0]?.[1] as number) + 0.8) < 0.15, `${d.cosine}`);
  assert.match(d.sentence, /^'a' and 'b' pull in opposed directions \(cosine -0\.\d+ ± 0\.\d+\)\. Try UPGrad, PCGrad or CAGrad/);
  assert.match(`${d}`, /loss +value +gradient +repeat +reach\na /);
});

test('scale and direction together: normalize, then resolve', () => {
  const [x] = axes();
  const d = found(x, x.neg(), 0.3, { scale: 100 });
  assert.equal(d.findings.map((f) => f.kind), ['scale', 'direction', 'starved']); // biome-ignore format: short
  assert.match(d.sentence, /normalizing, then resolving/);
});

test('where findings begin: norms 30 times apart, cosines of −0.1, a thirtieth of the sum, 1e-12 of the largest', () => {
  const [x, y] = axes();
  const kinds = (b: Tensor): string[] => found(x, b, 0).findings.map((f) => f.kind);
  const at = (cosine: number): Tensor => y.mul(Math.sqrt(1 - cosine ** 2)).add(x.mul(cosine));
  assert.equal(kinds(y.mul(29.9)), []);
  assert.equal(kinds(y.mul(30.1)), ['scale', 'starved']);
  assert.equal(kinds(at(-0.09)), []);
  assert.equal(kinds(at(-0.11)), ['direction']);
  assert.match(found(x, at(-0.49), 0).sentence, /partly at odds/);
  assert.match(found(x, at(-0.51), 0).sentence, /opposed directions/);
  // a's cosine with the sum: 0.9/25, then 0.8/25.
  assert.equal(kinds(y.mul(25).sub(x.mul(0.1))), []);
  assert.equal(kinds(y.mul(25).sub(x.mul(0.2))), ['starved']);
  assert.match(found(x, y.mul(25).sub(x.mul(0.2)), 0).findings[0]?.text as string, /starves 'a'/);
  assert.match(found(x, y.mul(25).sub(x.mul(1.2)), 0).findings[0]?.text as string, /makes 'a' worse/);
  assert.is(found(x, x.mul(0), 0).losses[1]?.repeat, 0);
  assert.equal(kinds(y.mul(1e-11))[0], 'scale');
  assert.equal(kinds(y.mul(1e-13))[0], 'dead');
});

test('noise: cosines of single batches mean nothing', () => {
  const [x, y] = axes();
  const pure = found(x.mul(0), y.mul(0), 1);
  assert.is(pure.kind, 'noise');
  assert.equal(pure.findings[0]?.losses, ['a', 'b']);
  assert.match(pure.sentence, /^Noise: batches do not agree on the gradient of 'a' and 'b'.*larger batches/);
  const drowned = found(x.mul(0.1), y, 1);
  assert.equal(drowned.findings[0]?.losses, ['a']);
  assert.ok((drowned.losses[1]?.repeat as number) > 0.3);
});

test('noise that both losses share is not conflict', () => {
  manualSeed(4);
  const [x, y] = axes();
  const w = tensor(new Float32Array(P), { requiresGrad: true });
  const d = multiloss.diagnose(() => {
    const noise = randn([P]).mul(0.1);
    return { a: w.mul(x.add(noise)).sum(), b: w.mul(y.sub(noise)).sum() };
  });
  // In each batch the cosine is about −0.67; what batches agree on stands at right angles.
  assert.not(
    d.findings.some((f) => f.kind === 'direction'),
    d.sentence,
  );
});

test('a loss that others hold is named first, with those', () => {
  manualSeed(12);
  const [x, y] = axes();
  const w = tensor(new Float32Array(P), { requiresGrad: true });
  const d = multiloss.diagnose(() => {
    const [a, b] = [x, y].map((g) => w.mul(g.add(randn([P]).mul(0.01))).sum()) as [Tensor, Tensor];
    return { a, b, both: a.add(b.mul(0.5)) };
  });
  const [finding, ...more] = d.findings.filter((f) => f.kind === 'dependent') as [multiloss.Finding];
  assert.is(more.length, 0);
  assert.equal(finding.losses, ['both', 'a', 'b']);
  assert.match(finding.text, /^'both' holds nothing that 'a' and 'b' do not.*a combination of theirs/);
  assert.match(finding.advice, /leaving 'both' out/);
});

test('a loss that is a multiple of another, and one that is another reversed', () => {
  const w = tensor([1], { requiresGrad: true });
  const along = (slope: number): multiloss.Diagnosis<'a' | 'b'> => multiloss.diagnose(() => ({ a: w.mul(2).sum(), b: w.mul(slope).sum() }));
  assert.equal(along(3).findings.map((f) => [f.kind, ...f.losses]), [['dependent', 'b', 'a']]); // biome-ignore format: short
  assert.match(along(3).sentence, /^'b' holds nothing that 'a' does not.*a multiple of that/);
  assert.equal(along(-3).findings.map((f) => f.kind), ['direction', 'starved']); // biome-ignore format: short
  const once = multiloss.diagnose(() => ({ a: w.sum(), b: w.sum() }), { batches: 1 });
  assert.equal(once.findings.map((f) => [f.kind, ...f.losses]), [['dependent', 'b', 'a']]); // biome-ignore format: short
  assert.is(along(-3).cosine[0]?.[1], -1);
});

test('a loss that reaches one of the shared parameters only', () => {
  const [u, v] = [tensor([1], { requiresGrad: true }), tensor([2], { requiresGrad: true })];
  const d = multiloss.diagnose(() => ({ a: u.add(v).sum(), b: u.sub(v).sum(), c: u.mul(3).sum() }));
  assert.equal(d.losses.map((l) => l.norm), [Math.SQRT2, Math.SQRT2, 3]); // biome-ignore format: short
});

test('a dead loss', () => {
  const [x] = axes();
  const d = found(x, x, 0, { scale: 0 });
  assert.is(d.kind, 'dead');
  assert.match(d.sentence, /no gradient of 'b' reaches/i);
});

test('a loss that is NaN, and a gradient that is', () => {
  const [x, y] = axes();
  const d = found(x, y, 0.1, { scale: Number.NaN });
  assert.is(d.kind, 'non-finite');
  assert.match(d.sentence, /the loss 'b' is not finite \(mean NaN\)/i);
  const w = tensor([0], { requiresGrad: true });
  const root = multiloss.diagnose(() => ({ a: w.sqrt().sum(), b: w.mul(2).sum() }));
  assert.match(root.sentence, /the gradient of 'a' is not finite/i);
});

test('nothing wrong: the plain sum is enough', () => {
  const [x, y] = axes();
  const d = found(x, x.add(y), 0.3);
  assert.is(d.kind, 'fine', d.sentence);
  assert.match(d.sentence, /plain sum/);
  assert.is(found(x, y, 0).kind, 'fine');
});

test('how often pure noise or right angles are taken for conflict', () => {
  const [x, y] = axes();
  manualSeed(1);
  const w = tensor(new Float32Array(P), { requiresGrad: true });
  let wrong = 0;
  for (let i = 0; i < 60; i++) {
    const part = (g: Tensor): Tensor => w.mul(g.add(randn([P]).mul(1 / Math.sqrt(P)))).sum();
    const of = i % 2 ? 0 : 1;
    const d = multiloss.diagnose(() => ({ a: part(x.mul(of)), b: part(y.mul(of)) }));
    if (d.findings.some((f) => f.kind === 'direction')) wrong++;
  }
  assert.ok(wrong <= 3, `${wrong} of 60`);
});

test('one or two batches say that noise is unknown', () => {
  const [x] = axes();
  const one = found(x, x.neg(), 0.1, { batches: 1 });
  assert.is(one.kind, 'direction');
  assert.is(one.losses[0]?.repeat, null);
  assert.match(one.sentence, /noise unknown.*From one batch noise cannot be told apart/);
  assert.match(found(x, x.neg(), 0.1, { batches: 2 }).sentence, /two batches/);
});

test('takes functions too, more than eight, and leaves .grad, mode and parameters alone', () => {
  manualSeed(6);
  const model = new nn.Linear(3, 2);
  const optimal = model.parameters().map((p) => [...p.data()]);
  const x = randn([4, 3]);
  model.forward(x).sum().backward();
  const before = model.parameters().map((p) => p.grad);
  const kept = before.map((g) => [...(g as Tensor).data()]);
  const batches = Array.from({ length: 19 }, () => (): { a: Tensor; b: Tensor } => {
    const out = model.forward(randn([4, 3]));
    return { a: out.mean(), b: out.square().mean() };
  });
  const d = noGrad(() => multiloss.diagnose(batches, { batches: 17 }));
  assert.is(d.batches, 17);
  assert.ok(model.parameters().every((p, i) => p.grad === before[i]));
  assert.equal(
    model.parameters().map((p) => [...(p.grad as Tensor).data()]),
    kept,
  );
  assert.equal(
    model.parameters().map((p) => [...p.data()]),
    optimal,
  );
});

test('takes a loader and a function of its batches', () => {
  manualSeed(8);
  const model = new nn.Linear(3, 2);
  const loader = new DataLoader(new TensorDataset(randn([64, 3])), { batchSize: 8, shuffle: true });
  const before = memory().live;
  const d = multiloss.diagnose(loader, ([x]) => {
    const out = model.forward(x);
    return { a: out.mean(), b: out.square().mean() };
  }, { batches: 5 }); // biome-ignore format: short
  assert.is(d.batches, 5);
  assert.ok(memory().live - before <= 64, `${memory().live - before} bytes more`);
});

test('the numbers as their definitions say: means over pairs of batches, and over leaving out each group in turn', () => {
  const next = seeded(5);
  const at = [1, -2, 3];
  for (const n of [2, 3, 5, 19, 2, 3, 5, 19, 4, 4]) {
    // Quarters, so that float32 holds all sums. c is noise, nearly.
    const gradients = [[4, 1, 0], [-1, 3, 1], [1, 0, 0]].map((g, i) => Array.from({ length: n }, () => g.map((v) => v + Math.round((next() - 0.5) * (i === 2 ? 16 : 6)) / 4))); // biome-ignore format: one line
    const w = tensor(at, { requiresGrad: true });
    const [a, b, c] = gradients as [number[][], number[][], number[][]];
    const along = (g: number[][], k: number): Tensor => w.mul(tensor(g[k] as number[])).sum();
    const d = multiloss.diagnose((k) => ({ a: along(a, k), b: along(b, k), c: along(c, k) }), { batches: n });
    // Batch k is in group k mod 8; what two groups agree on is the product of their means.
    const groups = Array.from({ length: Math.min(n, 8) }, (_, h) => h);
    const means = gradients.map((g) => groups.map((h) => at.map((_, p) => mean(g.filter((_g, k) => k % 8 === h).map((v) => v[p] as number)))));
    const agreed = (i: number, j: number, left = -1): number =>
      mean(groups.flatMap((h) => groups.filter((k) => h !== k && h !== left && k !== left).map((k) => inner(means[i]?.[h] as number[], means[j]?.[k] as number[]))));
    const error = (of: (left: number) => number): number | null => {
      const parts = groups.map(of);
      return n < 3 ? null : Math.sqrt(parts.reduce((s, p) => s + (p - mean(parts)) ** 2, 0) * (1 - 1 / parts.length));
    };
    const cosine = (i: number, j: number, left?: number): number => {
      const cos = agreed(i, j, left) / Math.sqrt(agreed(i, i, left) * agreed(j, j, left));
      return Number.isFinite(cos) ? Math.max(-1, Math.min(1, cos)) : 0;
    };
    const hidden = d.findings.find((f) => f.kind === 'noise')?.losses ?? [];
    const live = [0, 1, 2].filter((i) => !hidden.includes('abc'.charAt(i) as 'a'));
    const row = (i: number): number => live.reduce((s, j) => s + agreed(i, j), 0);
    const close = (x: number | null | undefined, y: number | null, what: string): void =>
      x === null || y === null ? assert.is(x, y, what) : assert.ok(Math.abs((x as number) - y) < 1e-9 * (1 + Math.abs(y)), `${what} of ${n}: ${x}, not ${y}`);
    d.losses.forEach((loss, i) => {
      const g = gradients[i] as number[][];
      const square = mean(g.map((v) => inner(v, v)));
      const spread = error((left) => agreed(i, i, left));
      close(loss.value, mean(g.map((v) => inner(v, at))), `value ${i}`);
      close(loss.norm, Math.sqrt(square), `norm ${i}`);
      close(loss.repeat, agreed(i, i) / square, `repeat ${i}`);
      assert.is(loss.sure, spread === null ? null : agreed(i, i) > 2 * spread);
      close(loss.reach, live.includes(i) ? row(i) / Math.sqrt(agreed(i, i) * live.reduce((s, j) => s + row(j), 0)) : null, `reach ${i}`);
      for (let j = 0; j < 3; j++) {
        const within = error((left) => cosine(i, j, left));
        close(d.cosine[i]?.[j], cosine(i, j), `cosine ${i} ${j}`);
        close(d.band[i]?.[j], within === null ? null : Math.min(1, 2 * within), `band ${i} ${j}`);
      }
    });
  }
}); // biome-ignore format: a matrix

test('the table and the sentence, to the letter', () => {
  const text = (gradients: Readonly<Record<string, readonly number[]>>, batches: number): string[] => {
    const w = tensor([1, 2, 3, 4].slice(0, Object.values(gradients)[0]?.length), { requiresGrad: true });
    return `${multiloss.diagnose(() => Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, w.mul(tensor([...g])).sum()])), { batches })}`.split('\n');
  };
  assert.equal(text({ a: [100.6, 0], longer: [0, 1234] }, 3), [
    'loss    value  gradient  repeat  reach',
    'a         101       101       1  0.081',
    'longer   2470      1230       1      1',
    'cos(a, longer) = 0 ± 0',
    'No trouble of scale, direction or noise here (cos(a, longer) = 0 ± 0): the plain sum is hard to beat at this point (Kurin et al. 2022, arXiv 2201.04122).',
  ]);
  assert.is(
    text({ a: [3, 4], longer: [-4, 2.5] }, 1).join('\n'),
    `loss    value  gradient  repeat  reach
a          11         5       –    0.7
longer      1       4.7       –   0.65
cos(a, longer) = -0.085
No trouble of scale, direction or noise here (cos(a, longer) = -0.085): the plain sum is hard to beat at this point (Kurin et al. 2022, arXiv 2201.04122). From one batch noise cannot be told apart: pass 8.`,
  );
  // Of pairs the sentence names those at odds, the table all; four losses have six, too many for brackets.
  const three = text({ a: [1, 0], b: [-1, 2], c: [-1, -2] }, 8);
  assert.equal(three.slice(1, 7), [
    'a         1         1       1     -1',
    'b         3       2.2       1   0.45',
    'c        -5       2.2       1   0.45',
    'cos(a, b) = -0.45 ± 0',
    'cos(a, c) = -0.45 ± 0',
    'cos(b, c) = -0.6 ± 0',
  ]);
  assert.match(
    three[7] as string,
    /^'a' and 'b' are partly at odds \(cosine -0\.45 ± 0\); 'a' and 'c' are .*; 'b' and 'c' pull in .*; 'c' holds .* Try UPGrad[^;]*; or fewer shared layers; leaving 'c' out: it only makes the others count more\.$/,
  );
  const four = text({ a: [1, 0], b: [1, 1], c: [0, 1], d: [1, 2] }, 3);
  assert.equal(four.length, 12);
  assert.is(four[11]?.startsWith("'c' holds nothing that 'a' and 'b' do not"), true);
  assert.match(
    text({ a: [1, 0], b: [0, 40] }, 3).at(-1) as string,
    /, but their directions are not at odds beyond noise \(cos\(a, b\) = 0 ± 0\)\. Try [^;]*, or a weight near 0\.025 on 'b'; PCGrad and UPGrad alone/,
  );
  // At the limits themselves nothing is found: 30 times as loud, a cosine of −½.
  assert.match(text({ a: [1, 0], b: [0, 30] }, 3).at(-1) as string, /^The plain sum starves 'a'/);
  assert.match(text({ a: [1, 0, 0, 0], b: [-1, 1, 1, 1] }, 3).at(-1) as string, /partly at odds \(cosine -0.5 ± 0\)/);
  const dead = text({ a: [0, 4], b: [0, 0], c: [-400, -2] }, 2);
  assert.equal(dead.slice(2, 5), ['b         0         0       0      –', 'c      -404       400       1      1', 'cos(a, c) = -0.005']);
  assert.match(dead[5] as string, /^No gradient of 'b' .* \(norm 0\); 'c' is 100 times .* From two batches noise cannot be told apart: pass 8\.$/);
});

test('what cannot be diagnosed is refused by name', () => {
  const [u, v] = [tensor([1], { requiresGrad: true }), tensor([2], { requiresGrad: true })];
  throwsCode('GRAPH', /losses left, right share no parameter/, () => multiloss.diagnose(() => ({ left: u.mul(2).sum(), right: v.mul(2).sum() })));
  throwsCode('GRAPH', /loss 'right' does not require a gradient/, () => multiloss.diagnose(() => ({ left: u.sum(), right: u.detach().sum() })));
  throwsCode('VALUE', /got no batches/, () => multiloss.diagnose([]));
  const captured = capture(() => multiloss.diagnose(() => ({ left: u.sum(), both: u.square().sum() })).kind);
  throwsCode('CAPTURE', /gradients are read/, () => [captured(), captured(), captured()]);
  throwsCode('VALUE', /batch 0 must be a function/, () => multiloss.diagnose([5] as never));
  throwsCode('VALUE', /batches are a list, a loader, or a function/, () => multiloss.diagnose(5 as never));
  throwsCode('VALUE', /argument/, () => (multiloss.diagnose as (...given: unknown[]) => unknown)([], () => ({}), {}, 1));
  throwsCode('VALUE', /batches must be/, () => multiloss.diagnose(() => ({ left: u.sum() }), { batches: 0 }));
  throwsCode('VALUE', /the first one had left/, () => multiloss.diagnose((k) => ({ [k ? 'right' : 'left']: u.mul(2).sum(), both: u.mul(3).sum() }) as Record<string, Tensor>));
});

test.run();
