// SPDX-License-Identifier: MIT
import { rename, rm } from 'node:fs/promises';
import { QpvoError } from '../error.ts';
import type { FinishResult, TrackResult } from '../odometry/types.ts';
import type { Output } from './Output.ts';
import type { OutputContext } from './OutputContext.ts';
import { OutputFile, outputError } from './OutputFile.ts';
import type { RunSummary } from './RunSummary.ts';
import { reportPage, unfinishedPage } from './report/page.ts';
import { reportModel } from './report/ReportModel.ts';
import { RunRecord } from './report/RunRecord.ts';

/**
 * The run as one self-contained HTML page, written at the end. Until then the file says that the run has not ended. What is kept in memory for it is
 * bounded: long runs are thinned evenly.
 */
export class ReportOutput implements Output {
  readonly path: string;
  readonly #context: OutputContext;
  readonly #record = new RunRecord();

  private constructor(path: string, context: OutputContext) {
    this.path = path;
    this.#context = context;
  }

  static async create(path: string, context: OutputContext): Promise<ReportOutput> {
    await writePage(path, unfinishedPage(context.sourceName), context);
    return new ReportOutput(path, context);
  }

  async write(result: TrackResult): Promise<void> {
    this.#record.add(result);
  }

  async finish(end: FinishResult, summary: RunSummary): Promise<void> {
    this.#record.addFinal(end.finalPoses, end.finalPoints);
    const page = reportPage(reportModel(this.#record, this.#context, summary));
    const partPath = `${this.path}.part`;
    try {
      await writePage(partPath, page, this.#context);
      await rename(partPath, this.path);
    } catch (error) {
      await rm(partPath, { force: true }).catch(() => undefined);
      if (error instanceof QpvoError) throw error;
      throw outputError(`${this.path} could not be replaced`, 'the page of the unfinished run is kept', error);
    }
  }
}

async function writePage(path: string, page: string, context: OutputContext): Promise<void> {
  const file = await OutputFile.create(path, context.openFile);
  await file.append(Buffer.from(page, 'utf8'));
  await file.markValid();
  await file.close();
}
