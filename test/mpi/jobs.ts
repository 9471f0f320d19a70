// Jobs of MPI: the launchers that this machine has (or Debian brings), a project with the packed library and koffi, and runs that end.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildSync } from 'esbuild';
import { until } from '../helpers.ts';
import { command, jsonLine, Missing, project as packed, root, tool } from '../runtimes/context.ts';
import { bun } from '../runtimes/processes.ts';

export { jsonLine, Missing };

/** An MPI and how its launcher is called. */
export interface Flavour {
  readonly name: 'Open MPI' | 'MPICH';
  /** Its Debian package. */
  readonly debian: string;
  readonly commands: readonly string[];
  readonly mark: RegExp;
  readonly options: readonly string[];
}

export const FLAVOURS: readonly Flavour[] = [
  {
    name: 'Open MPI',
    debian: 'openmpi-bin',
    commands: ['mpirun.openmpi', 'mpirun'],
    mark: /Open MPI|OpenRTE|PRRTE/,
    options: ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'],
  },
  { name: 'MPICH', debian: 'mpich', commands: ['mpirun.mpich', 'mpirun'], mark: /HYDRA|MPICH/, options: [] },
];

const found = new Map<Flavour, string | Missing>();

function look({ commands, mark }: Flavour): string | undefined {
  return commands.find((name) => mark.test(spawnSync(name, ['--version'], { encoding: 'utf8' }).stdout ?? ''));
}

/** Brings what is missing from Debian, where this user may. */
function install(flavours: readonly Flavour[]): string {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) return 'install it, or run as root on Debian';
  console.log(`installing ${flavours.map((f) => f.debian).join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { env, timeout: 120_000 });
  const { status, stderr } = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...flavours.map((f) => f.debian)], {
    env,
    encoding: 'utf8',
    timeout: 300_000,
  });
  return status === 0 ? '' : `apt-get could not install it: ${stderr?.split('\n')[0]}`;
}

/** The command of a launcher. */
export function launcher(flavour: Flavour): string {
  if (found.size === 0) {
    const absent = FLAVOURS.filter((f) => !look(f));
    const why = absent.length > 0 ? install(absent) : '';
    for (const f of FLAVOURS) found.set(f, look(f) ?? new Missing(`${f.name} is not here: ${why}`));
  }
  const command = found.get(flavour) as string | Missing;
  if (command instanceof Missing) throw command;
  return command;
}

let home = '';

/** The project of the runtimes' suite with koffi and this suite's programs. */
export function project(): string {
  if (home) return home;
  const folder = join(root, 'build', 'mpi');
  if (!existsSync(join(folder, 'node_modules', 'koffi'))) {
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(root, 'test', 'mpi', file), join(folder, file));
    try {
      command('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder, timeout: 200_000 });
    } catch (error) {
      throw new Missing(`npm could not install koffi: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  const made = packed();
  cpSync(join(folder, 'node_modules'), join(made, 'node_modules'), { recursive: true });
  home = made;
  const apps = join(root, 'test', 'mpi', 'apps');
  for (const name of readdirSync(apps)) bundled(join(apps, name));
  return home;
}

/** Puts a program into the project, in one file with what it shares with other programs here, by its name there. */
export function bundled(file: string): string {
  const name = basename(file);
  buildSync({ entryPoints: [file], outfile: join(project(), name), bundle: true, format: 'esm', target: 'es2022', packages: 'external', tsconfigRaw: '{}', logLevel: 'error' });
  return name;
}

const arch = { x64: 'x64', arm64: 'arm64' }[process.arch as 'x64'] ?? process.arch;

/** What runs a program in each runtime. Deno's binary itself: MPICH hands ranks a file descriptor, which a script around it would lose. */
export const RUNTIMES = {
  node: (): string[] => [process.execPath],
  deno: (): string[] => [tool('runtimes', '@deno', `${process.platform}-${arch}${process.platform === 'linux' ? '-glibc' : ''}`, 'deno'), 'run', '-A'],
  bun: (): string[] => [bun()],
};

/** What came of a job. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
  readonly seconds: number;
}

/** Runs a command to its end. `meanwhile`: called with each piece that it prints. `limit`: seconds until it is killed, which is a failure. */
export function run(file: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv; limit?: number; meanwhile?: (output: string) => void } = {}): Promise<Ended> {
  const { env = {}, limit = 120, meanwhile } = options;
  const start = performance.now();
  // Open MPI gives ranks a terminal, and runtimes print colours there. Watchdogs have their files in TMPDIR, which tells whose they are.
  const child = spawn(file, args, { cwd: project(), env: { ...process.env, NO_COLOR: '1', TMPDIR: project(), ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk) => {
    output += chunk;
    meanwhile?.(output);
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    const end = (): void => {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {}
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error(`${file} ${args.join(' ')} did not end within ${limit} s\n${output}\n${errors}`.slice(0, 5000)));
    }, limit * 1000);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output, errors, seconds: (performance.now() - start) / 1000 });
    });
  });
}

/** Starts a program on some ranks, in one runtime or in several: `[['node', 2], ['deno', 1]]`. */
export function job(
  flavour: Flavour,
  ranks: number | readonly (readonly [runtime: keyof typeof RUNTIMES, ranks: number])[],
  program: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<Ended> {
  const groups = typeof ranks === 'number' ? ([['node', ranks]] as const) : ranks;
  const [name, ...words] = program;
  const parts = groups.map(([runtime, n]) => ['-n', String(n), ...RUNTIMES[runtime](), join(project(), name as string), ...words]);
  return run(launcher(flavour), [...flavour.options, ...parts.flatMap((part, i) => (i === 0 ? part : [':', ...part]))], options);
}

/** Throws where a job did not end well. */
export function succeeded(ended: Ended): Ended {
  if (ended.code !== 0) throw new Error(`the job ended with code ${ended.code}\n${ended.output}\n${ended.errors}`);
  return ended;
}

/** The last line of JSON that each rank printed. */
export const jsonLines = <T>({ output }: Ended): T[] =>
  output
    .split('\n')
    .filter((l) => l.startsWith('{'))
    .map((l) => JSON.parse(l) as T);

/** Command lines of all processes but this one, with their ids. */
function processes(): string[] {
  // What is no Linux has ps.
  if (!existsSync('/proc/self/cmdline')) return command('ps', ['-axwwo', 'pid=,command=']).split('\n');
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
      } catch {
        return [];
      }
    });
}

/** Throws where a process of the project's programs, or a watchdog of theirs, is still there after a few seconds. */
export async function nothingLeft(): Promise<void> {
  const folder = project();
  const left = (): string[] => processes().filter((line) => line.includes(folder));
  await until(
    () =>
      `these end: ${left()
        .map((line) => line.slice(0, 120))
        .join('; ')}`,
    15,
    () => left().length === 0,
  );
}
