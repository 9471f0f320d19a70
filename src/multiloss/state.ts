// States of methods, plans and players: plain data, checked before any of it is taken up.
import { FINITE, isListOf, isPlainObject, type Kind, TEXT, valueText } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';

/** The state that was given: a plain object with just these keys, each of its kind. */
export function stateOf(op: string, state: unknown, kinds: Readonly<Record<string, Kind>>): Record<string, unknown> {
  const misfit = (what: string): GradloomError => new GradloomError('STATE', `${op}.loadStateDict`, `${what}; nothing was changed. Pass what stateDict gave.`);
  const keys = Object.keys(kinds);
  if (!isPlainObject(state)) throw misfit(`a state is an object { ${keys.join(', ')} }, got ${valueText(state)}`);
  for (const key of keys) {
    const { what, test } = kinds[key] as Kind;
    const value = Object.hasOwn(state, key) ? state[key] : undefined;
    if (!test(value)) throw misfit(value === undefined ? `'${key}' is missing` : `'${key}' must be ${what}, got ${valueText(value)}`);
  }
  for (const key of Object.keys(state)) if (!keys.includes(key)) throw misfit(`'${key}' is unknown, it takes ${keys.join(', ') || 'nothing'}`);
  return state;
}

/** A list of numbers, each of a kind; of `length`, where that is given. */
export const numbers = (length?: number, kind: Kind = FINITE): Kind => ({
  what: `a list${length === undefined ? '' : ` of ${length}`}, each ${kind.what}`,
  test: (v) => isListOf(v, kind.test, length),
});

/** Losses' names, each once. */
export const NAMES: Kind = { what: "a list of the losses' names", test: (v) => isListOf(v, TEXT.test) && new Set(v as string[]).size === (v as string[]).length };

/** A plain object; what is in it is for its reader to check. */
export const OBJECT: Kind = { what: 'an object', test: isPlainObject };

/** What is remembered from step to step. */
export interface State {
  /** As plain data. */
  save(): unknown;
  /**
   * Takes up what `save` gave; throws before anything has changed where it is none. @param op whose it is, for messages
   */
  load(op: string, saved: unknown): void;
  /** As at the start. */
  reset(): void;
}

/** Of what remembers nothing. */
export const STATELESS: State = {
  save: () => ({}),
  load: (op, saved) => {
    stateOf(op, saved, {});
  },
  reset: () => {},
};

/** Of a method or strategy, which has these three where it remembers something. */
export function stateIn(of: {
  readonly name: string;
  stateDict?(): Record<string, unknown>;
  loadStateDict?(state: Readonly<Record<string, unknown>>): void;
  reset?(): void;
}): State {
  return {
    save: () => of.stateDict?.() ?? {},
    load: (_op, saved) => (of.loadStateDict ? of.loadStateDict(saved as Record<string, unknown>) : STATELESS.load(of.name, saved)),
    reset: () => of.reset?.(),
  };
}

const PRESENT: Kind = { what: 'a state', test: (v) => v !== undefined };

/** Several by name: all are taken up or, where one is refused, none. */
export class States implements State {
  private readonly parts: Readonly<Record<string, State>>;

  constructor(parts: Readonly<Record<string, State>>) {
    this.parts = parts;
  }

  save(): Record<string, unknown> {
    return mapped(this.parts, (part) => part.save());
  }

  load(op: string, saved: unknown): void {
    const given = stateOf(
      op,
      saved,
      mapped(this.parts, () => PRESENT),
    );
    const undo: (() => void)[] = [];
    try {
      for (const [key, part] of Object.entries(this.parts)) {
        const before = part.save();
        part.load(op, given[key]);
        undo.push(() => part.load(op, before));
      }
    } catch (error) {
      for (const back of undo) back();
      throw error;
    }
  }

  reset(): void {
    for (const part of Object.values(this.parts)) part.reset();
  }
}

const mapped = <T>(parts: Readonly<Record<string, State>>, of: (part: State) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, of(part)]));
