// SPDX-License-Identifier: MIT

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Exit code of a process ended by SIGINT, by convention of shells. */
const INTERRUPTED = 130;
/** What the program may take to end once the action has. */
const END_MS = 3000;
/**
 * Runs an action that can be ended early: the first SIGINT or SIGTERM aborts its signal, another one later ends the process at once. After an abort signals are still heard
 * when the action has ended: what follows is the end of the program, and it must not be taken for a crash.
 *
 * @param onFirst called at the first one
 * @param sameWishMs signals that come so soon after the first are the same wish: a terminal and ros2 launch both send one
 */
export async function interruptible<T>(
  action: (signal: AbortSignal) => Promise<T>,
  onFirst: () => void,
  sameWishMs = 0,
): Promise<T> {
  const controller = new AbortController();
  let firstMs = 0;
  let isOver = false;
  const handle = (): void => {
    if (controller.signal.aborted) {
      const isSameWish = performance.now() - firstMs < Math.max(sameWishMs, isOver ? END_MS : 0);
      if (!isSameWish) process.exit(INTERRUPTED);
      return;
    }
    firstMs = performance.now();
    controller.abort();
    onFirst();
  };
  for (const name of SIGNALS) process.on(name, handle);
  try {
    return await action(controller.signal);
  } finally {
    isOver = true;
    if (!controller.signal.aborted) for (const name of SIGNALS) process.off(name, handle);
  }
}
