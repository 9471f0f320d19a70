// Trains a digit network with two losses under each strategy, and compares them: `npm start`, `npm start -- --help`.
import { writeFileSync } from 'node:fs';
import { UsageError } from './arguments.ts';
import { loadDigits } from './mnist.ts';
import { type Options, readOptions } from './options.ts';
import { reportPage } from './report.ts';
import { progressBar, summary, table } from './terminal.ts';
import { type Run, train } from './train.ts';

/** Prints the given text where people read it: with --json, stdout is for the JSON line alone. */
function sayer({ json }: Options): (text: string) => void {
  if (!json) return (text) => console.log(text);
  return process.stderr.isTTY ? (text) => console.error(text) : () => {};
}

/** The table's rows; numbers that are not finite become null. */
function toJson(runs: readonly Run[]): string {
  return JSON.stringify(runs.map(({ strategy, loss1, loss2, accuracy, seconds, stepsPerSecond }) => ({ strategy, loss1, loss2, accuracy, seconds, stepsPerSecond })));
}

function run(options: Options): void {
  const say = sayer(options);
  const data = loadDigits(options.images);
  const count = (n: number): string => n.toLocaleString('en');
  const steps = Math.ceil(data.training.length / options.batchSize);
  say('A 784-256-128 trunk with two heads, trained on handwritten digits.');
  say('digit loss: cross-entropy of the 10 classes.');
  say('image loss: mean squared error of the 784 pixels.');
  say(
    `${count(data.training.length)} training images, ${count(data.test.length)} test images. ${options.epochs} × ${steps} steps of ${options.batchSize} images, seed ${options.seed}.\n`,
  );

  const runs: Run[] = [];
  for (const row of options.strategies) {
    const bar = progressBar(row.name, process.stderr);
    const result = train(row, data, options, bar.update);
    bar.stop();
    say(summary(result));
    runs.push(result);
  }

  writeFileSync(options.out, reportPage(runs, options));
  say(`\n${table(runs)}\n\nLoss curves: ${options.out}`);
  if (options.json) console.log(toJson(runs));
}

// Whoever closes the pipe early (`| head`) has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
try {
  const options = readOptions(process.argv.slice(2));
  if (options) run(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message} See: npm start -- --help`);
  process.exitCode = 2;
}
