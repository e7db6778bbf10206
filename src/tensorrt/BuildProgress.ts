// SPDX-License-Identifier: MIT
import type { BuilderEvent } from './builderProcess.ts';

interface Phase {
  name: string;
  parent: string;
  steps: number;
  done: number;
}

/**
 * How far a build is, from its phases. A phase has steps, and a step may be a phase of its own; the share is that of the steps, which take different times, so it
 * says that the build moves on, not when it ends.
 */
export class BuildProgress {
  readonly #phases = new Map<string, Phase>();
  #reached = 0;

  take(event: BuilderEvent): void {
    if (event.event === 'phase') {
      const { name, parent, steps } = event;
      this.#phases.set(name, { name, parent, steps: Math.max(1, steps), done: 0 });
    } else if (event.event === 'step') {
      const phase = this.#phases.get(event.name);
      if (phase !== undefined) phase.done = Math.min(event.step + 1, phase.steps);
    } else if (event.event === 'finish') {
      this.#phases.delete(event.name);
    }
  }

  /** The innermost phase that began last; empty before the first. */
  get phase(): string {
    return [...this.#phases.keys()].at(-1) ?? '';
  }

  /** Share of the build that is done, 0..1; never falls. */
  get share(): number {
    const roots = [...this.#phases.values()].filter(({ parent }) => !this.#phases.has(parent));
    const now = roots.reduce((most, root) => Math.max(most, this.#shareOf(root)), 0);
    this.#reached = Math.max(this.#reached, now);
    return this.#reached;
  }

  #shareOf({ name, steps, done }: Phase): number {
    const inner = [...this.#phases.values()].filter(({ parent }) => parent === name);
    const begun = inner.reduce((most, phase) => Math.max(most, this.#shareOf(phase)), 0);
    return Math.min(1, (done + (done < steps ? begun : 0)) / steps);
  }
}
