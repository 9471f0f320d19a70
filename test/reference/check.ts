// A program on the library against the reference.
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
