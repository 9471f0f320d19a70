// Methods: every one refuses arguments that it does not take.
import { GradloomError, ones, Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from './helpers.ts';

const names = Object.getOwnPropertyNames(Tensor.prototype).filter((name) => {
  const { value } = Object.getOwnPropertyDescriptor(Tensor.prototype, name) as PropertyDescriptor;
  return typeof value === 'function' && name !== 'constructor';
});
// Of the class itself: they only read.
const plain = ['isContiguous', 'toJSON', 'describe', 'toString', 'noRoom', 'dispose'];

test('none passes over an argument too many', () => {
  assert.ok(names.length > 100);
  for (const name of names.filter((n) => !plain.includes(n))) {
    const x = ones([2, 2]) as unknown as Record<string, (...a: unknown[]) => unknown>;
    assert.throws(
      () => x[name]?.(0, 1, 2, 3, 4, 5, 6, {}),
      (e: unknown) => e instanceof GradloomError && e.message.startsWith(name.replace(/_$/, '')),
      name,
    );
  }
  throwsCode('VALUE', /relu: takes at most 1 argument, got 2/, () => (ones([1]).relu as (o: object) => Tensor)({ inplace: true }));
});

test('flags are flags', () => {
  throwsCode('VALUE', /requiresGrad must be true or false/, () => {
    ones([1]).requiresGrad = 1 as never;
  });
  throwsCode('VALUE', /requiresGrad/, () => tensor([1]).requiresGrad_('yes' as never));
});

test.run();
