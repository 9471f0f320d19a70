// A real Flower SuperLink, started by its own command from PyPI's package, and runs on it, started by `flwr run`.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, until } from '../helpers.ts';
import { command, Missing, root } from '../runtimes/context.ts';

/** The version of flwr that is tested; src/flower/fleet.ts has it too. */
export const FLWR = '1.42.0';
const venv = process.env['FLOWER_VENV'] ?? join(root, 'build', 'flower', 'venv');
let ready: Missing | true | undefined;

/** The virtual environment with flwr, made once. @throws Missing */
export function flower(): string {
  ready ??= install();
  if (ready instanceof Missing) throw ready;
  return venv;
}

function install(): Missing | true {
  const installed = (): boolean => existsSync(join(venv, 'bin', 'flower-superlink')) && existsSync(join(venv, 'lib')) && version() === FLWR;
  try {
    if (installed()) return true;
  } catch {}
  console.log(`installing flwr ${FLWR} into ${venv.startsWith(root) ? venv.slice(root.length) : venv} …`);
  try {
    command(process.env['PYTHON3'] ?? 'python3', ['-m', 'venv', venv], { timeout: 120_000 });
    command(join(venv, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `flwr==${FLWR}`], {
      timeout: 1000 * Number(process.env['FLOWER_INSTALL_SECONDS'] ?? 600),
    });
    if (installed()) return true;
    return new Missing(`pip installed another flwr than ${FLWR}`);
  } catch (error) {
    return new Missing(`no flwr ${FLWR}: needs Python ≥ 3.10 with venv, and PyPI: ${(error as Error).message.split('\n').slice(0, 3).join(' ').slice(0, 300)}`);
  }
}

const version = (): string => command(join(venv, 'bin', 'python'), ['-c', 'import importlib.metadata as m; print(m.version("flwr"))']).trim();

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A folder that goes when the suite ends. */
export const scratch = mkdtempSync(join(tmpdir(), 'gradloom-flower-'));

/** A process of ours and those that it starts; what it said is kept. */
export class Running {
  readonly child: ChildProcess;
  output = '';

  constructor(file: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
    this.child = spawn(file, args, { cwd: options.cwd ?? scratch, env: { ...process.env, ...options.env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    all.add(this);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output = `${this.output}${chunk}`.slice(-200_000);
      });
    }
    this.child.on('error', (error) => {
      this.output += error.message;
    });
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Ends it with its group, and waits. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    all.delete(this);
    this.kill(signal);
    for (let i = 0; i < 100 && !this.ended; i++) await sleep(50);
    if (signal !== 'SIGKILL') this.kill('SIGKILL');
  }

  /** A SuperLink has children in sessions of their own, which it ends itself when it may. */
  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-(this.child.pid as number), signal);
    } catch {}
  }
}

