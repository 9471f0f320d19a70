// The parts of Node that are used here, which Deno and Bun have as well.
import { GradloomError } from '../tensor/errors.ts';

/** A program that was started. */
export interface Child {
  readonly stdin: { unref?(): void; end(): void };
  on(event: 'error', listener: (error: Error) => void): unknown;
  unref(): void;
}

/** What of `node:fs` is used. */
export interface FileSystem {
  mkdtempSync(prefix: string): string;
  openSync(path: string, flags: string): number;
  closeSync(file: number): void;
  writeSync(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  rmSync(path: string, options: { recursive: true; force: true }): void;
}

interface Modules {
  'node:child_process': { spawn(file: string, args: readonly string[], options: { detached: boolean; stdio: readonly string[] }): Child };
  'node:fs': FileSystem;
  'node:os': { hostname(): string; tmpdir(): string };
}

/** What of `process` is used. */
export interface Process {
  readonly env: Record<string, string | undefined>;
  readonly pid: number;
  readonly ppid: number;
  exitCode?: number | string | null | undefined;
  on(event: 'exit', listener: (code: number) => void): unknown;
  getBuiltinModule?<Name extends keyof Modules>(name: Name): Modules[Name] | undefined;
}

/** The process that this program is. */
export function processOf(op: string): Process {
  const { process } = globalThis as { process?: Process };
  if (process?.getBuiltinModule) return process;
  throw new GradloomError('RUNTIME', op, 'MPI needs Node ≥ 20.16, Deno ≥ 2.1 or Bun ≥ 1.2.');
}

/** A module of Node's. */
export function builtin<Name extends keyof Modules>(op: string, name: Name): Modules[Name] {
  const found = processOf(op).getBuiltinModule?.(name);
  if (found) return found;
  throw new GradloomError('RUNTIME', op, `this runtime has no ${name}.`);
}
