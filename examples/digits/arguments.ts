// Reading a command line: numbers with their bounds, and one sentence where something is wrong.
import { type Command, CommanderError } from 'commander';

/** A mistake on the command line: its message is all that the user needs. */
export class UsageError extends Error {}

/** A parser that accepts decimal numbers for which `accept` holds. */
function number(flag: string, what: string, accept: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value) || !accept(value)) throw new UsageError(`${flag} must be ${what}, got '${text}'.`);
    return value;
  };
}

export const whole = (flag: string, low: number, high = Number.MAX_SAFE_INTEGER): ((text: string) => number) =>
  number(flag, high === Number.MAX_SAFE_INTEGER ? `a whole number ≥ ${low}` : `a whole number from ${low} to ${high}`, (v) => Number.isSafeInteger(v) && v >= low && v <= high);
export const finite = (flag: string): ((text: string) => number) => number(flag, 'a finite number', () => true);
export const positive = (flag: string): ((text: string) => number) => number(flag, 'a finite number above 0', (v) => v > 0);

/**
 * The command's options, or null where help was asked for and has been given.
 * @throws UsageError with one sentence about the first thing that is wrong
 */
export function parseArguments<Options extends object>(command: Command, args: readonly string[]): Options | null {
  try {
    command
      .helpOption('-h, --help', 'show this and exit')
      .allowExcessArguments()
      .configureOutput({ writeErr: () => {} })
      .exitOverride()
      .parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    // "error: unknown option '--epoch'", and on a line of its own "(Did you mean --epochs?)".
    throw new UsageError(`${error.message.replace(/^error: /, '').replace('\n', ' ')}.`);
  }
  if (command.args.length > 0) throw new UsageError(`every argument belongs to an option, got '${command.args[0]}' alone.`);
  return command.opts<Options>();
}
