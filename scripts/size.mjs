// The budgets in package.json ("size-limit"): applications bundled into one file as a bundler does that splits nothing, minified, gzip;
// and files as they are. Needs `npm run build`. Exit code 1 where one is over.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const { 'size-limit': budgets } = JSON.parse(readFileSync('package.json', 'utf8'));
const alias = Object.fromEntries(['/lean', '/relaxed', '/threads', '/worker', ''].map((entry) => [`gradloom${entry}`, `${process.cwd()}/dist/${entry.slice(1) || 'default'}.js`]));

/** An application as one minified file. */
export async function bundle(path) {
  const bundler = await rolldown({ input: path, resolve: { alias }, logLevel: 'warn' });
  const { output } = await bundler.generate({ format: 'esm', minify: true, codeSplitting: false });
  if (output.length !== 1) throw new Error(`${path}: ${output.length} files, expected one`);
  return output[0].code;
}

let over = 0;
for (const { name, path, limit, gzip = true } of budgets) {
  const content = path.endsWith('.mjs') ? await bundle(path) : readFileSync(path);
  const size = gzip ? gzipSync(content, { level: 9 }).length : content.length;
  const allowed = Number.parseFloat(limit) * 1000;
  if (size > allowed) over++;
  console.log(`${size > allowed ? 'OVER' : 'ok  '} ${name.padEnd(44)} ${(size / 1000).toFixed(1).padStart(6)} kB of ${limit}${gzip ? ' gzip' : ''}`);
}
process.exitCode = over > 0 ? 1 : 0;
