// SPDX-License-Identifier: MIT

/** A subcommand of qpvo. */
export interface Command {
  /** Text of --help, with examples. */
  help: string;
  /**
   * @param args what follows the name of the subcommand
   * @returns exit code: 0 done, 1 failed
   * @throws QpvoError; QPVO_USAGE and QPVO_PARAMETER mean exit code 2, every other 1
   */
  run(args: string[]): Promise<number>;
}
