// docs/names.md: PyTorch's names and ours, from the tables that the conformance runner goes by. `npm run names` writes it.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as gradloom from 'gradloom';
import { absent } from './absent.ts';
import { camelCase, type Row } from './bind.ts';
import { modules, operators, optimizers, schedulers } from './names.ts';

type Space = Readonly<Record<string, unknown>>;
const { nn, optim, linalg } = gradloom;

/** Where our functions stand, the names that programs write most first. */
const functions: readonly (readonly [prefix: string, space: Space])[] = [
  ['', gradloom],
  ['linalg.', linalg],
  ['nn.functional.', nn.functional],
];

const isFunction = (value: unknown): value is (...args: never[]) => unknown => typeof value === 'function';
const isClass = (value: unknown): boolean => isFunction(value) && /^class\b/.test(Function.prototype.toString.call(value));

/** Where an operator of PyTorch's name would stand: the namespace as there, else the flat name. */
function namesake(name: string): string | undefined {
  const words = name.split('.').map(camelCase);
  const own = words.at(-1) as string;
  const prefix = words.length > 1 ? `${words.slice(0, -1).join('.')}.` : '';
  const spaces = [...functions].sort(([a], [b]) => Number(b === prefix) - Number(a === prefix));
  const [found] = spaces.find(([, space]) => isFunction(space[own])) ?? [];
  return found === undefined ? undefined : `${found}${own}`;
}

/** What a row calls: the function itself, one of PyTorch's name, or those that its text names. */
function called(name: string, [, run]: Row): string {
  const same = namesake(name);
  for (const [prefix, space] of functions) {
    const [own] = Object.entries(space).find(([, value]) => value === run) ?? [];
    if (own !== undefined) return same?.endsWith(`.${own}`) ? same : `${prefix}${own}`;
  }
  if (same) return same;
  const text = Function.prototype.toString.call(run).replace(/\s+/g, ' ');
  const parts = [...text.matchAll(/\b(?:g|gradloom|F|functional|linalg)\.([a-z]\w*)\(/g)].map((m) => m[1] as string);
  if (parts.length === 0) throw new Error(`${name}: no function of ours stands in its row. Name what to write in BY_HAND.`);
  return [...new Set(parts)].join(', ');
}

const BY_HAND: Readonly<Record<string, string>> = {
  T: 'x.T',
  __getitem__: 'x.index, x.select, x.slice',
  __rmatmul__: 'matmul',
  std_mean: 'std, mean',
  trapz: 'trapezoid',
  var: 'variance',
  var_mean: 'variance, mean',
};

/** Lines of a table of two columns. */
const table = (rows: readonly (readonly [string, string])[]): string => ['| PyTorch | gradloom |', '| --- | --- |', ...rows.map(([a, b]) => `| ${a} | ${b} |`)].join('\n');
const code = (names: string): string =>
  names
    .split(', ')
    .map((name) => `\`${name}\``)
    .join(', ');
const byName = (rows: readonly (readonly [string, string])[]): (readonly [string, string])[] => [...rows].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** Classes of a namespace that the table does not name: PyTorch's names are the same. */
const classes = (space: Space, prefix: string, named: Readonly<Record<string, unknown>>): [string, string][] =>
  [
    ...new Set([
      ...Object.keys(named),
      ...Object.keys(space)
        .filter((name) => isClass(space[name]))
        .map((name) => `${prefix}${name}`),
    ]),
  ].map((name) => [code(name), code(name)]);

/** Functions of nn.functional that no case is recorded for. */
const further = (): [string, string][] => {
  const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  const known = new Set(Object.keys(operators));
  return Object.keys(nn.functional)
    .filter((name) => isFunction((nn.functional as Space)[name]) && !/WithIndices$/.test(name))
    .map((name): [string, string] => [`nn.functional.${snake(name)}`, `nn.functional.${name}`])
    .filter(([name]) => !known.has(name))
    .map(([a, b]) => [code(a), code(b)]);
};

/** The whole page. */
export function page(): string {
  const ops = byName([...Object.entries(operators).map(([name, row]): [string, string] => [code(name), code(BY_HAND[name] ?? called(name, row))]), ...further()]);
  return `# PyTorch's names

Names are PyTorch's in camelCase, options objects or positions in PyTorch's order. This page is made of the tables that the recorded cases run by (\`npm run names\` writes it again; a test
compares it). Where several names stand at the right, the operator is what these make in a line. Most operators are methods of tensors too. What behaves otherwise is
in [pytorch.md](pytorch.md).

## Not offered, and why

| what | names | instead |
| --- | --- | --- |
${absent.map(({ reason, names, instead = '' }) => `| ${reason} | ${names.map((n) => `\`${n}\``).join(', ')} | ${instead} |`).join('\n')}

## Operators (${ops.length})

${table(ops)}

## Modules

${table(byName(classes(nn as Space, 'nn.', modules)))}

## Optimizers

${table(byName(classes(optim as Space, 'optim.', Object.fromEntries(Object.keys(optimizers).map((name) => [`optim.${name}`, null])))))}

## Schedulers

${table(byName(classes(optim.lrScheduler as Space, 'optim.lrScheduler.', Object.fromEntries(Object.keys(schedulers).map((name) => [`optim.lrScheduler.${name}`, null])))).map(([a, b]) => [a.replace('lrScheduler', 'lr_scheduler'), b] as const))}
`;
}

/** Where the page lies. */
export const PAGE = fileURLToPath(new URL('../../docs/names.md', import.meta.url));

if (process.argv[1]?.endsWith('page.ts')) writeFileSync(PAGE, page());
