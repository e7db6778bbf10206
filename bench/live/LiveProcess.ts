// SPDX-License-Identifier: MIT
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Ticks of the kernel's clock a second, as /proc counts processor time. */
const TICKS_PER_S = 100;

/** A program of this package that runs beside the benchmark; what it says is kept for the case that it fails. */
export class LiveProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #said = '';

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-4000);
      });
    }
    this.#ended = new Promise((resolve) => this.#child.on('close', resolve));
  }

  get said(): string {
    return this.#said;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resident memory, MB of 2^20 bytes. */
  rssMb(): number {
    const line = /VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'));
    return Number(line?.[1] ?? Number.NaN) / 1024;
  }

  /** Processor time so far, user and system, of all threads. */
  cpuS(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
  }

  async end(): Promise<void> {
    if (this.isRunning) this.#child.kill('SIGINT');
    await this.#ended;
  }
}
