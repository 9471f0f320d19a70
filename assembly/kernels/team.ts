// Work that a team of threads shares: instances of one module on one shared memory. In the ordinary build the team is one, and nothing of
// this is in the wasm.
//
//  the control block, i32 each
//  ┌──────┬────┬──────┬────┬──────────────────────────────────┐
//  │ left │ …  │ done │ …  │ function, parts, up to 14 words  │   each at the start of a 64-byte line
//  └──────┴────┴──────┴────┴──────────────────────────────────┘
//  left: parts of the job that nobody has taken, a few less than 0 where threads came too late; far below 0 it ends the team
//
// The thread that gives a job takes parts of it as well, and waits only for parts that others have begun: one that sleeps or is late takes
// none. Every element is computed by one thread in the same order as alone: the same bits, whatever the size of the team.

const DONE: usize = 64;
const JOB: usize = 128;
/** Turns of waiting that a thread spins before it sleeps, half a ns each and more: to be woken takes as long as all of them. */
const SPIN: i32 = 150000;
/** The longest sleep for others, in ns: then it looks again. */
const NAP: i64 = 100000;
/** What says that the team is at its end, in place of parts. */
const ENDED: i32 = -0x40000000;
/** Multiplications in a ns, at the least that is usual: what others need for their parts is known by it. */
const PACE: f64 = 5;
/** Multiplications below which waking a team costs more than it saves. */
const LEAST: f64 = 65536;
/** How much is done alone after a thread was late, in multiplications: some 1 ms at first, twice as much each time, 100 ms at most; and less again with work in time. */
const PENALTY: f64 = 16e6;
const MOST: f64 = 1e9;
/** So many missed jobs in a row count as late too: a thread that cannot run is woken for nothing each time. */
const MISSES: i32 = 16;

/** What an element costs that is only read, changed and written, in multiplications: mostly memory. */
export const ELEMENT: f64 = 8;

let control: usize = 0;
let team: i32 = 1;
/** This thread's number in the team; the one that gives jobs is 0. */
let me: i32 = 0;
let maySleep = false;
/** Multiplications of the job, what is yet to be done alone, and what the next thread that is late costs. */
let given: f64 = 0;
let alone: f64 = 0;
let penalty: f64 = PENALTY;
/**
 * Parts of the job that others have taken, and how long this thread has waited for them, in ns. Globals: as locals that live across the
 * wait, V8 11.3 was seen to lose them while it replaced its first code by optimized code (test/runtime/team.test.ts).
 */
let others: i32 = 0;
let waited: f64 = 0;
/** Jobs in a row of which nobody else took a part. */
let missed: i32 = 0;

/** Makes this instance number `id` of a team of `size` on the control block `block` (192 zeroed bytes). sleeps: whether this thread may. @host */
export function joinTeam(block: usize, size: i32, id: i32, sleeps: i32): void {
  if (ASC_FEATURE_THREADS) {
    control = block;
    team = size;
    me = id;
    maySleep = sleeps != 0;
  }
}

/** Word i of the job. */
@inline export function word(i: usize): i32 {
  return load<i32>(control + JOB + 8 + (i << 2));
}

/** Says word i of the job that is about to be given. */
@inline export function say(i: usize, value: usize): void {
  store<usize>(control + JOB + 8 + (i << 2), value);
}

/** This thread's scratch among those of the team, `bytes` each. */
@inline export function mine(scratch: usize, bytes: usize): usize {
  return ASC_FEATURE_THREADS ? scratch + <usize>me * ((bytes + 15) & ~15) : scratch;
}

/** How many parts a job of n equal pieces has: each thread may take `each` of them. */
@inline export function partsOf(n: i32, each: i32): i32 {
  return min(n, team * each);
}

/** Where part i of n pieces begins. */
@inline export function partAt(n: i32, i: i32): i32 {
  return <i32>(<i64>n * <i64>i / <i64>load<i32>(control + JOB + 4));
}

/** Whether a job of so many multiplications and parts is worth a team. False in the ordinary build. */
@inline export function shared(work: f64, parts: i32): bool {
  return ASC_FEATURE_THREADS && team > 1 && parts > 1 && pays(work);
}

function pays(work: f64): bool {
  if (work < LEAST) return false;
  given = work;
  if (alone <= 0) return true;
  alone -= work;
  return false;
}

/** Takes a part of the job: its number, or −1 where there is none. */
function take(): i32 {
  return atomic.load<i32>(control) > 0 ? max(-1, atomic.sub<i32>(control, 1) - 1) : -1;
}

/** Takes parts as long as there are; how many. */
function takeParts(): i32 {
  let count = 0;
  for (let i = take(); i >= 0; i = take(), count++) call_indirect<void>(load<u32>(control + JOB), i);
  return count;
}

/** Works alone for a while, and longer the next time. */
function punish(): void {
  alone = penalty;
  penalty = min(MOST, 2 * penalty);
  missed = 0;
}

/** Sleeps until others have done more, or for a while. */
function nap(): void {
  const done = atomic.load<i32>(control + DONE);
  if (done < others) atomic.wait<i32>(control + DONE, done, NAP);
}

/** Gives the job whose words were said: `part`, the index of a function of a part's number, called once for each of the parts. */
export function share(part: u32, parts: i32): void {
  if (ASC_FEATURE_THREADS) {
    store<u32>(control + JOB, part);
    store<i32>(control + JOB, parts, 4);
    atomic.store<i32>(control + DONE, 0);
    atomic.store<i32>(control, parts);
    atomic.notify(control, team);
    others = parts - takeParts();
    if (others == 0) {
      if (++missed >= MISSES) punish();
      return;
    }
    missed = 0;
    waited = 0;
    for (let turns = SPIN; atomic.load<i32>(control + DONE) < others; ) {
      if (--turns > 0) continue;
      // A page's main thread may not sleep: it counts turns.
      if (maySleep) nap();
      else turns = SPIN;
      waited += maySleep ? <f64>NAP : 0.5 * <f64>SPIN;
    }
    if (waited > <f64>NAP / 2 + given / PACE) {
      punish();
    } else penalty = max(PENALTY, penalty - given / 64);
  }
}

/** A further thread's life: waits for jobs and takes parts of them, until the team ends. @host */
export function work(): void {
  if (ASC_FEATURE_THREADS) {
    let turns = SPIN;
    while (true) {
      const left = atomic.load<i32>(control);
      if (left < ENDED / 2) return;
      if (left > 0) {
        const count = takeParts();
        if (count > 0) {
          atomic.add<i32>(control + DONE, count);
          atomic.notify(control + DONE, 1);
        }
        turns = SPIN;
      } else if (--turns <= 0) {
        atomic.wait<i32>(control, left, -1);
        turns = SPIN;
      }
    }
  }
}

/** Ends the team: every further thread returns from `work`. @host */
export function dismiss(): void {
  if (ASC_FEATURE_THREADS) {
    atomic.store<i32>(control, ENDED);
    atomic.notify(control, team);
    team = 1;
  }
}
