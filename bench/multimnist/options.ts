// The command line of the bench.
import { Command } from 'commander';
import { parseArguments, positive, UsageError, whole } from '../../examples/digits/arguments.ts';
import { type Side, TRAINING_PAIRS } from './data.ts';
import { METHODS, type MethodRow } from './methods.ts';
import type { Setting } from './train.ts';

export interface Options extends Setting {
  readonly methods: readonly MethodRow[];
  readonly samples: number;
  readonly json: boolean;
}

function methods(text: string): readonly MethodRow[] {
  let pattern: RegExp;
  try {
    pattern = new RegExp(text);
  } catch {
    throw new UsageError(`--methods must be a regular expression, got '${text}'.`);
  }
  const rows = METHODS.filter(({ name }) => pattern.test(name));
  if (rows.length === 0) throw new UsageError(`--methods matches none of ${METHODS.map((row) => row.name).join(', ')}, got '${text}'.`);
  return rows;
}

function side(text: string): Side {
  if (text === '28') return 28;
  if (text === '36') return 36;
  throw new UsageError(`--side must be 28 or 36, got '${text}'.`);
}

/**
 * The options, or null where help was asked for and has been given.
 * @throws UsageError with one sentence about the first thing that is wrong
 */
export function readOptions(args: readonly string[]): Options | null {
  const names = METHODS.map((row) => `  ${row.name.padEnd(14)}${row.description}`).join('\n');
  const command = new Command('npm run bench:multimnist --')
    .description('Trains a LeNet to name two overlaid digits (Sener & Koltun 2018), by one multi-loss method after another.')
    .option('--methods <regex>', 'the methods whose names match; default all', methods, METHODS)
    .option('--epochs <n>', 'passes over the training pairs; default 3', whole('--epochs', 1), 3)
    .option('--samples <n>', 'train on the first n of 60000 pairs only, for a quick look', whole('--samples', 1, TRAINING_PAIRS), TRAINING_PAIRS)
    .option('--batch-size <n>', 'pairs per step; default 256', whole('--batch-size', 1), 256)
    .option('--lr <rate>', "Adam's learning rate at the start, falling to 0 in a straight line; default 0.005", positive('--lr'), 5e-3)
    .option('--seed <n>', 'seed of the weights and of the order of pairs; default 0', whole('--seed', 0), 0)
    .option('--side <n>', "default 28, the canvas shrunk as in the paper's program; 36, the canvas itself", side, 28)
    .option('--capture', 'record the step once and replay it', false)
    .option('--measure', 'measure conflict also where the method does not need it', false)
    .option('--json', 'the last line is {"<method>": {left, right, secondsPerEpoch, conflict, cosine}}', false)
    .configureHelp({ optionDescription: (option) => option.description })
    .addHelpText('after', `\nMethods:\n${names}\n\nThe same seed gives the same accuracy.`);
  return parseArguments<Options>(command, args);
}
