// init and close, each in a process of its own: a process has one instance.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a program on the library; returns what it prints, or its error. */
function run(program: string): string {
  const source = `import * as g from 'gradloom'; const hash = (t) => Array.from(new Int32Array(t.data().buffer)).reduce((h, w) => (Math.imul(h, 31) + w) | 0, 0); ${program}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], { cwd: root, encoding: 'utf8', timeout: 60_000 });
  return stdout + stderr;
}

const training = `
  g.manualSeed(4);
  const model = new g.nn.Sequential(new g.nn.Linear(300, 200), new g.nn.ReLU(), new g.nn.Linear(200, 33));
  const optimizer = new g.optim.Adam(model.parameters());
  const x = g.randn([50, 300]);
  for (const _ of g.steps(5)) {
    optimizer.zeroGrad();
    const y = model.forward(x);
    y.square().mean().backward({ retainGraph: true });
    y.abs().mean().backward();
    optimizer.step();
  }
  console.log(model.parameters().map(hash).join());
`;
const alone = run(training);

test('a run on two or three threads gives the bits of one', () => {
  assert.match(alone, /^-?\d+(,-?\d+){3}\n$/);
  for (const threads of [2, 3]) assert.is(run(`await g.init({ threads: ${threads} }); ${training} g.close();`), alone);
});

test('odd products are split right', () => {
  const products = `
    g.manualSeed(1);
    for (const [m, k, n] of [[64, 784, 256], [17, 300, 33], [5, 1000, 64], [1000, 66, 7], [129, 128, 10], [3, 300, 1000]]) {
      console.log(hash(g.randn([m, k]).matmul(g.randn([k, n]))), hash(g.randn([k, m]).t().matmul(g.randn([n, k]).t())));
    }
  `;
  assert.is(run(`await g.init({ threads: 3 }); ${products}`), run(products));
});

test('convolutions, batch normalisation and attention are split right', () => {
  const layers = `
    g.manualSeed(1);
    const { nn } = g;
    const said = (layer, x, ...more) => {
      const y = layer.forward(x.requiresGrad_(), ...more);
      y.square().sum().backward();
      console.log([y, x.grad, ...layer.parameters().map((p) => p.grad)].map(hash).join());
    };
    // Images, channels, size, outputs, kernel, options: each with a share of images or channels that is not whole; 1 x 1, strides, groups.
    for (const [n, c, size, o, k, options] of [
      [5, 3, 20, 8, 3, { padding: 1 }],
      [4, 7, 17, 6, 3, {}],
      [3, 6, 16, 10, 3, { stride: 2, padding: 1 }],
      [5, 6, 24, 9, 3, { groups: 3, padding: 1 }],
      [4, 12, 20, 12, 3, { groups: 12, padding: 1 }],
      [2, 9, 30, 5, 1, {}],
      [7, 10, 15, 12, 3, { groups: 2, stride: 2 }],
      [3, 5, 31, 4, 5, { dilation: 2, padding: 2 }],
      [1, 8, 40, 8, 3, {}],
    ]) said(new nn.Conv2d(c, o, k, options), g.randn([n, c, size, size]));
    said(new nn.BatchNorm2d(7), g.randn([4, 7, 21, 21]));
    said(new nn.ConvTranspose2d(6, 5, 2, { stride: 2 }), g.randn([3, 6, 24, 24]));
    for (const [n, length, width, heads] of [[3, 33, 24, 3], [2, 65, 40, 5], [5, 47, 12, 1]]) {
      const layer = new nn.TransformerEncoderLayer(width, heads, { dimFeedforward: 2 * width, dropout: 0, batchFirst: true });
      said(layer, g.randn([n, length, width]), { isCausal: true, srcMask: nn.Transformer.generateSquareSubsequentMask(length) });
    }
    // More weights than are kept for backward.
    said(new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 8, dropout: 0 }), g.randn([1200, 1, 8]));
  `;
  const single = run(layers);
  assert.is(single.trim().split('\n').length, 15);
  for (const threads of [2, 3]) assert.is(run(`await g.init({ threads: ${threads} }); ${layers}`), single);
});

test('thousands of jobs in a row: no part is lost, taken twice, or left over from the job before', () => {
  const jobs = `
    g.manualSeed(3);
    const sizes = [[64, 100, 48], [33, 64, 70], [128, 64, 16], [40, 300, 41]];
    const pairs = sizes.map(([m, k, n]) => [g.keep(g.randn([m, k])), g.keep(g.randn([k, n]))]);
    const [conv, image] = [new g.nn.Conv2d(4, 6, 3, { padding: 1 }), g.keep(g.randn([3, 4, 18, 18]))];
    let all = 0;
    for (const i of g.steps(1000)) {
      const [a, b] = pairs[i % 4];
      all = (Math.imul(all, 31) + hash(a.matmul(b))) | 0;
      if (i % 5) continue;
      conv.zeroGrad();
      conv.forward(image).sum().backward();
      all = (Math.imul(all, 31) + hash(conv.weight.grad)) | 0;
    }
    console.log(all);
  `;
  const single = run(jobs);
  assert.match(single, /^-?\d+\n$/);
  for (const threads of [2, 4]) assert.is(run(`await g.init({ threads: ${threads} }); ${jobs}`), single);
});

test('after close() work goes on alone, and the process ends', () => {
  assert.is(run(`await g.init({ threads: 2 }); g.close(); g.close(); ${training}`), alone);
});

test('a program that forgets close() ends too', () => {
  assert.is(run(`await g.init({ threads: 2 }); ${training}`), alone);
});

test('init says what is wrong', () => {
  assert.match(run(`g.ones([1]); await g.init();`), /init: comes too late.*first/);
  assert.match(run(`await g.init({ threads: 0 });`), /threads from 1 to 64, got 0/);
  assert.match(run(`await g.init({ threads: '2' });`), /init: threads must be a whole number, got '2'/);
  assert.match(run(`await g.init({ simd: 'fast' });`), /"fixed" or "relaxed", got 'fast'/);
  assert.match(run(`await g.init({ thread: 2 });`), /no option 'thread'\. Did you mean 'threads'/);
  assert.match(run(`await g.init({ wasm: null });`), /init: wasm must be a Module.*got null/);
  assert.match(run(`await g.init(2);`), /init: options are an object/);
  assert.match(run(`await g.init({ threads: 2, simd: 'relaxed' });`), /takes one of threads, wasm and relaxed simd/);
  assert.match(run(`delete globalThis.SharedArrayBuffer; await g.init({ threads: 2 });`), /Cross-Origin-Opener-Policy/);
});

test('a tensor made while init is at work lives on, and init says so', () => {
  const early = (options: string): string =>
    run(`
    const ready = g.init(${options}).then(() => 'done', (e) => e instanceof g.GradloomError && e.code + ' ' + e.message);
    const early = g.tensor([1, 2, 3]);
    console.log(await ready);
    console.log(g.ones([1e6]).sum().item(), early.mul(2).sum().item());
    console.log(await g.init().catch((e) => e.message));`);
  const wasm = "{ wasm: import('node:fs').then((fs) => fs.readFileSync('build/kernels.wasm')) }";
  for (const options of ['{ threads: 2 }', wasm]) {
    assert.match(early(options), /^RUNTIME init: a tensor was made while init was at work.*Await init.*\n1000000 12\ninit: comes too late/);
  }
  assert.match(early('{}'), /^done\n1000000 12\n/);
});

test('a second init while the first is at work is refused, close() leaves it alone, and one that failed may be tried again', () => {
  const program = `
    const first = g.init({ threads: 2 });
    console.log(await g.init({ threads: 2 }).catch((e) => e.code + ' ' + e.message));
    g.close();
    await first;
    console.log(g.ones([300, 300]).matmul(g.ones([300, 300])).sum().item());`;
  assert.match(run(program), /^RUNTIME init: is at work already.*\n27000000\n$/);
  assert.match(run(`await g.init({ wasm: 'data:,' }).catch((e) => console.log(e.code)); await g.init(); console.log(g.ones([2]).sum().item());`), /^FORMAT\n2\n$/);
});

test('relaxed SIMD is close to fixed where there is any, else refused with a remedy', () => {
  const said = run(`await g.init({ simd: 'relaxed' }); console.log(g.ones([20, 30]).matmul(g.ones([30, 40])).sum().item());`);
  assert.match(said, /^24000\n$|no relaxed SIMD.*Node ≥ 22/);
});

test('a module of one’s own', () => {
  const program = `
    const { readFileSync } = await import('node:fs');
    await g.init({ wasm: WebAssembly.compile(readFileSync('build/kernels.wasm')) });
    ${training}`;
  assert.is(run(program), alone);
});

test.run();
