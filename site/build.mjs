// `npm run site`: the site in site/dist. Its tools are installed here, from the lock file beside it; what is missing is said.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const run = (command, args, cwd) => {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`site: ${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
    process.exit(1);
  }
};

const stamp = `${here}node_modules/.gradloom-stamp`;
const wanted = createHash('sha256')
  .update(readFileSync(`${here}package-lock.json`))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  run('npm', ['ci', '--prefix', here, '--no-audit', '--no-fund', '--prefer-offline'], here);
  writeFileSync(stamp, wanted);
}

const { assemble } = await import('./assemble.mjs');
const { pages, own, missing, further } = assemble();
if (missing.length > 0) console.log(`site: not there yet, left out: ${missing.join(', ')}`);
if (further.length > 0) console.log(`site: not in nav.mjs, so under "More": ${further.join(', ')}`);
run(process.execPath, [`${here}node_modules/vitepress/bin/vitepress.js`, 'build', here], here);
run('npx', ['typedoc', '--out', `${here}dist/api`, '--options', `${here}typedoc.json`], `${here}..`);

const { checkLinks } = await import('./links.mjs');
const { pages: files, links, dead } = checkLinks(`${here}dist`);
for (const link of dead) console.error(`dead link: ${link}`);
console.log(`site: ${pages} pages, ${own} of the repository's own files, ${files} files of HTML with the API; ${links} links, ${dead.length} dead → site/dist`);
process.exit(dead.length > 0 ? 1 : 0);
