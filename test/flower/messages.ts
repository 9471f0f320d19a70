// npm run flower:messages: writes src/flower/generated anew from the descriptors inside flwr. Installs flwr and protoc-gen-es under build/flower.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { command, root } from '../runtimes/context.ts';
import { flower } from './superlink.ts';

const tools = join(root, 'build', 'flower', 'tools');
const plugin = join(tools, 'node_modules', '.bin', 'protoc-gen-es');
if (!existsSync(plugin)) {
  mkdirSync(tools, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(root, 'test', 'flower', 'tools', file), join(tools, file));
  command('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: tools });
}
console.log(command(join(flower(), 'bin', 'python'), [join(root, 'test', 'flower', 'messages.py'), plugin, join(root, 'src', 'flower', 'generated')]));
