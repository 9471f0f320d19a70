// Anomaly mode: the first op that gives NaN or infinity is named, with the program's line.
import { autograd, full, nn, noGrad, ones, optim, profile, scope, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { frameOf } from '../../src/tensor/line.ts';
import { throwsCode } from '../helpers.ts';

const leaf = (...values: number[]) => tensor(values, { requiresGrad: true });

/** Runs in anomaly mode; returns what was said on the console. */
function watched(strict: boolean, fn: () => void): string[] {
  const said: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => void said.push(text);
  autograd.setDetectAnomaly(true, { strict });
  try {
    fn();
  } finally {
    autograd.setDetectAnomaly(false);
    console.warn = warn;
  }
  return said;
}

/** The number of the line behind the one that calls it. */
const next = (): number => 1 + Number(/anomaly\.test\.ts:(\d+)/.exec((new Error().stack ?? '').split('\n')[2] as string)?.[1]);

test('forward: op, place and line, where the first NaN or infinity is made', () => {
  let line = 0;
  const strict = (text: RegExp, fn: () => void): void => {
    watched(true, () => {
      const { message } = throwsCode('NONFINITE', text, fn);
      assert.match(message, new RegExp(`called at [^\\n]*anomaly\\.test\\.ts:${line}:`));
    });
  };
  strict(/^log: gave -Infinity at element \[1, 0\] of float32 \[2, 1\], the first that is not finite \(anomaly/, () => {
    line = next();
    tensor([[1], [0]]).log();
  });
  strict(/^div: gave NaN at element \[0\]/, () => {
    line = next();
    leaf(0).div(leaf(0));
  });
  const layer = new nn.Linear(2, 1);
  noGrad(() => layer.weight.fill_(3e38));
  strict(/^linear: gave Infinity/, () => {
    line = next();
    layer.forward(ones([1, 2]));
  });
  strict(/^exp: gave Infinity/, () =>
    noGrad(() => {
      line = next();
      tensor([100]).exp();
    }),
  );
});

test('backward: the same, with the line of the forward', () => {
  let line = 0;
  const x = leaf(0);
  for (const strict of [false, true]) {
    watched(strict, () => {
      const y = () => {
        line = next();
        return x.sqrt();
      };
      const { message } = throwsCode('NONFINITE', /^backward: sqrt returned NaN in the gradient of its input 0 \(anomaly/, () => y().mul(0).sum().backward());
      assert.match(message, new RegExp(`called at [^\\n]*anomaly\\.test\\.ts:${line}:`));
    });
  }
  watched(true, () => throwsCode('NONFINITE', /^backward: sqrt returned Infinity in the gradient of its input 0, the first/, () => x.sqrt().sum().backward()));
  assert.is(x.grad, null);
});

test('without strict, what PyTorch lets pass is said, once a line', () => {
  const x = leaf(0);
  const said = watched(false, () => {
    for (let i = 0; i < 3; i++) x.sqrt().sum().backward();
    for (let i = 0; i < 3; i++) tensor([0]).log().mul(2).exp();
  });
  assert.is(said.length, 2);
  assert.match(said[0] as string, /backward: sqrt returned Infinity/);
  assert.match(said[1] as string, /log: gave -Infinity.*called at .*anomaly\.test\.ts:\d+:\d+/);
  assert.is(x.grad?.item(), Number.POSITIVE_INFINITY);
});

test('infinity that the program asked for is none; NaN of its data is the data’s', () => {
  watched(true, () => {
    const scores = leaf(1, 2).maskedFill(tensor([true, false]), Number.NEGATIVE_INFINITY);
    assert.equal(scores.softmax(0).toArray(), [0, 1]);
    full([2], Number.POSITIVE_INFINITY).add(1).neg();
    throwsCode('NONFINITE', /softmax: gave NaN .*from infinite inputs/, () => full([2], Number.NEGATIVE_INFINITY).softmax(0));
    const data = tensor([Number.NaN, 1]);
    throwsCode('NONFINITE', /mul: gave NaN .*since its input 0, float32 \[2\], has NaN, which no op made.*look at the data/, () => data.mul(2));
    assert.equal(data.isnan().toArray(), [true, false]);
  });
});

test('profiling leaves the mode on, and ends with it', () => {
  watched(true, () => {
    scope(() => profile(() => tensor([1]).add(1), { steps: 1 }));
    throwsCode('NONFINITE', /log/, () => tensor([0]).log());
  });
  assert.is(tensor([0]).log().item(), Number.NEGATIVE_INFINITY);
});

test('a step of a model whose weights are finite passes, as does every optimizer', () => {
  const said = watched(true, () => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.LayerNorm(4), new nn.GELU(), new nn.Linear(4, 2));
    for (const Optimizer of [optim.Adam, optim.Adafactor, optim.RMSprop, optim.Adagrad, optim.RAdam]) {
      const optimizer = new Optimizer(model.parameters(), { lr: 0.01 });
      for (let i = 0; i < 3; i++) {
        optimizer.zeroGrad();
        nn.functional.crossEntropy(model.forward(ones([2, 3])), tensor([0, 1], { dtype: 'int32' })).backward();
        optimizer.step();
      }
    }
  });
  assert.equal(said, []);
});

test('frames of V8, Firefox and Safari', () => {
  const frames: [string, string | null][] = [
    ['    at train (file:///app/main.ts:12:5)', 'file:///app/main.ts:12:5'],
    ['    at async file:///app/main (copy).ts:12:5', 'file:///app/main (copy).ts:12:5'],
    ['    at Net.forward (C:\\app\\net.ts:3:7)', 'C:\\app\\net.ts:3:7'],
    ['    at http://localhost:8000/@scope/page.js?v=1:3:7', 'http://localhost:8000/@scope/page.js?v=1:3:7'],
    ['train@http://localhost:8000/@scope/page.js:3:7', 'http://localhost:8000/@scope/page.js:3:7'],
    ['@http://localhost:8000/page.js:3:7', 'http://localhost:8000/page.js:3:7'],
    ['async*train/<@http://localhost/page.js:3:7', 'http://localhost/page.js:3:7'],
    ['Error: at what', null],
    ['    at Array.map (<anonymous>)', null],
    ['map@[native code]', null],
  ];
  for (const [line, at] of frames) assert.is(frameOf(line)?.at ?? null, at, line);
});

test('arguments', () => {
  throwsCode('VALUE', /setDetectAnomaly: strict must be true or false/, () => autograd.setDetectAnomaly(true, { strict: 1 } as never));
  throwsCode('VALUE', /setDetectAnomaly: .*'check'/, () => autograd.setDetectAnomaly(true, { check: true } as never));
});

test.run();
