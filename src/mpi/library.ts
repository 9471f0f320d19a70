// The MPI library of this machine, through koffi. Only bytes are moved by MPI: what is added up is added here, so that no choice of the
// library's changes a bit.
//
//               handles                     MPI_IN_PLACE   who
//   Open MPI    addresses of symbols        (void *) 1     Open MPI 3 … 5
//   MPICH       integers, fixed by its ABI  (void *) −1    MPICH, Intel MPI, MVAPICH, Cray MPICH
import { runtimeError } from '../runtime/compile.ts';
import { GradloomError } from '../tensor/errors.ts';
import { processOf } from './host.ts';

type Pointer = Uint8Array | Int32Array | bigint | null;
type Handle = bigint | number;
type Foreign = (...words: (Pointer | Handle)[]) => number;

/** What of koffi is used. */
interface Library {
  func(name: string, result: string, args: readonly string[]): Foreign;
  symbol(name: string, type: string): unknown;
}
interface Koffi {
  load(path: string): Library;
  address(value: unknown): bigint;
}

/** Handles of an ABI. */
interface Abi {
  readonly handle: 'void *' | 'int';
  readonly inPlace: bigint;
  readonly world: Handle;
  readonly byte: Handle;
  readonly errorsReturn: Handle;
}

const MPICH: Abi = { handle: 'int', inPlace: -1n, world: 0x44000000, byte: 0x4c00010d, errorsReturn: 0x54000001 };

function openMpi(koffi: Koffi, library: Library): Abi {
  const at = (name: string): bigint => koffi.address(library.symbol(name, 'void *'));
  return { handle: 'void *', inPlace: 1n, world: at('ompi_mpi_comm_world'), byte: at('ompi_mpi_byte'), errorsReturn: at('ompi_mpi_errors_return') };
}

/** Where the two lie on Linux and macOS, by the loader's search. */
const NAMES = {
  openMpi: ['libmpi.so.40', 'libmpi.40.dylib', 'libmpi.so', 'libmpi.dylib'],
  mpich: ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib', 'libmpich.so'],
};

/** MPI as bytes between ranks. */
export interface Mpi {
  /** As the library calls itself: `Open MPI v4.1.4`. */
  readonly version: string;
  readonly rank: number;
  readonly size: number;
  barrier(): void;
  /** Every rank's part, in order: `all` holds this rank's part at its place before. */
  allGather(all: Uint8Array): void;
  /** Part r of `send` goes to rank r; part r of `receive` came from it. */
  allToAll(send: Uint8Array, receive: Uint8Array): void;
  broadcast(bytes: Uint8Array, root: number): void;
  finalize(): void;
}

/** How many ranks the launcher says there are, and whose launcher it is. */
function launched(op: string): { size: number; names: readonly string[] } {
  const { env } = processOf(op);
  const open = env['OMPI_COMM_WORLD_SIZE'] ?? (env['PMIX_RANK'] === undefined ? undefined : env['SLURM_STEP_NUM_TASKS']);
  const size = Number(open ?? env['PMI_SIZE'] ?? env['SLURM_STEP_NUM_TASKS'] ?? 1);
  return { size, names: open === undefined && env['PMI_RANK'] !== undefined ? [...NAMES.mpich, ...NAMES.openMpi] : [...NAMES.openMpi, ...NAMES.mpich] };
}

async function loadKoffi(op: string): Promise<Koffi> {
  try {
    const found = (await import('koffi' as string)) as Koffi & { default?: Koffi };
    return found.default ?? found;
  } catch (cause) {
    throw runtimeError(op, `the package koffi, which calls MPI, could not be loaded: ${(cause as Error).message}. npm install koffi; in Deno run with --allow-ffi.`, cause);
  }
}

