// Every function and method that takes one tensor, or two alike, and gives one: as models.
import * as gradloom from 'gradloom';
import { nn, noGrad, rand, Tensor } from 'gradloom';

type Fn = (...tensors: Tensor[]) => unknown;

/** Not called: they change what they get, run for long or forever, or start something. */
const LEFT_OUT = new Set(['capture', 'gradcheck', 'gradgradcheck', 'init', 'keep', 'run', 'dispose', 'requiresGrad_', 'release', 'evaluate']);

const candidates: [name: string, call: Fn][] = [
  ...Object.entries(gradloom).map(([name, fn]) => [name, fn] as const),
  ...Object.entries(nn.functional).map(([name, fn]) => [`F.${name}`, fn] as const),
  ...Object.getOwnPropertyNames(Tensor.prototype)
    .filter((name) => name !== 'constructor' && !name.endsWith('_') && typeof Object.getOwnPropertyDescriptor(Tensor.prototype, name)?.value === 'function')
    .map((name) => [`x.${name}`, (x: Tensor, ...rest: Tensor[]) => (x as unknown as Record<string, Fn>)[name]?.call(x, ...rest)] as const),
].filter(([name, fn]) => typeof fn === 'function' && !/^[A-Z]/.test(name.replace(/^.*\./, '')) && !LEFT_OUT.has(name.replace(/^.*\./, ''))) as [string, Fn][];

/** A function as a model. */
export class Of extends nn.Module {
  readonly #fn: Fn;
  constructor(fn: Fn) {
    super();
    this.#fn = fn;
  }
  forward(...tensors: Tensor[]): unknown {
    return this.#fn(...tensors);
  }
}

/** Those that take these tensors and give another that is float32. */
export function functionsOf(...tensors: Tensor[]): [name: string, model: Of][] {
  return candidates.flatMap(([name, call]) => {
    try {
      const y = noGrad(() => call(...tensors));
      if (y instanceof Promise) y.catch(() => {});
      return y instanceof Tensor && !tensors.includes(y) && y.dtype === 'float32' ? [[`${name} of ${tensors.length}`, new Of(call)] as [string, Of]] : [];
    } catch {
      return []; // takes other arguments
    }
  });
}

/** Inputs of one and of two tensors, within the domain of most functions. */
export const INPUTS: readonly Tensor[][] = [[rand([3, 4]).mul(0.8).add(0.1)], [rand([3, 4]).mul(0.8).add(0.1), rand([3, 4]).mul(0.8).add(0.1)]];

/** What draws: its numbers are the runtime's own. */
export const DRAWS = /dropout|bernoulli|randLike|randnLike|normal|poisson|multinomial|rrelu/i;
