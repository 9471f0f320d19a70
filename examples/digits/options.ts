// The command line: what may be said, and what is said back where it is wrong.
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { finite, parseArguments, positive, UsageError, whole } from './arguments.ts';
import { TRAINING_IMAGES } from './mnist.ts';
import { OPTIMIZERS, STRATEGIES, type StrategyRow } from './strategies.ts';

export interface Options {
  readonly strategies: readonly StrategyRow[];
  readonly epochs: number;
  /** Learning rate at the start, for every strategy; undefined: each optimizer's own. */
  readonly lr: number | undefined;
  readonly seed: number;
  /** Weight of the digit loss and of the image loss. */
  readonly lambda1: number;
  readonly lambda2: number;
  readonly threshold: number;
  readonly batchSize: number;
  readonly images: number;
  /** Path of the report. */
  readonly out: string;
  readonly json: boolean;
}

function strategies(text: string): readonly StrategyRow[] {
  const names = text.split(',').map((name) => name.trim());
  const rows = names.flatMap((name) => {
    if (name === 'all') return STRATEGIES;
    const row = STRATEGIES.find((s) => s.name === name);
    if (!row) throw new UsageError(`--strategy knows no '${name}'; take one of ${STRATEGIES.map((s) => s.name).join(', ')}, several with commas between them, or all.`);
    return row;
  });
  return [...new Set(rows)];
}

/** Checked before training: a report that cannot be written would only show at the end. */
function reportPath(text: string): string {
  const folder = dirname(resolve(text));
  if (text === '' || !statSync(folder, { throwIfNoEntry: false })?.isDirectory() || statSync(text, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--out must be a file in a folder that exists, got '${text}'.`);
  }
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new UsageError(`--out must be a file in a folder that may be written to, got '${text}'.`);
  }
  return text;
}

/** Optimizers with their default rates, as "Adam 0.003, SGD 0.1". */
const rates = Object.entries(OPTIMIZERS)
  .map(([name, { lr }]) => `${name} ${lr}`)
  .join(', ');

const strategyHelp = STRATEGIES.map((s) => `  ${s.name.padEnd(14)}${s.description} (${s.optimizer})`).join('\n');

/**
 * The options, or null where help was asked for and has been given.
 * @throws UsageError with one sentence about the first thing that is wrong
 */
export function readOptions(args: readonly string[]): Options | null {
  const command = new Command('npm start --')
    .description('Trains a network on MNIST with two losses at once: which digit it is (cross-entropy), and the image itself (mean squared error).')
    .option('--strategy <names>', 'one strategy, several with commas between them, or all', strategies, STRATEGIES)
    .option('--epochs <n>', 'passes over the training images', whole('--epochs', 1), 1)
    .option('--lr <rate>', `learning rate at the start, for every strategy (default: ${rates})`, positive('--lr'))
    .option('--batch-size <n>', 'images per step', whole('--batch-size', 1), 64)
    .option('--images <n>', 'train on the first n images only, for a quick look', whole('--images', 1, TRAINING_IMAGES), TRAINING_IMAGES)
    .option('--seed <n>', 'seed of the weights and of the order of images', whole('--seed', 0), 0)
    .option('--lambda1 <weight>', 'weight of the digit loss, where a strategy weighs', finite('--lambda1'), 0.5)
    .option('--lambda2 <weight>', 'weight of the image loss, where a strategy weighs', finite('--lambda2'), 0.5)
    .option('--threshold <loss>', 'phased trains the image while the digit loss is below this', positive('--threshold'), 0.2)
    .option('--out <file>', 'where to write the report', reportPath, 'report.html')
    .option('--json', 'print the table as one line of JSON and nothing else', false)
    .addHelpText('after', `\nStrategies:\n${strategyHelp}\n\nThe same seed gives the same numbers.`)
    .configureHelp({ optionDescription: describe });
  const given = parseArguments<Omit<Options, 'strategies'> & { strategy: Options['strategies'] }>(command, args);
  if (!given) return null;
  const { strategy, ...rest } = given;
  return { ...rest, strategies: strategy };
}

/** An option's line in the help: a default only where it is short. */
function describe(option: { description: string; defaultValue?: unknown }): string {
  const value = option.defaultValue === STRATEGIES ? 'all' : option.defaultValue;
  return value === undefined || value === false ? option.description : `${option.description} (default: ${value})`;
}
