// What ends a job that MPI leaves hanging: a shell beside each rank, which goes on while the rank is blocked, stopped or dead.
//
//   state file   "<count> <who> in <call>", count growing with each call of MPI, or "0 <who> after <call>". The shell looks at it every second.
//   pipe         closes when the rank's process is gone, however it went
//
// A call that outlasts the limit: the rank is killed, and its launcher ends the job. A launcher that cannot (mpirun waits for a host behind
// a cut link) is killed too, after ten seconds.
import { runtimeError } from '../runtime/compile.ts';
import { builtin, type Child, type FileSystem, processOf } from './host.ts';

const SHELL = `
trap '' PIPE
state=$1 limit=$2 rank=$3 launcher=$4
watch() {
  before= seconds=0
  while sleep 1 >/dev/null 2>&1; do
    { read -r now <"$state"; } 2>/dev/null || exit
    if [ "$now" != "$before" ] || [ "\${now%% *}" = 0 ]; then before=$now seconds=0; else seconds=$((seconds + 1)); fi
    [ $seconds -lt $limit ] || break
  done
  echo "gradloom: \${now#* }: the other ranks have not come for $seconds s, which is the limit. One hangs or a link is cut. The job is ended." >&2
  : >"$state.overrun"
  kill -9 $rank
  sleep 10 >/dev/null 2>&1
  case $(cat /proc/$launcher/comm 2>/dev/null || ps -o comm= -p $launcher) in *mpirun*|*mpiexec*|*orterun*|orted|prte*|hydra*) kill -9 $launcher ;; esac
  rm -rf "\${state%/*}"
}
watch &
watcher=$!
cat >/dev/null
if [ -e "$state.overrun" ]; then wait $watcher; exit; fi
kill $watcher 2>/dev/null
[ -e "$state" ] || exit 0
read -r now <"$state"
echo "gradloom: \${now#* }: the process is gone, killed or crashed. The launcher ends the job." >&2
rm -rf "\${state%/*}"
`;

/** Watches one rank. */
export class Watchdog {
  /** Which rank, for messages. */
  who: string;
  private readonly fs: FileSystem;
  private readonly encoder = new TextEncoder();
  private readonly folder: string;
  private readonly file: number;
  private shell: Child | undefined;
  private count = 0;

  /** @param limit seconds that a call may wait for other ranks; @param sh the shell */
  constructor(op: string, limit: number, sh = '/bin/sh') {
    const [fs, os, { pid, ppid }] = [builtin(op, 'node:fs'), builtin(op, 'node:os'), processOf(op)];
    this.fs = fs;
    this.who = `a rank on ${os.hostname()}, pid ${pid},`;
    this.folder = fs.mkdtempSync(`${os.tmpdir()}/gradloom-mpi-`);
    const path = `${this.folder}/state`;
    this.file = fs.openSync(path, 'w');
    this.write(0, 'after start');
    try {
      const words = ['-c', SHELL, 'gradloom-watchdog', path, String(limit), String(pid), String(ppid)];
      this.shell = builtin(op, 'node:child_process').spawn(sh, words, { detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
      this.shell.on('error', ({ message }) => console.error(`gradloom: ${this.who} is not watched: ${message}. Where a rank hangs, the job must be ended by hand.`));
      this.shell.unref();
      this.shell.stdin.unref?.();
    } catch (cause) {
      this.end();
      throw runtimeError(op, `the watchdog, a /bin/sh beside the rank, could not be started: ${(cause as Error).message}. In Deno run with --allow-run.`, cause);
    }
  }

  private write(count: number, call: string): void {
    const line = this.encoder.encode(`${count} ${this.who} ${call}\n`);
    this.fs.writeSync(this.file, line, 0, line.length, 0); // Deno passes over the position of a text
  }

  /** Makes a call that may wait for other ranks. */
  watched(call: string, run: () => number): number {
    this.write(++this.count, `in MPI_${call}`);
    try {
      return run();
    } finally {
      this.write(0, `after MPI_${call}`);
    }
  }

  /** Stops watching: the rank ends as it should. */
  end(): void {
    this.fs.closeSync(this.file);
    this.fs.rmSync(this.folder, { recursive: true, force: true });
    this.shell?.stdin.end(); // looks for the folder, then ends
  }
}
