// Two overlaid digits, two losses, one method after another: `npm run bench:multimnist -- --help`.
import { UsageError } from '../../examples/digits/arguments.ts';
import { printJson, table } from '../table.ts';
import { MultiMnist, TEST_PAIRS } from './data.ts';
import { METHODS, TASKS } from './methods.ts';
import { type Options, readOptions } from './options.ts';
import { type Run, train } from './train.ts';

const HEAD = ['method', ...TASKS, ...TASKS.map((task) => `${task} in paper`), 's/epoch', 'conflict', 'mean cosine'];

const percent = (share: number): string => (100 * share).toFixed(2);

function rowOf({ method, accuracy, secondsPerEpoch, conflict, cosine }: Run): string[] {
  const paper = METHODS.find(({ name }) => name === method)?.paper;
  return [
    method,
    ...TASKS.map((task) => percent(accuracy[task])),
    ...TASKS.map((_, i) => paper?.[i]?.toFixed(2) ?? ''),
    secondsPerEpoch.toFixed(1),
    conflict === null ? '' : `${(100 * conflict).toFixed(1)} %`,
    cosine === null ? '' : cosine.toFixed(3),
  ];
}

function run(options: Options): void {
  const { samples, side, epochs, batchSize, lr, seed } = options;
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const setting = `${samples} pairs, ${side} × ${side} pixels, epochs: ${epochs}, batches of ${Math.min(batchSize, samples)}, Adam ${lr} falling to 0, seed ${seed}${options.capture ? ', captured' : ''}`;
  say(setting);
  const data = { training: new MultiMnist('train', samples, side), test: new MultiMnist('t10k', TEST_PAIRS, side) };
  const runs = options.methods.map((row) => {
    const result = train(row, data, options, ({ epoch, losses, seconds }) => {
      const means = Array.from(losses, ([task, loss]) => `${task} ${loss.toFixed(4)}`).join(', ');
      say(`${row.name.padEnd(12)} epoch ${epoch}/${epochs}, ${seconds.toFixed(1)} s, mean losses: ${means}`);
    });
    say(`${row.name.padEnd(12)} test accuracy: ${TASKS.map((task) => `${task} ${percent(result.accuracy[task])} %`).join(', ')}`);
    return result;
  });
  console.log(`Test accuracy in percent of ${TEST_PAIRS} pairs. ${setting}\n\n${table(HEAD, runs.map(rowOf))}`);
  if (options.json) printJson(Object.fromEntries(runs.map(({ method, accuracy, ...rest }) => [method, { ...accuracy, ...rest }])));
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options) run(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message} See: npm run bench:multimnist -- --help`);
  process.exitCode = 2;
}
