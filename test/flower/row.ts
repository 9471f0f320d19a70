// A row of the suite, and how its claims are made.

/** One test against a real SuperLink. */
export interface Row {
  name: string;
  /** Part of the short form. */
  short?: true;
  /** Waits for Flower's own limits of minutes. */
  slow?: true;
  /** Resolves to a note. */
  run(): Promise<string>;
}

/** Throws unless it is so. */
export function must(so: boolean, what: string, found?: unknown): asserts so {
  if (!so) throw new Error(found === undefined ? what : `${what}; found ${JSON.stringify(found, (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`);
}

/** Throws unless two numbers are within a tolerance. */
export function near(found: number, wanted: number, tolerance: number, what: string): void {
  must(Math.abs(found - wanted) <= tolerance, `${what}: wanted ${wanted} to ${tolerance}`, found);
}
