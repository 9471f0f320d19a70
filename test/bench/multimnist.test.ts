// The bench on MultiMNIST, cut short: its data, that it learns, that a captured step gives the same, and what it says of bad arguments.
import { tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UsageError } from '../../examples/digits/arguments.ts';
import { readIdx } from '../../examples/digits/mnist.ts';
import { MultiMnist, type Side } from '../../bench/multimnist/data.ts';
import { METHODS } from '../../bench/multimnist/methods.ts';
import { readOptions } from '../../bench/multimnist/options.ts';
import { type Run, train } from '../../bench/multimnist/train.ts';

test('a pair is one digit at the upper left and another at the lower right, the lighter pixel where both are', () => {
  const pairs = new MultiMnist('t10k', 40, 36);
  const [x, left, right] = pairs.batch(tensor([7, 39], { dtype: 'int32' }));
  assert.equal([x.shape, left.shape, right.shape], [[2, 1, 36, 36], [2], [2]]);
  const [images, labels] = [readIdx('t10k-images-idx3-ubyte').bytes, readIdx('t10k-labels-idx1-ubyte').bytes];
  assert.equal([...left.data()], [labels[7], labels[39]]);
  const bytes = Array.from(x.data(), (v) => Math.round((v * 0.3081 + 0.1307) * 255));
  const at = (row: number, column: number): number => bytes[row * 36 + column] as number;
  const own = (row: number, column: number): number => images[7 * 784 + row * 28 + column] as number;
  // Where the other digit does not reach: the first digit's pixels; nothing in the corners and behind the second digit.
  for (let i = 0; i < 28; i++) assert.equal([at(3, i), at(i, 3)], [own(3, i), own(i, 3)]);
  for (let i = 0; i < 28; i++) for (let j = 0; j < 28; j++) assert.ok(at(i, j) >= own(i, j));
  for (let i = 0; i < 36; i++) assert.equal([at(35, i), at(i, 34)], [0, 0]);
  // What lies beyond the first digit belongs to one image of the part, of the class that is told.
  const partner = Array.from(labels.keys()).filter((k) =>
    [...Array(28).keys()].every((i) => at(30, 6 + i) === images[k * 784 + 24 * 28 + i] && at(6 + i, 29) === images[k * 784 + i * 28 + 23]),
  );
  assert.is(labels[partner[0] as number], right.data()[0]);
});

test('smaller sets are the beginning of larger ones, shrunk images their nearest pixels', () => {
  const first = (count: number, side: Side): number[] => [...(new MultiMnist('t10k', count, side).batch(tensor([2], { dtype: 'int32' }))[0].data() as Float32Array)];
  assert.equal(first(3, 28), first(30, 28));
  const [small, whole] = [first(3, 28), first(3, 36)];
  const along = (i: number): number => Math.floor(((i + 0.5) * 36) / 28);
  assert.equal(
    small,
    small.map((_, p) => whole[along(Math.floor(p / 28)) * 36 + along(p % 28)]),
  );
});

test('two methods learn in one short epoch, and a captured step gives the same', () => {
  const data = { training: new MultiMnist('train', 2000), test: new MultiMnist('t10k', 300) };
  const setting = { epochs: 1, batchSize: 16, lr: 5e-3, seed: 0, side: 28, measure: false } as const;
  for (const row of METHODS.filter(({ name }) => name === 'sum' || name === 'upgrad')) {
    const run = (capture: boolean): Run => train(row, data, { ...setting, capture }, () => {});
    const { accuracy, conflict, cosine } = run(false);
    // A guess names one of ten right.
    assert.ok(accuracy.left > 0.3 && accuracy.right > 0.3, `${row.name}: ${JSON.stringify(accuracy)}`);
    assert.equal([conflict === null, cosine === null], Array(2).fill(row.name === 'sum'));
    assert.equal(run(true).accuracy, accuracy);
  }
});

test('bad arguments are told in one sentence', () => {
  const says = (message: RegExp, ...args: string[]): void =>
    assert.throws(
      () => readOptions(args),
      (e: unknown) => e instanceof UsageError && message.test(e.message),
    );
  says(/--epochs must be a whole number ≥ 1, got '0'/, '--epochs', '0');
  says(/--samples must be a whole number from 1 to 60000, got '1e9'/, '--samples', '1e9');
  says(/--methods must be a regular expression, got '\('/, '--methods', '(');
  says(/--methods matches none of single-task, sum, .*got 'adam'/, '--methods', 'adam');
  says(/--side must be 28 or 36, got '32'/, '--side', '32');
  says(/unknown option '--sample' \(Did you mean --samples\?\)/, '--sample', '5');
  says(/every argument belongs to an option, got 'sum'/, 'sum');
  assert.equal(
    readOptions(['--methods', 'g.*um|norm'])?.methods.map((row) => row.name),
    ['gradnorm'],
  );
});

test.run();
