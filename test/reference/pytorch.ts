// The reference against PyTorch, both in float64.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { reference } from './engines.ts';
import { type At, difference, type Outcome, run, Session, type Step } from './program.ts';
import { isLeaf, met, nodeOf, type Ref, requires } from './tensor.ts';

/**
 * The beginning of a program on which PyTorch means the same. It ends before
 * - a pass that is refused: what PyTorch changed until then is its own affair;
 * - a write without gradients to what has views in the graph, also by a hook or as a `.grad`: PyTorch makes these views anew then, on the base, so
 *   that views between are no longer met;
 * - gradients of several tensors by `grad` after a hook: PyTorch gives one between as it was before its hooks where a later one is asked for too;
 * - several losses, or a write, after a leaf was frozen: pytorch.py does not go to frozen leaves, and what becomes of a leaf in a graph that is
 *   written to is an error there.
 */
function comparable(program: readonly Step[]): Step[] {
  const session = new Session(reference);
  const viewed = (at: At): boolean => {
    const t = session.tensors[at] as Ref;
    return session.tensors.some((v) => v.base && (v.memory === t.memory || v.memory === t.grad?.memory) && nodeOf(v));
  };
  const ends = (step: Step, before: readonly Step[]): boolean => {
    const frozen = before.some((s) => s.do === 'requiresGrad' && !s.on);
    switch (step.do) {
      case 'write':
        return step.noGrad ? viewed(step.x) : frozen && isLeaf(session.tensors[step.x] as Ref);
      case 'setGrad':
        return viewed(step.y) || requires(session.tensors[step.y] as Ref);
      case 'zeroGrad':
        return viewed(step.x);
      case 'grad':
        return step.inputs.length > 1 && before.some((s) => s.do === 'hook');
      case 'losses':
        return step.needs === 'gramian' && frozen;
      default:
        return step.do === 'postHook' && step.f === 'step' && viewed(step.x);
    }
  };
  for (const [i, step] of program.entries()) {
    if (ends(step, program.slice(0, i))) return program.slice(0, i);
    if (session.step(step) !== 'ok' && ['backward', 'grad', 'losses'].includes(step.do)) return program.slice(0, i);
  }
  return [...program];
}

/** What PyTorch refuses and the reference does not, by its words, and why that is no fault. */
const STRICTER = [
  'a second time', // which ops have something to free differs; and an op is run, for nothing, where its output is among `inputs`
  'modified by an inplace operation', // the same
  'a leaf Variable that requires grad is being used', // a view from before its base was part of a graph
];

/** Programs on which they differ, and where. */
export function onPyTorch(python: string, programs: readonly [number, Step[]][]): [number, string, Step[]][] {
  const cut = programs.map(([seed, program]): [number, Step[]] => [seed, comparable(program)]);
  const { stderr, stdout } = spawnSync(python, [fileURLToPath(new URL('pytorch.py', import.meta.url))], {
    input: cut.map(([, program]) => JSON.stringify(program)).join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  const outcomes = stdout.trim().split('\n');
  if (outcomes.length !== cut.length) {
    throw new Error(`${python} answered ${outcomes.length} of ${cut.length} programs, the next is seed ${cut[outcomes.length]?.[0]}. ${stderr}`);
  }
  return cut.flatMap(([seed, program], i) => {
    met.largest = 1;
    const right = run(program, reference);
    if (/NaN|Infinity/.test(outcomes[i] as string)) return [];
    const theirs = JSON.parse(outcomes[i] as string) as Outcome;
    if (theirs.steps.some((state, k) => right.steps[k] === 'ok' && STRICTER.some((words) => state.includes(words)))) return [];
    // A refusal is a refusal, whatever it says.
    const steps = theirs.steps.map((state, k) => (state !== 'ok' && right.steps[k] !== 'ok' ? (right.steps[k] as string) : state));
    const why = difference({ ...theirs, steps }, right, 1e-9 * met.largest);
    return why === null ? [] : [[seed, why, program] as [number, string, Step[]]];
  });
}
