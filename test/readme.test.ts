// The README's program runs as it stands.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the program in the README prints two finite losses a step', () => {
  const program = /```ts\n([\s\S]*?)```/.exec(readFileSync(`${root}/README.md`, 'utf8'))?.[1] ?? '';
  const file = `${root}/readme-program.tmp.ts`;
  writeFileSync(file, program);
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', file], { cwd: root, encoding: 'utf8' });
    assert.is(status, 0, stderr);
    const numbers = stdout.trim().split(/\s+/).map(Number);
    assert.is(numbers.length, 12);
    assert.ok(numbers.every(Number.isFinite));
  } finally {
    rmSync(file);
  }
});

test.run();
