// One step of LSTM and GRU layers between their matrix products: gates and state, both ways. f32, by rows of a batch.
import { loadTail, sigmoid as sigmoidLanes, splat, storeTail, tanh as tanhLanes } from "../lanes";

// Called, not inlined: a third of the code, at the same speed.
function sigmoid(x: v128): v128 {
  return sigmoidLanes(x);
}

function tanh(x: v128): v128 {
  return tanhLanes(x);
}

function tail(p: usize, n: i32): v128 {
  return loadTail(p, n);
}

function putTail(p: usize, v: v128, n: i32): void {
  storeTail(p, v, n);
}

/** The next four floats of a row, or as many as are left. */
@inline function at(p: usize, n: i32): v128 {
  return n >= 4 ? v128.load(p) : tail(p, n);
}

@inline function put(p: usize, v: v128, n: i32): void {
  if (n >= 4) v128.store(p, v);
  else putTail(p, v, n);
}

/** y·(1 − y). */
@inline function slope(y: v128): v128 {
  return f32x4.mul(y, f32x4.sub(splat(1), y));
}

/** 1 − y². */
@inline function slopeOfTanh(y: v128): v128 {
  return f32x4.sub(splat(1), f32x4.mul(y, y));
}

/** gates [rows, 4n] = i, f, g, o before their functions, which are applied in place; c' = f·c + i·g; h = o·tanh c'. c, next, h: [rows, n]. */
export function lstmCell(gates: usize, c: usize, next: usize, h: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, gates += 3 * row) {
    for (let left = n; left > 0; left -= 4) {
      const w = <usize>min(left, 4) << 2;
      const i = sigmoid(at(gates, left)), f = sigmoid(at(gates + row, left)), g = tanh(at(gates + 2 * row, left)), o = sigmoid(at(gates + 3 * row, left));
      put(gates, i, left);
      put(gates + row, f, left);
      put(gates + 2 * row, g, left);
      put(gates + 3 * row, o, left);
      const cell = f32x4.add(f32x4.mul(f, at(c, left)), f32x4.mul(i, g));
      put(next, cell, left);
      put(h, f32x4.mul(o, tanh(cell)), left);
      gates += w, c += w, next += w, h += w;
    }
  }
}

/** The gradient of lstmCell: from dh, and dnext of c', to dgates (before their functions), added to dc. gates: i, f, g, o. */
export function lstmCellGrad(gates: usize, c: usize, next: usize, dh: usize, dnext: usize, dgates: usize, dc: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, gates += 3 * row, dgates += 3 * row) {
    for (let left = n; left > 0; left -= 4) {
      const w = <usize>min(left, 4) << 2;
      const i = at(gates, left), f = at(gates + row, left), g = at(gates + 2 * row, left), o = at(gates + 3 * row, left);
      const t = tanh(at(next, left)), d = at(dh, left);
      const u = f32x4.add(at(dnext, left), f32x4.mul(f32x4.mul(d, o), slopeOfTanh(t)));
      put(dgates, f32x4.mul(f32x4.mul(u, g), slope(i)), left);
      put(dgates + row, f32x4.mul(f32x4.mul(u, at(c, left)), slope(f)), left);
      put(dgates + 2 * row, f32x4.mul(f32x4.mul(u, i), slopeOfTanh(g)), left);
      put(dgates + 3 * row, f32x4.mul(f32x4.mul(d, t), slope(o)), left);
      put(dc, f32x4.add(at(dc, left), f32x4.mul(u, f)), left);
      gates += w, c += w, next += w, dh += w, dnext += w, dgates += w, dc += w;
    }
  }
}

/**
 * r = σ(x₀ + y₀), z = σ(x₁ + y₁), m = tanh(x₂ + r·y₂); h' = m + z·(h − m). x, y: [rows, 3n], what input and state say; x becomes r, z, m.
 * h, next: [rows, n].
 */
export function gruCell(x: usize, y: usize, h: usize, next: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, x += 2 * row, y += 2 * row) {
    for (let left = n; left > 0; left -= 4) {
      const w = <usize>min(left, 4) << 2;
      const r = sigmoid(f32x4.add(at(x, left), at(y, left))), z = sigmoid(f32x4.add(at(x + row, left), at(y + row, left)));
      const m = tanh(f32x4.add(at(x + 2 * row, left), f32x4.mul(r, at(y + 2 * row, left))));
      put(x, r, left);
      put(x + row, z, left);
      put(x + 2 * row, m, left);
      put(next, f32x4.add(m, f32x4.mul(z, f32x4.sub(at(h, left), m))), left);
      x += w, y += w, h += w, next += w;
    }
  }
}

/** The gradient of gruCell: from dnext to dx and dy, added to dh. gates: r, z, m. */
export function gruCellGrad(gates: usize, y: usize, h: usize, dnext: usize, dx: usize, dy: usize, dh: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, gates += 2 * row, y += 2 * row, dx += 2 * row, dy += 2 * row) {
    for (let left = n; left > 0; left -= 4) {
      const w = <usize>min(left, 4) << 2;
      const r = at(gates, left), z = at(gates + row, left), m = at(gates + 2 * row, left), d = at(dnext, left);
      const dm = f32x4.mul(f32x4.mul(d, f32x4.sub(splat(1), z)), slopeOfTanh(m));
      const dr = f32x4.mul(f32x4.mul(dm, at(y + 2 * row, left)), slope(r));
      const dz = f32x4.mul(f32x4.mul(d, f32x4.sub(at(h, left), m)), slope(z));
      put(dx, dr, left);
      put(dx + row, dz, left);
      put(dx + 2 * row, dm, left);
      put(dy, dr, left);
      put(dy + row, dz, left);
      put(dy + 2 * row, f32x4.mul(dm, r), left);
      put(dh, f32x4.add(at(dh, left), f32x4.mul(d, z)), left);
      gates += w, y += w, h += w, dnext += w, dx += w, dy += w, dh += w;
    }
  }
}

/** Rows whose sequence has ended, lengths[row] ≤ step: to = from. [rows, n]. */
export function hold(from: usize, to: usize, lengths: usize, rows: i32, n: i32, step: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, from += row, to += row, lengths += 4) if (load<i32>(lengths) <= step) memory.copy(to, from, row);
}

/** The gradient of hold: in those rows dto is added to dfrom and becomes 0. */
export function holdGrad(dfrom: usize, dto: usize, lengths: usize, rows: i32, n: i32, step: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, dfrom += row, dto += row, lengths += 4) {
    if (load<i32>(lengths) > step) continue;
    for (let o: usize = 0; o < row; o += 4) store<f32>(dfrom + o, load<f32>(dfrom + o) + load<f32>(dto + o));
    memory.fill(dto, 0, row);
  }
}
