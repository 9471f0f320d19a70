// What an operator computes of constants on the host is what it computes of tensors: every rule that has both, on the same numbers.
import { scope, type Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Attribute, Emitter, float } from '../../src/interop/onnx/emitter.ts';
import { asTensor, HostArray, list, tensorOf } from '../../src/interop/onnx/host.ts';
import { NodeView } from '../../src/interop/onnx/node.ts';
import type { Rule } from '../../src/interop/onnx/rules/rule.ts';
import { rules } from '../../src/interop/onnx/rules/table.ts';

/** Inputs of a node, and its attributes. */
type Case = readonly [inputs: readonly (HostArray | undefined)[], attributes?: Readonly<Record<string, Attribute>>];

const floats = (shape: readonly number[], ...values: number[]): HostArray => new HostArray(shape, Float32Array.from(values), 'float32');
const ints = (shape: readonly number[], ...values: number[]): HostArray => new HostArray(shape, values, 'int32');
const bools = (shape: readonly number[], ...values: number[]): HostArray => new HostArray(shape, values, 'bool');

const [real, whole, truth] = [floats([2, 3], -2.5, 0.1, 3, 7, -7, 0.75), ints([2, 3], -7, 7, 0, 5, -1, 2), bools([2, 3], 1, 0, 1, 1, 0, 0)];
const [column, wholeColumn, truthColumn] = [floats([2, 1], 1.3, -3), ints([2, 1], 3, -3), bools([2, 1], 1, 0)];
const positive = floats([4], 0.2, 2, 9, 1.5);
const one: readonly Case[] = [[[real]], [[whole]]];
const two: readonly Case[] = [[[real, column]], [[whole, wholeColumn]]];
const logical: readonly Case[] = [[[truth, truthColumn]]];
const compared: readonly Case[] = [...two, [[real, real]], [[whole, whole]]];
const several: readonly Case[] = [...two, [[floats([], 2), floats([], 4)]], [[real, column, floats([3], 5, -1, 2)]], [[real]]];
const reduced: readonly Case[] = [floats([4], 0.1, -2, 3, 0.7), ints([3], 4, -2, 7), floats([], 2.5)].flatMap((x): Case[] => [
  [[x]],
  [[x], { keepdims: 0 }],
  [[x, list([])], { keepdims: 0 }],
  [[x], { noop_with_empty_axes: 1 }],
  [[x, list([])], { noop_with_empty_axes: 1 }],
  ...(x.shape.length > 0 ? [[[x, list([-1])], { noop_with_empty_axes: 1, keepdims: 0 }] as Case, [[x], { axes: [0] }] as Case] : []),
]);
const box = ints([2, 3, 1], 0, 1, 2, 3, 4, 5);

