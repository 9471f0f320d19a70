// Two hosts: network namespaces of this machine's own, each with a name and an address, joined by a cable that can be cut.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, type Flavour, jsonLines, launcher, Missing, nothingLeft, project, RUNTIMES, run, succeeded } from './jobs.ts';
import type { Row } from './main.ts';

const TIMEOUT = 5;
const HOSTS = [
  { name: 'gradloom-a', device: 'gradloom0', address: '10.77.0.1' },
  { name: 'gradloom-b', device: 'gradloom1', address: '10.77.0.2' },
] as const;
const [A, B] = HOSTS;

const ip = (...args: string[]): string => {
  const { status, stdout, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout;
};

/** Runs `use` with both hosts up. */
async function withHosts<T>(use: () => Promise<T>): Promise<T> {
  const down = (): void => {
    for (const { name } of HOSTS) spawnSync('ip', ['netns', 'del', name]);
  };
  down();
  try {
    try {
      for (const { name } of HOSTS) ip('netns', 'add', name);
      ip('link', 'add', A.device, 'netns', A.name, 'type', 'veth', 'peer', 'name', B.device, 'netns', B.name);
      for (const { name, device, address } of HOSTS) {
        ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', device);
        for (const d of ['lo', device]) ip('-n', name, 'link', 'set', d, 'up');
      }
    } catch (error) {
      throw new Missing(`no network namespaces here: ${(error as Error).message}`);
    }
    return await use();
  } finally {
    down();
  }
}

/** Bytes that went over the cable, both ways. */
function bytes(): number {
  const [link] = JSON.parse(ip('-n', A.name, '-s', '-j', 'link', 'show', A.device)) as [{ stats64: { rx: { bytes: number }; tx: { bytes: number } } }];
  return link.stats64.rx.bytes + link.stats64.tx.bytes;
}

/** Rank 0 on one host, rank 1 on the other, over TCP. */
function across(flavour: Flavour, program: readonly string[], meanwhile?: (output: string) => void): Promise<Ended> {
  // What mpirun calls instead of ssh.
  const shell = join(project(), 'shell.sh');
  writeFileSync(shell, `#!/bin/sh\nshift\nexec ip netns exec ${B.name} unshare --uts sh -c "hostname ${B.name}; $*"\n`);
  chmodSync(shell, 0o755);
  const mca = { plm_rsh_agent: shell, btl: 'tcp,self', btl_tcp_if_include: '10.77.0.0/24', oob_tcp_if_include: '10.77.0.0/24' };
  const words = [launcher(flavour), '--allow-run-as-root', '--bind-to', 'none', '-x', 'MPI_TIMEOUT', '--host', `${A.address}:1,${B.address}:1`];
  for (const [key, value] of Object.entries(mca)) words.push('--mca', key, value);
  words.push('-n', '2', ...RUNTIMES.node(), join(project(), program[0] as string), ...program.slice(1));
  return run('ip', ['netns', 'exec', A.name, 'unshare', '--uts', 'sh', '-c', `hostname ${A.name}; exec "$@"`, 'sh', ...words], {
    env: { MPI_TIMEOUT: String(TIMEOUT) },
    ...(meanwhile && { meanwhile }),
  });
}

async function overTcp(flavour: Flavour): Promise<string> {
  const file = join(project(), 'across.run');
  rmSync(file, { force: true });
  return withHosts(async () => {
    const ended = succeeded(await across(flavour, ['train.mjs', file, '60', '10']));
    const [first, second] = jsonLines<{ hash: string }>(ended);
    if (!first || first.hash !== second?.hash) throw new Error(`ranks ended with ${first?.hash} and ${second?.hash}`);
    const crossed = bytes();
    // 60 steps of 2 · 5574 floats of rows and half as many of directions, both ways: more than a megabyte, or it went another way.
    if (crossed < 1e6) throw new Error(`only ${crossed} bytes went over the cable`);
    return `${(crossed / 1e6).toFixed(1)} MB over the cable`;
  });
}

async function cut(flavour: Flavour): Promise<string> {
  const file = join(project(), 'cut.run');
  rmSync(file, { force: true });
  return withHosts(async () => {
    let cutAt = 0;
    let failed: unknown;
    const ended = await across(flavour, ['train.mjs', file, '10000000', '10000000'], (output) => {
      if (cutAt > 0 || !output.includes('starts at')) return;
      cutAt = performance.now();
      setTimeout(() => {
        try {
          ip('-n', B.name, 'link', 'set', B.device, 'down');
        } catch (error) {
          failed = error;
        }
      }, 1000);
    });
    if (failed) throw failed;
    const seconds = (performance.now() - cutAt) / 1000 - 1;
    if (ended.code === 0) throw new Error('the job ended as if nothing had been');
    const said = new RegExp(`rank 0 of 2 on ${A.name}, pid \\d+, in MPI_\\w+: the other ranks have not come for ${TIMEOUT} s`);
    if (!said.test(ended.errors)) throw new Error(`the job does not say ${said}:\n${ended.errors}`);
    // The limit, ten seconds for the launcher, which hangs, and what a busy machine takes.
    if (seconds > TIMEOUT + 25) throw new Error(`the job ended ${seconds.toFixed(1)} s after the cut`);
    await nothingLeft();
    return `ended ${seconds.toFixed(1)} s after the cut`;
  });
}

/** Of Open MPI: MPICH takes shared memory between these two, which share a machine, so that a cut cable would mean nothing to it. */
export const networks = (flavour: Flavour): Row[] =>
  flavour.name !== 'Open MPI'
    ? []
    : [
        { name: 'two hosts over TCP', run: () => overTcp(flavour) },
        { name: 'the link between two hosts is cut: the watchdog ends the job', run: () => cut(flavour) },
      ];
