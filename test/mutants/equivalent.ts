// Mutants that no test can tell from the code as it is, each with the reason. Known by the line, before and after.

export interface Equivalent {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export const equivalents: readonly Equivalent[] = [
  {
    file: 'src/autograd/walk.ts',
    before: 'const asked = measured?.(leaf, ids) ?? false;',
    after: 'const asked = measured?.(leaf, ids) ?? true;',
    why: 'what nobody asks for is measured too: the same answers, later',
  },
  {
    file: 'src/autograd/rows.ts',
    before: 'const pairs = (k * (k + 1)) / 2;',
    after: 'const pairs = (k * (k + 2)) / 2;',
    why: 'the cost of one way beside another that gives the same numbers',
  },
  {
    file: 'src/autograd/rows.ts',
    before: 'return gram + rows * rows * width * k + pairs * rows * width < k * gradient + pairs * leaf.size;',
    after: 'return gram + rows * rows / width * k + pairs * rows * width < k * gradient + pairs * leaf.size;',
    why: 'as above',
  },
  {
    file: 'src/autograd/rows.ts',
    before: 'const k = cotangents.sizes[0] as number;',
    after: 'const k = cotangents.sizes[1] as number;',
    why: 'as above, of what is kept',
  },
  {
    file: 'src/autograd/anomaly.ts',
    before: 'const FRAMES = 50;',
    after: 'const FRAMES = 51;',
    why: "deep enough for a program's line either way",
  },
  {
    file: 'src/autograd/pass.ts',
    before: 'return this.#mine !== null && storage.owner === this.#mine && storage.holds === 1 && t.size * 4 === storage.bytes && t.isContiguous();',
    after: 'return this.#mine !== null && storage.owner === this.#mine && storage.holds === 1 && t.size / 4 === storage.bytes && t.isContiguous();',
    why: 'a copy is made where the memory could have been kept',
  },
];
