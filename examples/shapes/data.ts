// Pictures as a server would send them: each comes when it is asked for, a shape somewhere on noise, with what it is and where.

export const SIZE = 16;
export const SHAPES = ['square', 'disc', 'cross'] as const;

export interface Drawn {
  /** [1, 16, 16], brightness 0–1. */
  picture: number[][][];
  /** Which of SHAPES. */
  shape: Int32Array;
  /** Its middle, 0–1: across, down. */
  place: number[];
}

/** Numbers in [0, 1) that follow from an index (mulberry32). */
function numbers(seed: number): () => number {
  let a = (seed * 2654435761) | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const inside = (shape: number, x: number, y: number, r: number): boolean =>
  shape === 0
    ? Math.max(Math.abs(x), Math.abs(y)) <= r
    : shape === 1
      ? x * x + y * y <= r * r
      : Math.min(Math.abs(x), Math.abs(y)) <= r / 3 && Math.max(Math.abs(x), Math.abs(y)) <= r;

/** Pictures `from` … `from + length − 1` of an endless album. */
export class Album {
  readonly length: number;
  private readonly from: number;

  constructor(from: number, length: number) {
    this.from = from;
    this.length = length;
  }

  async get(index: number): Promise<Drawn> {
    const next = numbers(this.from + index + 1);
    const shape = Math.floor(next() * SHAPES.length);
    const [radius, x, y] = [3 + 2 * next(), 5 + 6 * next(), 5 + 6 * next()];
    const row = (j: number): number[] => Array.from({ length: SIZE }, (_, i) => 0.3 * next() + (inside(shape, i - x, j - y, radius) ? 0.7 : 0));
    return { picture: [Array.from({ length: SIZE }, (_, j) => row(j))], shape: Int32Array.of(shape), place: [x / SIZE, y / SIZE] };
  }
}
