// A program on the library against the reference, and the shortest program that still differs.
import { scope } from 'gradloom';
import { library, reference } from './engines.ts';
import { difference, run, type Step } from './program.ts';
import { met } from './tensor.ts';

/** What differs between library and reference, or null. */
export function check(program: readonly Step[]): string | null {
  met.largest = 1;
  const right = run(program, reference);
  // float32 keeps 6e-8 of each number, and sums of a few dozen products lose a hundredfold of that at the worst.
  const tolerance = 1e-5 * met.largest;
  const warn = console.warn;
  console.warn = () => {};
  try {
    return scope(() => difference(run(program, library), right, tolerance));
  } finally {
    console.warn = warn;
  }
}

/** Leaves out steps as long as the program still differs; one that made a tensor gives way to a constant. */
export function shorten(program: readonly Step[]): Step[] {
  let best = [...program];
  for (let i = best.length - 1; i >= 0; i--) {
    const without = best.toSpliced(i, 1);
    if (!makes(best[i] as Step) && check(without)) best = without;
  }
  while (best.length > 1 && check(best.slice(0, -1))) best = best.slice(0, -1);
  return best;
}

const makes = ({ do: what }: Step): boolean => ['leaf', 'unary', 'binary', 'matmul', 'sum', 'view', 'clone', 'detach', 'grad', 'takeGrad'].includes(what);
