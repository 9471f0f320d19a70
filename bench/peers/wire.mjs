// A peer's line to the bench in Node: questions on stdin, answers on stdout, one JSON object a line. In a page wire.page.mjs stands for it
// (`browser` in package.json).
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What the peer was started with. */
export const args = process.argv.slice(2);

/** The bytes of a file that the bench wrote. */
export async function bytesOf(file) {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** Greets, then gives each question's answer until the bench has ended. */
export async function converse(greeting, answerTo) {
  // Libraries greet on stdout, which belongs to the answers.
  console.log = console.info = console.warn = console.error;
  const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  say(greeting);
  for await (const line of createInterface({ input: process.stdin })) say(await answerTo(JSON.parse(line)));
}