/** By operator. Those that are the same code for both get numbers on which the branches differ. */
const CASES: Readonly<Record<string, readonly Case[]>> = {
  Abs: one,
  Add: two,
  And: logical,
  Cast: [real, whole, truth].flatMap((x) => [1, 6, 7, 9].map((to): Case => [[x], { to }])),
  Ceil: [[[real]]],
  Concat: [
    [[real, column], { axis: 1 }],
    [[whole, whole, whole], { axis: -2 }],
  ],
  Constant: [
    [[], { value_float: float(0.5) }],
    [[], { value_int: 3 }],
    [[], { value_ints: [1, 2] }],
  ],
  ConstantOfShape: [[[list([2, 0, 3])]], [[list([])]], [[list([3])]]],
  Div: [[[real, column]], [[whole, wholeColumn]]],
  Equal: compared,
  Expand: [[[column, list([1, 3])]], [[whole, list([2, 1, 1])]]],
  Flatten: [[[box]], [[box], { axis: 0 }], [[box], { axis: -1 }]],
  Floor: [[[real]]],
  Gather: [[[real, ints([2, 2], 0, -1, 1, 0)]], [[real, list([2, -3])], { axis: 1 }], [[whole, ints([], -1)], { axis: -1 }]],
  Greater: compared,
  GreaterOrEqual: compared,
  Identity: one,
  Less: compared,
  LessOrEqual: compared,
  Max: several,
  Mean: several.filter(([[x]]) => x?.dtype === 'float32'),
  Min: several,
  Mod: [...two, ...two.map(([x]): Case => [x, { fmod: 1 }]), [[floats([], -7), floats([], 3)], { fmod: 1 }]],
  Mul: two,
  Neg: one,
  Not: [[[truth]]],
  Or: logical,
  Pow: [[[positive, floats([], -1.5)]], [[whole, ints([], 2)]], [[ints([2], 2, 7), floats([], 1.5)]]],
  Range: [[[ints([], 2), ints([], 9), ints([], 3)]], [[floats([], 1), floats([], 0), floats([], -0.25)]]],
  ReduceMax: reduced,
  ReduceMin: reduced,
  ReduceProd: reduced,
  ReduceSum: reduced,
  Relu: [[[real]], [[whole]]],
  Reshape: [[[box, list([0, -1])]], [[real, list([6])]]],
  Shape: [[[box]], [[box], { start: 1 }], [[box], { start: -2, end: -1 }]],
  Size: one,
  Slice: [[[box, list([2]), list([-9]), list([1]), list([-1])]], [[real, list([0, 1]), list([2, 99])]], [[real, list([-2]), list([3]), list([-1])]]],
  Split: [
    [[real, list([1, 2])], { axis: 1 }],
    [[whole], { axis: -1, num_outputs: 2 }],
  ],
  Sqrt: [[[positive]]],
  Squeeze: [[[box]], [[box, list([-1])]]],
  Sub: two,
  Sum: several,
  Transpose: [[[box]], [[box], { perm: [2, 0, 1] }]],
  Unsqueeze: [[[real, list([0, -1])]], [[whole, list([1])]]],
  Where: [[[truthColumn, real, floats([], 9)]], [[truth, whole, wholeColumn]]],
  Xor: logical,
};

const tensors = (made: unknown): Tensor[] => (Array.isArray(made) ? made : [made]).map(asTensor);
const nodeOf = (op: string, [inputs, attributes]: Case): NodeView => {
  const e = new Emitter(() => [], null, []);
  e.many(
    op,
    inputs.map((x, i) => (x ? `x${i}` : '')),
    attributes ?? {},
    op === 'Split' ? 2 : 1,
  );
  return new NodeView(e.nodes[0] as never, 0, 18, false);
};

function assertSame(op: string, rule: Rule, given: Case): void {
  const node = nodeOf(op, given);
  const [inputs, attributes] = given;
  const said = `${op} ${JSON.stringify(attributes ?? {})} of ${inputs.map((x) => `${x?.dtype} [${x?.shape}]`).join(', ')}`;
  const onHost = tensors((rule.host as NonNullable<Rule['host']>)(node)(...inputs));
  const expected = tensors(rule.make(node, () => false)(...inputs.map((x) => x && tensorOf(x))));
  assert.equal(
    onHost.map((t) => [t.dtype, t.shape]),
    expected.map((t) => [t.dtype, t.shape]),
    said,
  );
  for (const [i, y] of expected.entries()) {
    const [a, b] = [(onHost[i] as Tensor).data(), y.data()].map((v) => Array.from(v as ArrayLike<number>, Number)) as [number[], number[]];
    // A power is good to a few units in the last place of float32; a product of several is rounded once here, each time there.
    for (const [k, v] of b.entries()) assert.ok(Math.abs((a[k] as number) - v) <= 5e-7 * Math.abs(v), `${said}: ${a} for ${b}`);
  }
}

for (const [op, rule] of Object.entries(rules) as [string, Rule][]) {
  if (!rule.host) continue;
  test(`${op} of constants is ${op} of tensors`, () => {
    assert.ok(CASES[op], `a case for ${op}`);
    for (const given of CASES[op] as readonly Case[]) scope(() => assertSame(op, rule, given));
  });
}

test.run();