const all = new Set<Running>();
process.on('exit', () => {
  for (const running of all) running.kill('SIGTERM');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, all.size > 0 ? 2000 : 0);
  for (const running of all) running.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

/** How a SuperLink is started. */
export interface Link {
  port?: number;
  /** A SQLite file; without it the state is in memory. */
  database?: string;
  /** With a SuperExec of its own, so that a run outlives the SuperLink. */
  ownExec?: boolean;
  /** Certificates: with TLS and node authentication. */
  tls?: { ca: string; cert: string; key: string };
}

const quiet = { FLWR_TELEMETRY_ENABLED: '0', FLWR_DISABLE_UPDATE_CHECK: '1', FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION: '1' };

/** A running SuperLink. */
export class SuperLink {
  readonly url: string;
  readonly options: Link & { port: number };
  readonly #home: string;
  process: Running;
  exec: Running | undefined;

  private constructor(options: Link & { port: number }, home: string) {
    this.options = options;
    this.#home = home;
    this.url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${options.port}`;
    this.process = this.#spawn();
  }

  get env(): NodeJS.ProcessEnv {
    return { ...quiet, FLWR_HOME: this.#home, PATH: `${join(flower(), 'bin')}:${process.env['PATH']}`, ...(this.options.tls ? { SSL_CERT_FILE: this.options.tls.ca } : {}) };
  }

  #spawn(): Running {
    const { port, database, ownExec, tls } = this.options;
    const secured = tls ? ['--ssl-certfile', tls.cert, '--ssl-keyfile', tls.key, '--ssl-ca-certfile', tls.ca, '--enable-supernode-auth'] : ['--insecure'];
    const kept = [...(database ? ['--database', database] : []), ...(ownExec ? ['--isolation', 'process'] : [])];
    return new Running(join(flower(), 'bin', 'flower-superlink'), [...secured, '--host', '127.0.0.1', '--port', `${port}`, ...kept], { env: this.env });
  }

  static async start(options: Link = {}): Promise<SuperLink> {
    flower();
    const port = options.port ?? (await freePort());
    const home = mkdtempSync(join(scratch, 'home-'));
    const { tls } = options;
    writeFileSync(
      join(home, 'config.toml'),
      `[superlink]\ndefault = "here"\n[superlink.here]\naddress = "127.0.0.1:${port}"\n${tls ? `root-certificates = "${tls.ca}"` : 'insecure = true'}\n`,
    );
    const link = new SuperLink({ ...options, port }, home);
    await link.up();
    if (options.ownExec) {
      link.exec = new Running(join(flower(), 'bin', 'flower-superexec'), ['--insecure', '--runtime-api-address', `127.0.0.1:${port}`], { env: link.env });
    }
    return link;
  }

  /** Waits until it answers. */
  async up(): Promise<void> {
    const { port } = this.options;
    await until(
      () => `the SuperLink answers\n${this.process.output}`,
      60,
      async () => {
        if (this.process.ended) throw new Error(`the SuperLink ended:\n${this.process.output.slice(-3000)}`);
        return new Promise((resolve) => {
          import('node:net').then(({ connect }) => {
            const socket = connect(port, '127.0.0.1', () => {
              socket.destroy();
              resolve(true);
            });
            socket.on('error', () => resolve(false));
          });
        });
      },
    );
  }

  /** Kills it, and starts it again on the same port and database after some seconds. */
  async restart(seconds: number): Promise<void> {
    await this.process.end('SIGKILL');
    await sleep(seconds * 1000);
    this.process = this.#spawn();
    await this.up();
  }

  async stop(): Promise<void> {
    await this.process.end('SIGTERM');
    await this.exec?.end('SIGTERM');
    // Its ServerApps run in sessions of their own and would ask for ever.
    for (const pid of existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []) {
      try {
        if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`--runtime-api-address\x00127.0.0.1:${this.options.port}\x00`)) process.kill(Number(pid), 'SIGKILL');
      } catch {}
    }
  }

  /** A command of Flower's. */
  flwr(...args: string[]): Promise<string> {
    const running = new Running(join(flower(), 'bin', 'flwr'), args, { env: this.env });
    return new Promise((resolve, reject) => {
      running.child.on('close', (code) => {
        all.delete(running);
        if (code === 0) resolve(running.output);
        else reject(new Error(`flwr ${args.join(' ')} → ${code}\n${running.output}`));
      });
    });
  }

  /** Starts a run; resolves when it is submitted. */
  async run(app: string, config: Readonly<Record<string, string | number | boolean>>): Promise<string> {
    const text = Object.entries(config)
      .map(([key, value]) => `${key}=${typeof value === 'string' ? JSON.stringify(value) : Number.isInteger(value) && FLOATS.has(key) ? `${value}.0` : value}`)
      .join(' ');
    const said = await this.flwr('run', app, 'here', '--run-config', text);
    const [, id] = /run (?:ID:? ?)?(\d{6,})/i.exec(said) ?? [];
    if (!id) throw new Error(`flwr run said no id: ${said}`);
    return id;
  }
}

/** Keys of configurations that are floats: Flower compares types. */
const FLOATS = new Set(['lr', 'poll', 'timeout', 'pause', 'max-norm']);

/** A folder of an app, beside which the strategies are laid. */
export function testApp(): string {
  const folder = join(scratch, 'app');
  if (!existsSync(folder)) {
    mkdirSync(folder);
    cpSync(join(root, 'test', 'flower', 'app'), folder, { recursive: true });
    cpSync(join(root, 'examples', 'flower', 'server', 'federation', 'strategies.py'), join(folder, 'testapp', 'strategies.py'));
  }
  return folder;
}

/** What the test's server wrote. */
export interface Outcome {
  failed?: string;
  rounds: { type: string; sent: number; seconds: number; results: number; errors: [number, string][] }[];
  /** After each evaluation by the server, from round 0: first, last and mean element of each array. */
  values: Record<string, [number, number, number]>[];
  metrics?: Record<string, Record<string, number>>;
  dropped?: [number, string][];
  weights?: number[];
  gramian?: number[][];
}

let runs = 0;

/** A run of the test's app, in the background. */
export class Run {
  readonly out = join(scratch, `run-${++runs}.json`);
  readonly link: SuperLink;
  id = '';

  private constructor(link: SuperLink) {
    this.link = link;
  }

  static async start(link: SuperLink, config: Readonly<Record<string, string | number | boolean>>): Promise<Run> {
    const run = new Run(link);
    run.id = await link.run(testApp(), { ...config, out: run.out });
    return run;
  }

  /** Whether the server has finished a round (0: has begun). */
  finished(round: number): boolean {
    return existsSync(`${this.out}.${round}`);
  }

  /** Waits for a round's end. */
  async round(round: number, seconds = 90): Promise<void> {
    await until(
      () => `round ${round} of the run\n${this.link.process.output.slice(-3000)}`,
      seconds,
      () => this.finished(round) || existsSync(this.out),
    );
  }

  /** What came out. */
  async outcome(seconds = 120): Promise<Outcome> {
    await until(
      () => `the run ends\n${this.link.process.output.slice(-5000)}`,
      seconds,
      () => existsSync(this.out),
    );
    return JSON.parse(readFileSync(this.out, 'utf8')) as Outcome;
  }
}
