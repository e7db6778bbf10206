// SPDX-License-Identifier: MIT

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Exit code of a process ended by SIGINT, by convention of shells. */
const INTERRUPTED = 130;

/**
 * Runs an action that can be ended early: the first SIGINT or SIGTERM aborts its signal, the second ends the process at once.
 *
 * @param onFirst called at the first one
 */
export async function interruptible<T>(action: (signal: AbortSignal) => Promise<T>, onFirst: () => void): Promise<T> {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
    onFirst();
  };
  for (const name of SIGNALS) process.on(name, handle);
  try {
    return await action(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, handle);
  }
}
