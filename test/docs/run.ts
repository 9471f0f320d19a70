// Runs the Node programs of one page one after another, in a folder of their own; a child of docs.test.ts. Prints a line of JSON for each.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { pathToFileURL } from 'node:url';

/** What a program printed, and what ended it before its time. */
export interface Ran {
  printed: string[];
  error: string | null;
}

const folder = mkdtempSync(join(tmpdir(), 'gradloom-docs-'));
process.chdir(folder);
const write = process.stdout.write.bind(process.stdout);
for (const file of process.argv.slice(2)) {
  const ran: Ran = { printed: [], error: null };
  console.log = (...args) => {
    ran.printed.push(...format(...args).split('\n'));
  };
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    ran.error = (error as Error).stack ?? String(error);
  }
  write(`${JSON.stringify(ran)}\n`);
}
process.chdir(tmpdir());
rmSync(folder, { recursive: true, force: true });
