// Gradients of leaves around a captured step: they may be there or not, and elsewhere at each call.
import type { Program } from '../runtime/program.ts';
import { copyElements } from '../tensor/op.ts';
import type { Scope, Storage } from '../tensor/storage.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { blockAt } from './plan.ts';
import type { Recorder } from './recorder.ts';
import type { Movable } from './signature.ts';

/** The address of a tensor's first element, as long as it lives. */
export const addressOf = (t: Tensor): number => t.storage.address + t.offset * 4;

/** A leaf's gradient before and after the step. */
export interface LeafPlan {
  readonly leaf: Tensor;
  /** Whether there was one before; undefined: that does not count, since the step sets it first. */
  readonly had: boolean | undefined;
  /** The one that must be there, where its place cannot change. */
  fixed: Tensor | null;
  /** A copy of the one before, where the step puts another in its place. */
  entry: Tensor | null;
  /** Words that name the one before, which the step leaves in its place: they follow it. */
  readonly words: { position: number; word: number; at: number }[];
  /** The one that those words name now, and its address. */
  seen: Tensor | null;
  address: number;
  /** What is there afterwards; undefined: the same. */
  after: Tensor | null | undefined;
}

/** The address of a gradient before the step. */
type Window = Movable & { readonly leaf: number };

export class Leaves {
  readonly plans: LeafPlan[] = [];
  /** Gradients that were there before and may be elsewhere the next time, sorted by address. */
  readonly windows: readonly Window[];

  /** @param owner the scope that owns copies */
  constructor({ leaves }: Recorder, owner: Scope) {
    const windows: Window[] = [];
    for (const [leaf, { use, before, address }] of leaves) {
      if (use !== 'set' && before?.isContiguous()) windows.push({ leaf: this.plans.length, address, bytes: before.size * 4 });
      const { gathered } = leaf;
      const isSame = gathered === before || (gathered !== null && before !== null && gathered.storage === before.storage && gathered.offset === before.offset);
      const after = use !== 'set' && isSame ? undefined : gathered;
      const [had, seen] = use === 'set' ? [undefined, null] : [before !== null, before];
      this.plans.push({ leaf, had, fixed: seen, entry: null, words: [], seen, address, after });
    }
    windows.sort((a, b) => a.address - b.address);
    // Gradients that share memory stay where they are.
    const meet = (a: Window | undefined, b: Window | undefined): boolean => a !== undefined && b !== undefined && a.address + a.bytes > b.address;
    this.windows = windows.filter((w, i) => !meet(windows[i - 1], w) && !meet(w, windows[i + 1]));
    for (const { leaf } of this.windows) {
      const plan = this.plans[leaf] as LeafPlan;
      if (plan.after !== undefined) plan.entry = empty(plan.leaf.sizes, 'float32', owner);
      plan.fixed = null;
    }
  }

  /** The leaf whose earlier gradient holds an address, and the offset in it. */
  at(address: number): readonly [LeafPlan, number] | undefined {
    const window = blockAt(this.windows, address);
    return window && [this.plans[window.leaf] as LeafPlan, address - window.address];
  }

  /** The leaf whose earlier gradient was in a block. */
  in(storage: Storage): LeafPlan | undefined {
    const window = this.windows.find(({ leaf }) => this.plans[leaf]?.seen?.storage === storage);
    return window && this.plans[window.leaf];
  }

  /** Whether gradients are there, or not there, as they were: null where that can never be again. */
  fit(): boolean | null {
    for (const { leaf, had, fixed, seen } of this.plans) {
      if (had === undefined) continue;
      const g = leaf.gathered;
      if ((g !== null) !== had) return false;
      if (g === seen) continue;
      if (fixed) return null;
      if (!g?.isContiguous()) return false;
    }
    return true;
  }

  /** Before a replay: what names a gradient of before is to name the one that is there now. */
  follow(program: Program): void {
    for (const plan of this.plans) {
      const g = plan.leaf.gathered;
      if (!plan.had || plan.fixed || !g) continue;
      if (plan.entry) copyElements(g, plan.entry);
      else if (g !== plan.seen) {
        const address = addressOf(g);
        if (address !== plan.address) for (const { position, word, at } of plan.words) program.set(position, word, address + at);
        plan.address = address;
        plan.seen = g;
      }
    }
  }

  /** After a replay. */
  put(): void {
    for (const { leaf, after } of this.plans) if (after !== undefined) leaf.gradient = after;
  }

  /** After a replay that failed: what the step had cleared, or half overwritten. */
  clear(owner: Scope): void {
    for (const { leaf, had, after } of this.plans) if (after && (had === undefined || leaf.gathered?.storage.owner === owner)) leaf.gradient = null;
  }

  /** Leaves get copies of gradients that end with their owner. */
  leave(owner: Scope): void {
    for (const { leaf } of this.plans) {
      if (leaf.gathered?.storage.owner !== owner) continue;
      const g = empty(leaf.sizes, 'float32', leaf.storage.owner);
      copyElements(leaf.gathered, g);
      leaf.gradient = g;
    }
  }
}
