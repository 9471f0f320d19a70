// examples/shapes in Node: FILE EPOCHS ROWS. Says when it begins to train or goes on, and what it found.
import { storeIn, train } from './shapes/program.ts';

const [file, epochs, rows] = process.argv.slice(2);
const store = storeIn(file);
const reading = async (run) => {
  const from = await store.read(run);
  console.log(from ? 'resumes' : 'begins');
  return from;
};
const { hash, profile } = await train({ ...store, read: reading }, { line() {}, batch() {} }, { epochs: Number(epochs), rows: Number(rows) });
console.log(JSON.stringify({ hash, events: profile.trace.traceEvents.length }));
