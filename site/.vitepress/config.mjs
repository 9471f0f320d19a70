import { fileURLToPath } from 'node:url';
import { transformerTwoslash } from '@shikijs/vitepress-twoslash';
import { defineConfig } from 'vitepress';
import { groups } from '../nav.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const types = (name) => [`${root}dist/${name}.d.ts`];

/** Whole programs for Node that import the library get hovers, and the build fails where one has a type error. */
const isProgram = (lang, code, { meta }) => lang === 'ts' && !meta?.__raw?.trim() && /^import .* from 'gradloom'/m.test(code);

/** Names and paths in a line of text may break behind / . _ and brackets, so that they fit narrow columns. */
function breakable(md) {
  const plain = md.renderer.rules.code_inline;
  md.renderer.rules.code_inline = (...all) => plain(...all).replace(/>([^<]+)</, (_, code) => `>${code.replace(/(\w{2}(?:[/._]|\((?=['\w]{3})))(?=['\w]{2})/g, '$1<wbr>')}<`);
}

export default defineConfig({
  title: 'gradloom',
  description: 'Train neural networks with several loss functions at once, anywhere JavaScript runs.',
  srcDir: 'pages',
  outDir: 'dist',
  cleanUrls: false,
  lastUpdated: false,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  ignoreDeadLinks: [/^\/api\//],
  markdown: {
    theme: { light: 'github-light', dark: 'github-dark' },
    config: breakable,
    codeTransformers: [
      transformerTwoslash({
        explicitTrigger: false,
        filter: isProgram,
        twoslashOptions: {
          compilerOptions: {
            target: 9,
            module: 99,
            moduleResolution: 100,
            lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
            types: ['node'],
            typeRoots: [`${root}node_modules/@types`],
            strict: true,
            skipLibCheck: true,
            baseUrl: root,
            paths: {
              gradloom: types('default'),
              'gradloom/nn/functional': types('functional'),
              'gradloom/*': types('*'),
            },
          },
        },
      }),
    ],
  },
  vite: {
    resolve: { alias: { gradloom: `${root}dist/default.js` } },
    server: { fs: { allow: [root] } },
    build: { chunkSizeWarningLimit: 1000 },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    nav: [
      { text: 'Start', link: '/start-node' },
      { text: 'Several losses', link: '/multi-loss' },
      { text: 'API', link: '/api/modules/gradloom.html', target: '_self' },
    ],
    sidebar: [
      ...groups.map(({ text, pages }) => ({ text, items: pages.map(([page, title]) => ({ text: title, link: `/${page}` })) })),
      { text: 'API reference', link: '/api/modules/gradloom.html', target: '_self' },
    ],
  },
});
