// From a program on which two engines differ to one that a reader can follow.
import { reference } from './engines.ts';
import { type At, Session, type Step } from './program.ts';

const MAKES = ['leaf', 'unary', 'binary', 'matmul', 'sum', 'view', 'clone', 'detach', 'takeGrad'];

/** The step with its tensors renamed. */
function renamed(step: Step, at: (old: At) => At): Step {
  const copy: Record<string, unknown> = { ...step };
  for (const key of ['x', 'y', 'root']) if (typeof copy[key] === 'number') copy[key] = at(copy[key] as At);
  for (const key of ['roots', 'inputs', 'losses']) if (Array.isArray(copy[key])) copy[key] = (copy[key] as At[]).map(at);
  return copy as Step;
}

const uses = (step: Step, t: At): boolean => {
  let found = false;
  renamed(step, (old) => {
    if (old === t) found = true;
    return old;
  });
  return found;
};

/** Programs that are one step shorter or simpler. */
function* simpler(program: readonly Step[]): Generator<Step[]> {
  const session = new Session(reference);
  const made = program.map((step) => {
    const first = session.tensors.length;
    session.step(step);
    return { first, count: session.tensors.length - first };
  });
  for (let i = program.length - 1; i >= 0; i--) {
    const [step, { count, first }] = [program[i] as Step, made[i] as (typeof made)[number]];
    if (count === 0) yield program.toSpliced(i, 1);
    else if (!program.some((s) => [...Array(count).keys()].some((k) => uses(s, first + k)))) {
      yield program.toSpliced(i, 1).map((s) => renamed(s, (old) => (old > first ? old - count : old)));
    } else if (step.do !== 'leaf' && MAKES.includes(step.do)) {
      const before = new Session(reference);
      for (const s of program.slice(0, i + 1)) before.step(s);
      const t = before.tensors[first];
      if (t) yield program.toSpliced(i, 1, { do: 'leaf', shape: [...t.shape], data: t.values, requiresGrad: reference.requiresGrad(t) });
    }
  }
}

/** The shortest program that is found to differ still. `differ`: which of some programs do. */
export function shorten(program: readonly Step[], differ: (programs: Step[][]) => boolean[]): Step[] {
  let best = [...program];
  for (;;) {
    const candidates = [...simpler(best)];
    const at = differ(candidates).indexOf(true);
    if (at < 0) return best;
    best = candidates[at] as Step[];
  }
}
