// SPDX-License-Identifier: MIT
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComparedRun, Comparison, ComparisonPlan } from '../compare/Comparison.ts';
import { compareRuns } from '../compare/compareRuns.ts';
import { comparisonPage } from '../compare/page/comparisonPage.ts';
import { sequenceTracks } from '../compare/page/tracks.ts';
import { RunErrors } from '../compare/RunErrors.ts';
import { QpvoError } from '../error.ts';
import { outputError } from '../outputs/OutputFile.ts';
import { packageVersion } from '../packageRoot.ts';
import type { FrameRange } from '../sources/Source.ts';
import { hostInfo } from './hostInfo.ts';
import { makeOutputFolder, writeJson } from './openOutputs.ts';

/** compare.json and compare.html, written anew after every run, so that whatever ends the comparison leaves what was done. */
export class ComparisonFiles {
  readonly paths: { json: string; page: string };
  readonly #plan: ComparisonPlan;
  readonly #range: FrameRange;
  readonly #errors: RunErrors;
  readonly #runs: ComparedRun[] = [];
  readonly #startedAt = new Date().toISOString();

  private constructor(plan: ComparisonPlan, range: FrameRange, folder: string, json: string | undefined) {
    this.#plan = plan;
    this.#range = range;
    this.#errors = new RunErrors(plan);
    this.paths = { json: json ?? join(folder, 'compare.json'), page: join(folder, 'compare.html') };
  }

  /** Makes the folder. @throws QpvoError QPVO_OUTPUT when it, or a file in it, cannot be written */
  static async create(
    plan: ComparisonPlan,
    range: FrameRange,
    folder: string,
    json: string | undefined,
  ): Promise<ComparisonFiles> {
    await makeOutputFolder(folder);
    const files = new ComparisonFiles(plan, range, folder, json);
    await files.#save();
    return files;
  }

  /** Takes a run that was made; resolves with what all runs so far say. */
  async add(run: ComparedRun): Promise<Comparison> {
    this.#runs.push(run);
    this.#errors.add(run);
    return this.#save();
  }

  async #save(): Promise<Comparison> {
    const comparison = await compareRuns(this.#plan, this.#runs, this.#errors);
    const about = { date: this.#startedAt, version: packageVersion(), host: hostInfo(), range: this.#range };
    await replace(this.paths.json, (path) => writeJson(path, { ...about, ...comparison }));
    const tracks = await Promise.all(
      comparison.sequences.map((result) => sequenceTracks(this.#plan, result, this.#runs)),
    );
    await replace(this.paths.page, (path) => writeFile(path, comparisonPage(comparison, tracks, about)));
    return comparison;
  }
}

/** Whoever reads the file meanwhile finds the old content or the new, never a part. */
async function replace(path: string, write: (path: string) => Promise<void>): Promise<void> {
  try {
    await write(`${path}.part`);
    await rename(`${path}.part`, path);
  } catch (error) {
    await rm(`${path}.part`, { force: true }).catch(() => undefined);
    if (error instanceof QpvoError) throw error;
    throw outputError(`${path} cannot be written`, 'what was there is kept', error);
  }
}
