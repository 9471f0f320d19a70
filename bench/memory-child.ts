// Trains one model in a process of its own and prints what it holds as JSON: `memory-child.ts <model> <eager|captured> <early> <late>`.
import { memory } from 'gradloom';
import { dataOf } from './data.ts';
import { stepOf } from './steps.ts';
import { type Work, WORKS } from './works.ts';

const [model, who, early, late] = process.argv.slice(2);
const work = WORKS.find((w) => w.name === model) as Work;

const before = memory().live;
const step = stepOf(work, dataOf(work), who === 'captured');
let done = 0;
const holds = (steps: number): { live: number; reserved: number } => {
  for (; done < steps; done++) step();
  return memory();
};
const first = holds(Number(early));
const last = holds(Number(late));
memory({ resetPeak: true });
step();

// Weights, Adam's two means of each and the batch stand throughout; the rest of the peak is what a step needs.
const standing = work.inputs.reduce((bytes, { name, shape }) => bytes + shape.reduce((a, b) => a * b, 4) * (/weight$|bias$/.test(name) ? 3 : 1), 0);
console.log(JSON.stringify({ first, last, peak: memory().peak - before - standing }));
