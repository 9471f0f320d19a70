// docs/*.md → pages/, what VitePress builds from: the same Markdown, with links out of docs/ led to pages of the repository's own files,
// a home page, the name of each error as an anchor, the button on the page about speed; and llms.txt.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { further, groups, missing, pages, root } from './nav.mjs';

const out = fileURLToPath(new URL('pages/', import.meta.url));
/** What a link out of docs/ may lead to: what the package ships. */
const shipped = /^(examples\/|bench\/README\.md$|README\.md$|[A-Z]+\.md$|LICENSE$)/;
const languages = { '.ts': 'ts', '.js': 'js', '.mjs': 'js', '.html': 'html', '.css': 'css', '.csv': 'csv', '.md': 'md', '.py': 'python', '.json': 'json' };
const written = new Set();

const write = (file, text) => {
  mkdirSync(dirname(join(out, file)), { recursive: true });
  writeFileSync(join(out, file), text);
};

/** The page of a file of the repository, written at its first mention; nothing where it does not ship. */
function ownPage(path) {
  if (!shipped.test(path) || !existsSync(join(root, path))) return undefined;
  let file = path;
  if (statSync(join(root, file)).isDirectory()) {
    const inside = ['README.md', 'main.ts'].find((name) => existsSync(join(root, file, name)));
    if (!inside) return listing(path);
    file = join(file, inside);
  }
  const page = `repository/${file.endsWith('.md') ? file.slice(0, -3) : file.replaceAll('.', '-')}`.replace(/README$/, 'about');
  if (!written.has(page)) {
    written.add(page);
    const text = readFileSync(join(root, file), 'utf8');
    if (file.endsWith('.md')) write(`${page}.md`, front({ search: false }) + relink(text, file, `${page}.md`));
    else source(page, file, text);
  }
  return page;
}

const front = (values) =>
  `---\n${Object.entries({ editLink: false, ...values })
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join('\n')}\n---\n\n`;

/** A page that shows a source file. */
function source(page, file, text) {
  const lines = text.split('\n');
  const shown = lines.length > 400 ? [...lines.slice(0, 400), '…'] : lines;
  write(
    `${page}.md`,
    `${front({ search: false, outline: false, prev: false, next: false })}# ${file}\n\n\`\`\`\`${languages[extname(file)] ?? 'txt'} source\n${shown.join('\n').trimEnd()}\n\`\`\`\`\n`,
  );
}

/** A page that lists the files of a folder. */
function listing(folder) {
  const page = `repository/${folder.replace(/\/$/, '')}/files`;
  if (!written.has(page)) {
    written.add(page);
    const files = readdirSync(join(root, folder), { withFileTypes: true }).filter((f) => f.isFile() && languages[extname(f.name)]);
    write(
      `${page}.md`,
      `${front({ search: false, outline: false })}# ${folder}\n\n${files.map(({ name }) => `- [${name}](${link(page, ownPage(join(folder, name)))})`).join('\n')}\n`,
    );
  }
  return page;
}

const link = (from, to) => {
  const path = relative(dirname(from), to);
  return path.startsWith('.') ? path : `./${path}`;
};

