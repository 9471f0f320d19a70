// Every link of the built site: the file is there, and so is the anchor. Returns those that lead nowhere.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const plain = (text) =>
  text
    .replace(/&amp;/g, '&')
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"');

/** @param {string} dist the folder of the site @returns {{ pages: number, links: number, dead: string[] }} */
export function checkLinks(dist) {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.html'));
  const ids = new Map();
  const idsOf = (file) => {
    if (!ids.has(file)) ids.set(file, new Set([...readFileSync(file, 'utf8').matchAll(/\s(?:id|name)="([^"]+)"/g)].map((m) => plain(m[1]))));
    return ids.get(file);
  };
  const dead = new Set();
  let links = 0;
  for (const file of files) {
    const html = readFileSync(join(dist, file), 'utf8').replace(/<script[\s\S]*?<\/script>/g, '');
    for (const [, raw] of html.matchAll(/<a\s[^>]*?href="([^"]*)"/g)) {
      const href = plain(raw);
      if (/^([a-z]+:|\/\/)/.test(href)) continue;
      links++;
      const [path, anchor] = href.split('#').map(decodeURIComponent);
      let target = path === '' ? join(dist, file) : path.startsWith('/') ? join(dist, path) : join(dist, dirname(file), path);
      if (existsSync(target) && statSync(target).isDirectory()) target = join(target, 'index.html');
      else if (!existsSync(target) && existsSync(`${target}.html`)) target += '.html';
      if (!existsSync(target)) dead.add(`${file}: ${href}`);
      else if (anchor && target.endsWith('.html') && !idsOf(target).has(anchor)) dead.add(`${file}: ${href} (no #${anchor} in ${relative(dist, target)})`);
    }
  }
  return { pages: files.length, links, dead: [...dead] };
}
