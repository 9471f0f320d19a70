// What every target needs: the library packed and installed in a folder of its own, the tools, and processes that end.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const here = join(root, 'test', 'runtimes');

/** What a run reports; times in milliseconds where the runtime's clock runs. */
export interface Outcome {
  hash: string;
  importMs?: number;
  firstStepMs?: number;
  version?: string;
  note?: string;
}

/** Thrown where something is missing here: the row is skipped, with the reason. */
export class Missing extends Error {}

/** One row of the table. */
export interface Target {
  name: string;
  run(): Promise<Outcome>;
}

/** What a command prints; its error says that too. */
export function command(file: string, args: readonly string[], options: { cwd?: string; timeout?: number; env?: NodeJS.ProcessEnv } = {}): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    encoding: 'utf8',
    timeout: options.timeout ?? 120_000,
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
  });
  if (status !== 0) throw new Error(`${file} ${args.join(' ').slice(0, 200)} → ${error?.message ?? status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** The last line of JSON that a program printed. */
export function jsonLine<T>(text: string): T {
  const line = text.split('\n').findLast((l) => l.startsWith('{'));
  if (!line) throw new Error(`the program reported nothing: ${text}`);
  return JSON.parse(line) as T;
}

const tools = new Map<string, string | Missing>();

/** A folder of test/runtimes/tools. */
export type Group = 'runtimes' | 'bundlers' | 'parcel';

/** Installs a group of tools once into build/runtimes; returns the folder that holds its node_modules. */
export function toolsOf(group: Group): string {
  let found = tools.get(group);
  if (!found) {
    found = install(group);
    tools.set(group, found);
  }
  if (found instanceof Missing) throw found;
  return found;
}

function install(group: string): string | Missing {
  const folder = join(root, 'build', 'runtimes', group);
  const stamp = join(folder, 'node_modules', '.gradloom-stamp');
  const lock = readFileSync(join(here, 'tools', group, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return folder;
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(here, 'tools', group, file), join(folder, file));
  console.log(`installing ${group} into build/runtimes …`);
  try {
    // Not `npm ci`: it insists on packages for other platforms, which a registry may lack.
    command('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder, timeout: 400_000 });
  } catch (error) {
    const said = /npm error (?!code)(.*)/.exec((error as Error).message)?.[1] ?? (error as Error).message.split('\n')[0];
    return new Missing(`npm could not install ${group}: ${said}`);
  }
  writeFileSync(stamp, wanted);
  return folder;
}

/** A tool's file inside a group; where npm left it out (another platform), the row is skipped. */
export function tool(group: Group, ...path: string[]): string {
  const file = join(toolsOf(group), 'node_modules', ...path);
  if (!existsSync(file)) throw new Missing(`${path[0]} has no build for ${process.platform}-${process.arch}`);
  return file;
}

/** The version of an installed package. */
export function versionIn(group: Group, name: string): string {
  return (JSON.parse(readFileSync(tool(group, name, 'package.json'), 'utf8')) as { version: string }).version;
}

let home = '';

/** A project outside of the repository with the packed library installed from its tarball, and the suite's programs. */
export function project(): string {
  if (home) return home;
  home = mkdtempSync(join(tmpdir(), 'gradloom-runtimes-'));
  process.on('exit', () => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));
  const tarball = (JSON.parse(command('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', home])) as [{ filename: string }])[0].filename;
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }');
  try {
    command('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(home, tarball)], { cwd: home });
  } catch {
    // Without a registry: unpacked by hand.
    const modules = join(home, 'node_modules');
    mkdirSync(join(modules, 'gradloom'), { recursive: true });
    command('tar', ['-xzf', join(home, tarball), '-C', join(modules, 'gradloom'), '--strip-components=1']);
    console.log('npm could not install the tarball: it was unpacked by hand.');
  }
  cpSync(join(here, 'apps'), home, { recursive: true });
  copyFileSync(join(here, 'smoke.mjs'), join(home, 'smoke.mjs'));
  const text = readFileSync(join(here, 'smoke.mjs'), 'utf8');
  writeFileSync(join(home, 'smoke.cjs'), `${text.replace(/^export (const|function)/gm, '$1')}\nmodule.exports = { HASH, smoke };\n`);
  return home;
}

const children = new Map<ChildProcess, NodeJS.Signals>();
const end = (child: ChildProcess, signal: NodeJS.Signals): void => {
  children.delete(child);
  try {
    process.kill(-(child.pid as number), signal); // its group: browsers have many processes
  } catch {}
};
process.on('exit', () => {
  for (const [child, signal] of children) end(child, signal);
});

/** A program that runs beside the suite; what it prints is kept for errors. */
interface Background {
  stop(): void;
  output(): string;
  /** When it has ended, by itself or by `stop`. */
  readonly ended: Promise<void>;
}

/** Runs a program beside the suite until `stop`. `signal`: what ends it. */
export function background(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, signal: NodeJS.Signals = 'SIGKILL', cwd = project()): Background {
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  children.set(child, signal);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = `${output}${chunk}`.slice(-5000);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => resolve());
    child.on('error', (error) => {
      output += error.message;
      resolve();
    });
  });
  return { stop: () => end(child, signal), output: () => output, ended };
}
