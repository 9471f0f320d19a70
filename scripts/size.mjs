// The budgets in package.json ("size-limit"): applications bundled into one file as a bundler does that splits nothing, minified, gzip;
// and files as they are. Needs `npm run build`. Exit code 1 where one is over.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const { 'size-limit': budgets } = JSON.parse(readFileSync('package.json', 'utf8'));
const alias = Object.fromEntries(
  ['/lean', '/relaxed', '/threads', '/worker', '/multiloss', '/nn', '/optim', '/linalg', '/flower', ''].map((entry) => [
    `gradloom${entry}`,
    `${process.cwd()}/dist/${entry.slice(1) || 'default'}.js`,
  ]),
);

/** An application as one minified file. */
export async function bundle(path) {
  const bundler = await rolldown({ input: path, resolve: { alias }, logLevel: 'warn' });
  const { output } = await bundler.generate({ format: 'esm', minify: true, codeSplitting: false });
  if (output.length !== 1) throw new Error(`${path}: ${output.length} files, expected one`);
  return output[0].code;
}

function main() {
  return Promise.all(
    budgets.map(async ({ name, path, beside, limit, gzip = true }) => {
      const sizeOf = async (file) => {
        const content = file.endsWith('.mjs') ? await bundle(file) : readFileSync(file);
        return gzip ? gzipSync(content, { level: 9 }).length : content.length;
      };
      const size = (await sizeOf(path)) - (beside ? await sizeOf(beside) : 0);
      const over = size > Number.parseFloat(limit) * 1000;
      console.log(`${over ? 'OVER' : 'ok  '} ${name.padEnd(40)} ${(size / 1000).toFixed(1).padStart(6)} kB of ${limit}${gzip ? ' gzip' : ''}`);
      return over;
    }),
  );
}

if (process.argv[1]?.endsWith('size.mjs')) process.exitCode = (await main()).includes(true) ? 1 : 0;
