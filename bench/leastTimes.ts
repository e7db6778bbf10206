// SPDX-License-Identifier: MIT

/** The least time of each, ms, in turns, so that all see the same machine. */
export async function leastTimes(forms: readonly { run(): Promise<void> }[], repetitions: number): Promise<number[]> {
  const least = forms.map(() => Number.POSITIVE_INFINITY);
  for (let k = 0; k < repetitions; k++) {
    for (const [index, form] of forms.entries()) {
      const start = performance.now();
      await form.run();
      least[index] = Math.min(least[index]!, performance.now() - start);
    }
  }
  return least;
}
