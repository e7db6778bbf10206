// SPDX-License-Identifier: MIT
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, QpvoError } from '../error.ts';
import { McapOutput } from '../outputs/McapOutput.ts';
import type { Output } from '../outputs/Output.ts';
import type { OutputContext } from '../outputs/OutputContext.ts';
import { PartFiles } from '../outputs/PartFiles.ts';
import { PlyOutput } from '../outputs/PlyOutput.ts';
import { ReportOutput } from '../outputs/ReportOutput.ts';
import { TumOutput } from '../outputs/TumOutput.ts';

/** Makes the folder of the outputs. @throws QpvoError QPVO_OUTPUT */
export async function makeOutputFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw cannotWrite(`cannot create the output folder ${folder}`, error);
  }
}

/**
 * The files of a run, open for writing. When one cannot be created, none is left behind, and those of a former run stay as they were.
 *
 * @throws QpvoError QPVO_OUTPUT
 */
export async function openOutputs(folder: string, context: OutputContext, withReport: boolean): Promise<Output[]> {
  const kinds = [
    { name: 'trajectory.tum', create: TumOutput.create },
    { name: 'odometry.mcap', create: McapOutput.create },
    { name: 'map.ply', create: PlyOutput.create },
    ...(withReport ? [{ name: 'report.html', create: ReportOutput.create }] : []),
  ];
  const files = new PartFiles(context.openFile);
  const outputs: Output[] = [];
  try {
    for (const { name, create } of kinds) {
      outputs.push(await create(join(folder, name), { ...context, openFile: files.open }));
    }
    await files.keep();
  } catch (error) {
    await files.discard();
    throw error;
  }
  return outputs;
}

/** Writes a value as JSON, making the folder of the file. @throws QpvoError QPVO_OUTPUT */
export async function writeJson(path: string, value: object): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
  } catch (error) {
    throw cannotWrite(`cannot write ${path}`, error);
  }
}

function cannotWrite(what: string, error: unknown): QpvoError {
  return new QpvoError('QPVO_OUTPUT', {
    what,
    expected: 'a place that can be written to',
    received: messageOf(error),
    advice: 'Choose another one with --out or --json, or free some space.',
    cause: error,
  });
}