function loadLibrary(op: string, koffi: Koffi, names: readonly string[]): Library {
  const reasons: string[] = [];
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch (error) {
      reasons.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw runtimeError(
    op,
    `found no MPI library (${reasons[0]}). Install Open MPI or MPICH (Debian: apt-get install openmpi-bin or mpich), or pass { library: '/path/to/libmpi.so' }.`,
  );
}

function abiOf(koffi: Koffi, library: Library): Abi {
  try {
    return openMpi(koffi, library);
  } catch {
    return MPICH;
  }
}

/** Loads MPI and starts it. `watched`: runs a call that may wait for other ranks. */
export async function startMpi(path: string | undefined, watched: (name: string, call: () => number) => number): Promise<Mpi> {
  const op = 'initMpi';
  const { size: expected, names } = launched(op);
  // UCX, below MPICH, hooks malloc when it is loaded, under which Node's heap breaks now and then (openucx/ucx#3831 is of the kind).
  processOf(op).env['UCX_MEM_EVENTS'] ??= 'no';
  const koffi = await loadKoffi(op);
  const library = loadLibrary(op, koffi, path === undefined ? names : [path]);
  const abi = abiOf(koffi, library);
  const { handle, world, byte } = abi;
  const bind = (name: string, ...args: string[]): Foreign => library.func(`MPI_${name}`, 'int', args);

  const errorString = bind('Error_string', 'int', 'void *', 'void *');
  const textFrom = (fill: (bytes: Uint8Array, length: Int32Array) => unknown): string => {
    const [bytes, length] = [new Uint8Array(8192), new Int32Array(1)];
    fill(bytes, length);
    return new TextDecoder().decode(bytes.subarray(0, length[0])).replace(/\0.*/s, '');
  };
  const check = (name: string, code: number): void => {
    if (code !== 0)
      throw new GradloomError(
        'RUNTIME',
        `MPI_${name}`,
        `${textFrom((bytes, length) => errorString(code, bytes, length))}. The job cannot go on: end it and start it from its checkpoint.`,
      );
  };
  const collective = (name: string, ...args: string[]): ((...words: (Pointer | Handle)[]) => void) => {
    const foreign = bind(name, ...args);
    return (...words) =>
      check(
        name,
        watched(name, () => foreign(...words)),
      );
  };

  const getVersion = bind('Get_library_version', 'void *', 'void *');
  const version =
    textFrom((bytes, length) => getVersion(bytes, length))
      .split(/,|\n/)[0]
      ?.replace(/\s+/g, ' ')
      .trim() ?? '';
  collective('Init', 'void *', 'void *')(null, null);
  check('Comm_set_errhandler', bind('Comm_set_errhandler', handle, handle)(world, abi.errorsReturn));
  const numberOf = (name: string): number => {
    const value = new Int32Array(1);
    check(name, bind(name, handle, 'void *')(world, value));
    return value[0] as number;
  };
  const [rank, size] = [numberOf('Comm_rank'), numberOf('Comm_size')];
  const finalize = collective('Finalize');
  if (expected > 1 && size !== expected) {
    finalize();
    throw runtimeError(op, `the launcher started ${expected} ranks, ${version} sees ${size}: it is not the launcher's MPI. Pass { library } with the path of that one.`);
  }

  const allGather = collective('Allgather', 'void *', 'int', handle, 'void *', 'int', handle, handle);
  const allToAll = collective('Alltoall', 'void *', 'int', handle, 'void *', 'int', handle, handle);
  const broadcast = collective('Bcast', 'void *', 'int', handle, 'int', handle);
  const barrier = collective('Barrier', handle);
  return {
    version,
    rank,
    size,
    barrier: () => barrier(world),
    allGather: (all) => allGather(abi.inPlace, all.length / size, byte, all, all.length / size, byte, world),
    allToAll: (send, receive) => allToAll(send, send.length / size, byte, receive, receive.length / size, byte, world),
    broadcast: (bytes, root) => broadcast(bytes, bytes.length, byte, root, world),
    finalize: () => finalize(),
  };
}
