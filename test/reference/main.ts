// Random programs on the library and on the reference, and on PyTorch where PYTHON names one that has it:
//
//   npm run programs -- --seed 1 --count 20000
//   PYTHON=… npm run programs -- --seed 1 --count 2000
import { parseArgs } from 'node:util';
import { check } from './check.ts';
import { generate } from './generate.ts';
import { onPyTorch } from './pytorch.ts';
import type { Step } from './program.ts';
import { shorten } from './shorten.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '20000' }, show: { type: 'string', default: '5' } } });
const [first, count, show] = [Number(values.seed), Number(values.count), Number(values.show)];
const python = process.env.PYTHON;
let [agree, differ] = [0, 0];
const tell = (seed: number, why: string, program: readonly Step[]): void => {
  if (++differ > show) return;
  console.log(`seed ${seed}: ${why}`);
  program.forEach((step, i) => {
    console.log(`   ${i}  ${JSON.stringify(step)}`);
  });
};
const programs: [number, Step[]][] = [];
for (let seed = first; seed < first + count; seed++) {
  const program = generate(seed);
  const why = check(program);
  if (why === null) agree++;
  else {
    const short = differ < show ? shorten(program, (list) => list.map((p) => check(p) !== null)) : program;
    tell(seed, `library: ${check(short) ?? why}`, short);
  }
  if (python) programs.push([seed, program]);
}
if (python) {
  for (const [seed, why, program] of onPyTorch(python, programs)) {
    const differs = (list: Step[][]): boolean[] => {
      const found = new Set(
        onPyTorch(
          python,
          list.map((p, i) => [i, p]),
        ).map(([i]) => i),
      );
      return list.map((_, i) => found.has(i));
    };
    const short = differ < show ? shorten(program, differs) : program;
    tell(seed, `PyTorch: ${onPyTorch(python, [[seed, short]])[0]?.[1] ?? why}`, short);
  }
}
console.log(`${agree} of ${count} programs agree with the reference${python ? `, ${differ} differences in all` : ''}`);
process.exit(differ > 0 ? 1 : 0);
