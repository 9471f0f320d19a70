// The reference against PyTorch, both in float64.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { reference } from './engines.ts';
import { difference, type Outcome, run, type Step } from './program.ts';
import { met } from './tensor.ts';

/** Programs on which they differ, and where. */
export function onPyTorch(python: string, programs: readonly [number, Step[]][]): [number, string, Step[]][] {
  // What PyTorch changed before it refused a pass is its own affair: programs end before.
  const cut = programs.map(([seed, program]): [number, Step[]] => {
    const { steps } = run(program, reference);
    const at = program.findIndex((step, i) => steps[i] !== 'ok' && ['backward', 'grad', 'losses'].includes(step.do));
    return [seed, at < 0 ? program : program.slice(0, at)];
  });
  const { stderr, stdout } = spawnSync(python, [fileURLToPath(new URL('pytorch.py', import.meta.url))], {
    input: cut.map(([, program]) => JSON.stringify(program)).join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  const outcomes = stdout.trim().split('\n');
  if (outcomes.length !== cut.length) throw new Error(`${python} answered ${outcomes.length} of ${cut.length} programs, the next is seed ${cut[outcomes.length]?.[0]}. ${stderr}`);
  return cut.flatMap(([seed, program], i) => {
    met.largest = 1;
    const right = run(program, reference);
    const theirs = JSON.parse(outcomes[i] as string) as Outcome;
    // Which ops have something to free differs.
    if (theirs.steps.some((state) => state.includes('a second time'))) return [];
    // A refusal is a refusal, whatever it says.
    const steps = theirs.steps.map((state, k) => (state !== 'ok' && right.steps[k] !== 'ok' ? (right.steps[k] as string) : state));
    const why = difference({ ...theirs, steps }, right, 1e-9 * met.largest);
    return why === null ? [] : [[seed, why, program] as [number, string, Step[]]];
  });
}
