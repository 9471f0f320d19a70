// Players that train in turn, each with losses, parameters and an optimizer of its own: adversarial training.
import { assertArity, checkArgument, FUNCTION, type Kinds, optionsOf } from '../../tensor/check.ts';
import { valueError } from '../../tensor/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { count } from '../checks.ts';
import { type MultiBackwardOptions, WITHOUT_COMBINE } from '../combining/options.ts';
import { METHOD, type Method } from '../methods/method.ts';
import type { BackwardReport } from '../combining/report.ts';
import type { Losses } from '../strategy.ts';
import { OBJECT, type States, stateOf } from '../state.ts';
import { leavesIn, OPTIMIZER, type Steppable, statesOf, type Trainable, runStep } from './training-step.ts';

/** One player. */
export interface Player<Args extends readonly unknown[] = readonly unknown[], Name extends string = string> {
  /**
   * The losses that it makes small. Runs in its turn, with the step's arguments; the whole forward pass belongs inside.
   */
  losses: (...args: Args) => Losses<Name>;
  /** Steps the player's own parameters: only these get gradients in its turn. */
  optimizer: Steppable;
  /** It plays in every so many-th step, the first one among them; default 1. */
  every?: number;
  /** How its losses become one step; default their sum. */
  combine?: Method;
  /** Further parameters or modules that ask for no gradient in its turn. The other players' never do. */
  freeze?: Trainable;
  /** Further options of `multiloss.backward`. */
  backward?: Omit<MultiBackwardOptions, 'combine'>;
  /** Runs when its gradients are whole, before its optimizer's step: clipping. */
  beforeStep?: () => void;
}

const PLAYER: Kinds<Player> = {
  losses: FUNCTION,
  optimizer: OPTIMIZER,
  every: count(1),
  combine: METHOD,
  freeze: { what: 'a list of parameters and modules', test: (v) => typeof v === 'object' && v !== null },
  backward: OBJECT,
  beforeStep: FUNCTION,
};

/** What a player's turn did. */
export interface PlayerStep {
  /** The losses' values. */
  readonly losses: Readonly<Record<string, number>>;
  /** What the backward pass did. */
  readonly report: BackwardReport;
}

/** Players by name, who play in this order. */
export class Alternate<Args extends readonly unknown[], Key extends string> {
  private readonly players: readonly (readonly [Key, Player<Args>, frozen: readonly Tensor[]])[];
  private count = 0;

  constructor(players: Readonly<Record<Key, Player<Args>>>) {
    assertArity('alternate', arguments.length, 1);
    checkArgument('alternate', 'players', players, OBJECT);
    const entries = Object.entries(players) as [Key, Player<Args>][];
    if (entries.length === 0) throw valueError('alternate', 'got no players. Pass { name: { losses, optimizer }, … }.');
    for (const [name, player] of entries) {
      const op = `alternate, player '${name}'`;
      const { optimizer, losses, backward } = optionsOf(op, player as unknown as Player, PLAYER);
      checkArgument(op, 'losses', losses, FUNCTION);
      checkArgument(op, 'optimizer', optimizer, OPTIMIZER);
      optionsOf(op, backward, WITHOUT_COMBINE);
      const twin = entries.find(([other, p]) => other !== name && p.optimizer === optimizer);
      if (twin) throw valueError(`alternate, player '${name}'`, `it shares its optimizer with '${twin[0]}'. Give each player one of its own.`);
    }
    const own = new Map(entries.map(([name, p]) => [name, new Set(p.optimizer.paramGroups.flatMap((g) => g.params))]));
    this.players = entries.map(([name, p]) => {
      const mine = own.get(name) as Set<Tensor>;
      const op = `alternate, player '${name}'`;
      const extra = leavesIn(op, p.freeze ?? []);
      const both = extra.find((t) => mine.has(t));
      if (both) throw valueError(op, `it freezes ${both.describe()}, which its own optimizer steps. Take it out of one of them.`);
      const others = [...own.values()].flatMap((set) => [...set]).filter((t) => !mine.has(t));
      return [name, p, [...new Set([...others, ...extra])]] as const;
    });
  }

  /** Steps done. */
  get steps(): number {
    return this.count;
  }

  /**
   * Each player whose turn it is: forward, its gradients cleared, backward, its optimizer's step. While it plays, the
   * other players' parameters ask for no gradient, so nothing need be detached and no graph retained.
   *
   * @returns by player what it did; null where it was not its turn
   * @throws naming player and loss, where one is not a scalar, detached or not finite. That player has not stepped
   * then, nor those after it
   */
  step(...args: Args): Record<Key, PlayerStep | null> {
    const done = this.players.map(([name, p, frozen]) => {
      if (this.count % (p.every ?? 1) !== 0) return [name, null] as const;
      const step = { op: `alternate, player '${name}'`, frozen, combine: p.combine, options: p.backward, lrFactor: 1, optimizer: p.optimizer, beforeStep: p.beforeStep };
      return [name, runStep(step, () => p.losses(...args))] as const;
    });
    this.count++;
    return Object.fromEntries(done) as Record<Key, PlayerStep | null>;
  }

  /** What the players' methods remember. */
  private get methods(): States {
    return statesOf(this.players.map(([name, { combine }]) => [name, combine]));
  }

  /** The count of steps and the methods' states, as plain data. */
  stateDict(): { steps: number; methods: Record<string, Record<string, unknown>> } {
    return { steps: this.count, methods: this.methods.save() as Record<string, Record<string, unknown>> };
  }

  /** Takes up what `stateDict` gave. */
  loadStateDict(state: { steps: number; methods: Readonly<Record<string, Record<string, unknown>>> }): void {
    assertArity('alternate.loadStateDict', arguments.length, 1);
    stateOf('alternate', state, { steps: count(0), methods: OBJECT });
    this.methods.load('alternate', state.methods);
    this.count = state.steps;
  }
}

/**
 * Adversarial training: players with optimizers of their own, in turn.
 *
 * ```ts
 * const game = multiloss.alternate({
 *   critic: { losses: (x: Tensor) => ({ real: …, fake: … }), optimizer: criticOptimizer },
 *   generator: { losses: (x: Tensor) => ({ fool: … }), optimizer: generatorOptimizer, every: 2 },
 * });
 * for (const [x] of loader) game.step(x);
 * ```
 */
export function alternate<Args extends readonly unknown[], Key extends string>(players: Readonly<Record<Key, Player<Args>>>): Alternate<Args, Key> {
  assertArity('alternate', arguments.length, 1);
  return new Alternate(players);
}
