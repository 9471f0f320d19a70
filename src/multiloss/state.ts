// States of methods, plans and players: plain data, checked before any of it is taken up.
import { isPlainObject, type Kind, valueText } from '../tensor/check.ts';
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

/** A list of finite numbers; of `length`, where that is said. */
export const numbers = (length?: number): Kind => ({
  what: `a list of ${length ?? ''} finite numbers`,
  test: (v) => Array.isArray(v) && (length === undefined || v.length === length) && v.every(Number.isFinite),
});

/** Losses' names, each once. */
export const NAMES: Kind = { what: "a list of the losses' names", test: (v) => Array.isArray(v) && [...v].every((n) => typeof n === 'string') && new Set(v).size === v.length };

/** A plain object; what is in it is for its reader to check. */
export const OBJECT: Kind = { what: 'an object', test: isPlainObject };

/** What has a state. */
export interface Restorable {
  stateDict(): object;
  loadStateDict(state: never): void;
}

/** Loads every state or, where one is refused, none. */
export function loadAll(list: readonly (readonly [Restorable, unknown])[]): void {
  const before = list.map(([to]) => to.stateDict());
  list.forEach(([to, state], i) => {
    try {
      to.loadStateDict(state as never);
    } catch (error) {
      for (let k = 0; k < i; k++) (list[k] as readonly [Restorable, unknown])[0].loadStateDict(before[k] as never);
      throw error;
    }
  });
}