/** Markdown of the repository with its links led to the site's pages; fences stay as they are. */
function relink(text, file, page) {
  return text
    .split(/(^ *```[\s\S]*?^ *```)/m)
    .map((part, i) =>
      i % 2 ? part : part.replace(/(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g, (all, image, label, target) => relinked(all, image, label, target, file, page)),
    )
    .join('');
}

function relinked(all, image, label, target, file, page) {
  if (/^([a-z]+:|#)/.test(target)) return all;
  const [path, anchor] = target.split('#');
  const from = normalize(join(dirname(file), path)).replace(/\/$/, '');
  if (image) {
    mkdirSync(join(out, 'images'), { recursive: true });
    cpSync(join(root, from), join(out, 'images', from.replaceAll('/', '-')));
    return `![${label}](${link(page, join('images', from.replaceAll('/', '-')))})`;
  }
  const inDocs = from === 'docs' ? 'index' : /^docs\/(.*)\.md$/.exec(from)?.[1];
  if (inDocs && !existsSync(join(root, 'docs', `${inDocs}.md`)) && missing.includes(inDocs)) return label; // another's page, not here yet
  const to = inDocs ?? (from === 'README.md' ? 'index' : ownPage(from));
  if (!to && !existsSync(join(root, from))) throw new Error(`${file}: the link to ${target} leads nowhere`);
  return to ? `[${label}](${link(page, to)}${anchor ? `#${anchor}` : ''})` : label;
}

/** The first sentence of a page. */
function summary(text) {
  const paragraph = text.split(/\n\n/).find((part) => /^[\w`"]/.test(part) && !part.startsWith('```')) ?? '';
  const sentence = /^.*?[.:](?= |$)/.exec(paragraph.replace(/\s+/g, ' '))?.[0] ?? paragraph;
  return sentence.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/:$/, '.');
}

/** What a page of docs/ has on the site alone. */
const extra = {
  // | `SHAPE` | → an anchor of its own, #shape
  errors: (text) => text.replace(/^\| `([A-Z]+)` \|/gm, (_, code) => `| <a id="${code.toLowerCase()}" href="#${code.toLowerCase()}"><code>${code}</code></a> |`),
  speed: (text) => text.replace('<!-- run it here -->', '<ClientOnly><RunHere /></ClientOnly>'),
};

/** The home page: the README's sentence, its diff and its picture. */
function home() {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const sentence = /^# .*\n\n([\s\S]*?)\n\n/.exec(readme)?.[1]?.replace(/\s+/g, ' ').replaceAll('**', '');
  const change = /^## The change\n[\s\S]*?(?=^## )/m.exec(readme)?.[0];
  const methods = /^\| methods for several losses \| (\d+) \|/m.exec(readme)?.[1];
  if (!sentence || !change || !methods) throw new Error('README.md: the home page is made of its first sentence, its section "The change" and its count of methods');
  const yaml = {
    layout: 'home',
    hero: {
      name: 'gradloom',
      text: 'Several losses, one network',
      tagline: sentence,
      actions: [
        { theme: 'brand', text: 'Start', link: '/start-node' },
        { theme: 'alt', text: 'Several losses', link: '/multi-loss' },
        { theme: 'alt', text: 'From PyTorch', link: '/pytorch' },
      ],
    },
  };
  const more = `## What else

- [Losses that disagree](./multi-loss.md): \`diagnose\` says whether scale, direction or noise is the trouble; ${methods} methods have one interface.
- [PyTorch's names and meaning](./pytorch.md), in camelCase, compared with recorded answers of PyTorch. Weights go both ways.
- [Nothing to dispose of](./tensors.md): the body of a training loop frees what it made.
- [One package for every runtime](./start-page.md): Node, pages and Workers, Deno, Bun, Cloudflare. The same bits from the same seed.
`;
  write('index.md', front(yaml) + relink(change, 'README.md', 'index.md') + more);
}

/** The list of pages for language models, their Markdown, and all pages in one file. */
function llms() {
  const { description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const read = (page) => readFileSync(join(root, 'docs', `${page}.md`), 'utf8');
  const list = groups.map(({ text, pages: own }) => `## ${text}\n\n${own.map(([page, title]) => `- [${title}](/${page}.md): ${summary(read(page))}`).join('\n')}`);
  write(
    'public/llms.txt',
    `# gradloom\n\n> ${description}\n\n${list.join('\n\n')}\n\n## Reference\n\n- [API](/api/modules/gradloom.html): every public name, with shapes, errors and sources\n- [All pages in one file](/llms-full.txt)\n`,
  );
  write('public/llms-full.txt', `# gradloom\n\n> ${description}\n\n${pages.map(([page]) => read(page).trim()).join('\n\n')}\n`);
}

/** Writes pages/; returns how many there are in the navigation. */
export function assemble() {
  rmSync(out, { recursive: true, force: true });
  written.clear();
  home();
  for (const [page] of pages) {
    const text = relink(readFileSync(join(root, 'docs', `${page}.md`), 'utf8'), `docs/${page}.md`, `${page}.md`);
    write(`${page}.md`, extra[page]?.(text) ?? text);
  }
  llms();
  return { pages: pages.length + 1, own: written.size, missing, further };
}
