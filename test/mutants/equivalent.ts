// Mutants that no test can tell from the code as it is, each with the reason. Known by the line, before and after.

export interface Equivalent {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export const equivalents: readonly Equivalent[] = [];
