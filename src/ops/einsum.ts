// Sums of products named by letters. Each pair of operands becomes one batched matrix product.
import { assertTensors } from '../tensor/check.ts';
import { GradloomError, shapeText, valueText } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul } from './binary.ts';
import { bmm } from './matmul.ts';
import { permute, reshape } from './movement.ts';
import { expand, sum } from './reduce.ts';
import { diagonal } from './triangle.ts';

/** A tensor with a name for each dimension: a letter, or `.0`, `.1`, … counted from the right for what `...` stands for. */
interface Named {
  x: Tensor;
  names: readonly string[];
}

const fail = (equation: string, what: string): GradloomError => new GradloomError('VALUE', 'einsum', `'${equation}': ${what}`);

/** Names of a subscript like `b...ij` for a tensor of that rank. */
function namesOf(equation: string, subscript: string, rank: number): string[] {
  const parts = subscript.split('...');
  if (parts.length > 2 || !/^[A-Za-z]*$/.test(parts.join(''))) throw fail(equation, `'${subscript}' is no list of letters with at most one '...'.`);
  const hidden = rank - parts.join('').length;
  if (hidden < 0 || (parts.length === 1 && hidden > 0)) throw fail(equation, `'${subscript}' names other dimensions than a tensor of rank ${rank} has. Add letters, or '...'.`);
  const dots = parts.length === 2 ? Array.from({ length: hidden }, (_, i) => `.${hidden - 1 - i}`) : [];
  return [...(parts[0] as string), ...dots, ...(parts[1] ?? '')];
}

/** A letter that stands twice means the diagonal. */
function withoutRepeats({ x, names }: Named): Named {
  const second = names.findIndex((name, i) => names.indexOf(name) < i);
  if (second < 0) return { x, names };
  const name = names[second] as string;
  const first = names.indexOf(name);
  return withoutRepeats({ x: diagonal(x, { dim1: first, dim2: second }), names: [...names.filter((_, i) => i !== first && i !== second), name] });
}

/** Sums over what is not wanted. */
function onlyWanted({ x, names }: Named, wanted: ReadonlySet<string>): Named {
  const dim = names.flatMap((name, i) => (wanted.has(name) ? [] : [i]));
  return dim.length === 0 ? { x, names } : { x: sum(x, { dim }), names: names.filter((n) => wanted.has(n)) };
}

/** Dimensions in the order of the names. */
const ordered = ({ x, names }: Named, order: readonly string[]): Tensor =>
  permute(
    x,
    order.map((name) => names.indexOf(name)),
  );

/** The product of two, summed over the names that they share and nobody wants any more. */
function contract(a: Named, b: Named, wanted: ReadonlySet<string>, size: (name: string) => number): Named {
  const shared = a.names.filter((n) => b.names.includes(n));
  const [batch, summed] = [shared.filter((n) => wanted.has(n)), shared.filter((n) => !wanted.has(n))];
  const [left, right] = [a.names.filter((n) => !shared.includes(n)), b.names.filter((n) => !shared.includes(n))];
  const count = (names: readonly string[]): number => names.reduce((n, name) => n * size(name), 1);
  const [p, l, s, r] = [count(batch), count(left), count(summed), count(right)];
  const block = (t: Named, order: readonly string[], shape: number[]): Tensor => reshape(expand(ordered(t, order), order.map(size)), shape);
  const [u, v] = [block(a, [...batch, ...left, ...summed], [p, l, s]), block(b, [...batch, ...summed, ...right], [p, s, r])];
  const names = [...batch, ...left, ...right];
  return { x: reshape(summed.length === 0 ? mul(u, v) : bmm(u, v), names.map(size)), names };
}

/**
 * Einstein's summation: `einsum('bij,bjk->bik', x, y)` multiplies what shares letters and sums over those that the result does not name.
 * Without `->` the result has the letters that stand once, in alphabetical order; `...` stands for further dimensions, which broadcast.
 *
 * @throws VALUE where the equation does not fit the tensors
 */
export function einsum(equation: string, ...operands: readonly Tensor[] | readonly [readonly Tensor[]]): Tensor {
  if (typeof equation !== 'string') throw new GradloomError('VALUE', 'einsum', `the equation must be text such as 'ij,jk->ik', got ${valueText(equation)}.`);
  const tensors = (Array.isArray(operands[0]) && operands.length === 1 ? operands[0] : operands) as readonly Tensor[];
  assertTensors('einsum', tensors);
  const [inputs = '', output, ...more] = equation.replace(/\s/g, '').split('->');
  if (more.length > 0) throw fail(equation, "has more than one '->'.");
  const subscripts = inputs.split(',');
  if (subscripts.length !== tensors.length || tensors.length === 0) throw fail(equation, `names ${subscripts.length} tensors, got ${tensors.length}.`);
  const parts = tensors.map((x, i): Named => ({ x, names: namesOf(equation, subscripts[i] as string, x.rank) }));

  const sizes = new Map<string, number>();
  for (const { x, names } of parts) {
    for (const [i, name] of names.entries()) {
      const first = x.sizes[names.indexOf(name)] as number;
      if (first !== x.sizes[i]) throw fail(equation, `${name} stands for sizes ${first} and ${x.sizes[i]} of one tensor (${shapeText(x.sizes)}).`);
      const [before, n] = [sizes.get(name) ?? 1, x.sizes[i] as number];
      if (before !== n && before !== 1 && n !== 1) throw fail(equation, `${name.replace(/^\..*/, '...')} is ${before} in one place and ${n} in another (${shapeText(x.sizes)}).`);
      sizes.set(name, before === 1 ? n : before);
    }
  }
  const size = (name: string): number => sizes.get(name) as number;
  const all = parts.flatMap(({ names }) => names);
  const hidden = [...sizes.keys()].filter((n) => n.startsWith('.')).sort((a, b) => Number(b.slice(1)) - Number(a.slice(1)));
  const once = [...new Set(all)].filter((n) => !n.startsWith('.') && all.indexOf(n) === all.lastIndexOf(n)).sort();
  const result = output === undefined ? [...hidden, ...once] : output.split('...').flatMap((letters, i) => [...(i > 0 ? hidden : []), ...letters]);
  const strange = result.find((n, i) => !sizes.has(n) || result.indexOf(n) !== i);
  if (strange !== undefined) throw fail(equation, `the result names ${strange}, which no tensor has, or which it names twice.`);

  // What is wanted behind operand i: by the result, or by an operand still to come.
  const wantedAfter = (i: number): Set<string> => new Set([...result, ...parts.slice(i + 1).flatMap(({ names }) => names)]);
  let folded = onlyWanted(withoutRepeats(parts[0] as Named), wantedAfter(0));
  for (let i = 1; i < parts.length; i++) {
    const wanted = wantedAfter(i);
    const next = onlyWanted(withoutRepeats(parts[i] as Named), new Set([...wanted, ...folded.names]));
    folded = onlyWanted(contract(folded, next, wanted, size), wanted);
  }
  return expand(ordered(folded, result), result.map(size));
}
