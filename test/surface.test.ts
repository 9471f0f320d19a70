// Nothing is public without a row in the tables, and nothing in src/ops is left out by accident.
import { readdirSync, readFileSync } from 'node:fs';
import * as gradloom from 'gradloom';
import { multiloss, nn, optim } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { modules, optimizers, schedulers } from './conformance/names.ts';
import { METHODS, makers } from './multiloss/makers.ts';
import { methods } from './multiloss/methods.ts';

type Class = { readonly prototype: object };
const classesOf = (namespace: object): [string, Class][] => Object.entries(namespace).filter((e): e is [string, Class] => /^[A-Z]/.test(e[0]) && typeof e[1] === 'function');
const isA = ({ prototype }: Class, base: Class): boolean => Object.prototype.isPrototypeOf.call(base.prototype, prototype);
const without = (names: string[], rows: ReadonlySet<string>): string[] => names.filter((name) => !rows.has(name));

test('every function that src/ops exports is public, or marked @internal', () => {
  const folder = new URL('../src/ops/', import.meta.url);
  const places = [gradloom, nn.functional, gradloom.Tensor.prototype, ...Object.values(gradloom).filter((value) => typeof value === 'object')];
  const isPublic = (name: string): boolean => places.some((place) => name in place);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const hidden = files.flatMap((file) => {
    const exported = readFileSync(new URL(file, folder), 'utf8').matchAll(/^(?:(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n)?(?:\/\/.*\n)*export (?:function|const) (\w+)/gm);
    return [...exported].filter(([, text = '', name = '']) => !text.includes('@internal') && !isPublic(name)).map(([, , name]) => `${file}: ${name}`);
  });
  assert.equal(hidden, [], 'name them in src/index.ts or src/api/functional.ts, or mark them @internal');
});

test('every layer and loss has a row that is compared with PyTorch', () => {
  // Random (test/nn/dropout.test.ts), or made of what they are given (test/module/containers.test.ts, test/peers/nn-sequences.rows.ts).
  const others = /^(Dropout\w*|TransformerEncoder|TransformerDecoder|Sequential|ModuleList|ModuleDict|ParameterList|ParameterDict)$/;
  const names = classesOf(nn).flatMap(([name, c]) => (isA(c, nn.Module) && !others.test(name) ? [`nn.${name}`] : []));
  assert.ok(names.length > 70);
  assert.equal(without(names, new Set(Object.keys(modules))), [], 'in test/conformance/*names.ts');
});

test('every optimizer and scheduler has a row that is compared with PyTorch', () => {
  const made = classesOf(optim).flatMap(([name, c]) => (isA(c, optim.Optimizer) ? [name] : []));
  assert.ok(made.length > 10);
  assert.equal(without(made, new Set(Object.keys(optimizers))), [], 'in test/conformance/names.ts');
  // The base; what takes functions or schedulers (test/optim/schedulers.test.ts).
  const others = /^(LRScheduler|LambdaLR|MultiplicativeLR|ChainedScheduler)$/;
  const rates = classesOf(optim.lrScheduler).flatMap(([name]) => (others.test(name) ? [] : [name]));
  assert.equal(without(rates, new Set(Object.keys(schedulers))), [], 'in test/conformance/names.ts');
});

test('every multi-loss method has a row, and one with its claims where it looks at gradients', () => {
  assert.ok(METHODS.length > 40);
  assert.equal(without(METHODS, new Set(Object.keys(makers))), [], 'in test/multiloss/makers.ts');
  // Functions that make no method of others: conditions and plans, what runs, measures and changes gradients; constrain and weighted make classes that have rows.
  const makeNone = /^(above|below|afterSteps|allOf|anyOf|plateau|alternate|phases|applyCombiner|backward|diagnose|gramian|jacobian|reverseGrad|scaleGrad|constrain|weighted)$/;
  const wrappers = Object.entries(multiloss).flatMap(([name, value]) => (/^[a-z]/.test(name) && typeof value === 'function' && !makeNone.test(name) ? [name] : []));
  assert.ok(wrappers.length >= 5);
  assert.equal(without(wrappers, new Set(Object.keys(makers).map((row) => row.split('(')[0] as string))), [], 'in test/multiloss/makers.ts');
  const classOf = (row: string): string => (/^\w+/.exec(row) as RegExpExecArray)[0];
  const claimed = new Set(methods.map(({ name }) => classOf(name)));
  const onGradients = Object.entries(makers).flatMap(([row, make]) => (make().needs === 'losses' ? [] : [classOf(row)]));
  assert.equal(without(onGradients, claimed), [], 'in test/multiloss/methods.ts');
});

test.run();
