// Objects that a step hands to the host and that replays fill: reports of multi-loss methods. A step with several
// programs has several of each, and the host may hold any: those that it got last show the numbers of the program that
// ran last.

/** An object of a program, with the fields that its host work fills in place. */
export interface Handed {
  readonly object: object;
  readonly fields: object;
}

export class Shown {
  private latest: readonly Handed[] = [];
  private program: readonly Handed[] = [];

  /** What a run of the step handed out: from now on the host looks at these. */
  take(objects: readonly object[]): readonly Handed[] {
    this.latest = objects.map((object) => ({ object, fields: { ...object } }));
    this.program = this.latest;
    return this.latest;
  }

  /** A program is about to run: its own objects are themselves again, and the latest show the same. */
  show(program: readonly Handed[]): void {
    if (program === this.program) return;
    this.program = program;
    program.forEach(({ object, fields }, i) => {
      Object.assign(object, fields);
      const latest = this.latest[i]?.object;
      if (latest) Object.assign(latest, fields);
    });
  }
}
