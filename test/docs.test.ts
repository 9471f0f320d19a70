// Every program in the guides runs as it stands: each block that imports the library, in a folder of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('..', import.meta.url));
const guides = readdirSync(join(root, 'docs')).filter((f) => f.endsWith('.md'));

/** Runs a program; resolves to what it wrote to stderr where it failed, else to null. */
function failure(program: string, name: string): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), 'gradloom-docs-'));
  const file = join(root, `docs-${name}.tmp.ts`);
  writeFileSync(file, program);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', join(root, 'node_modules/tsx/dist/esm/index.mjs'), file], {
      cwd: folder,
      env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let err = '';
    child.stderr.on('data', (d) => {
      err += d;
    });
    child.on('exit', (code) => {
      rmSync(file);
      rmSync(folder, { recursive: true });
      resolve(code === 0 ? null : err || `exit ${code}`);
    });
  });
}

for (const guide of guides) {
  const programs = [...readFileSync(join(root, 'docs', guide), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)]
    .map((m) => m[1] as string)
    .filter((p) => /^import .* from 'gradloom';/m.test(p));
  programs.forEach((program, i) => {
    test(`docs/${guide}, program ${i + 1}`, async () => {
      assert.is(await failure(program, `${guide}-${i + 1}`), null);
    });
  });
}

test.run();
