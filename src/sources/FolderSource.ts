// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { messageOf, QpvoError } from '../error.ts';
import { decodeImage } from '../messages/compressedImage.ts';
import type { Pose, StampedPose } from '../odometry/Pose.ts';
import { frameSelection } from './frameSelection.ts';
import { mapAhead } from './mapAhead.ts';
import type { FrameFault, FrameRange, ImageFrame, Source, SourceInfo, SourceItem } from './Source.ts';

/** Images that are decoded while the last one is in use. */
const DECODE_AHEAD = 2;

/** An image file, not yet read. */
export interface ImageEntry {
  stampNs: bigint;
  path: string;
}

export interface ImageFolder {
  kind: string;
  path: string;
  /** In recorded order. */
  entries: readonly (ImageEntry | FrameFault)[];
  calibration: CameraCalibration | undefined;
  groundTruth: StampedPose[] | undefined;
  T_body_camera?: Pose | undefined;
}

/**
 * A sequence of image files. Only the list of names is held in memory (about 100 bytes an image).
 *
 * @throws QpvoError QPVO_SOURCE_EMPTY when there is no image
 */
export async function openImages(folder: ImageFolder): Promise<Source> {
  const images = folder.entries.filter((entry): entry is ImageEntry => !('fault' in entry));
  if (images.length === 0) {
    throw new QpvoError('QPVO_SOURCE_EMPTY', {
      what: `no images in ${folder.path}`,
      expected: 'PNG, JPEG, WebP or TIFF files',
      received: folder.entries.length === 0 ? 'none' : `${folder.entries.length} unreadable entries`,
    });
  }
  const first = await frameOrFault(images[0]!);
  const frame = 'fault' in first ? undefined : first;
  return new FolderSource(folder, {
    kind: folder.kind,
    path: folder.path,
    imageCount: folder.entries.length,
    firstStampNs: images[0]!.stampNs,
    lastStampNs: images[images.length - 1]!.stampNs,
    imageTopic: undefined,
    cameraInfoTopic: undefined,
    width: frame?.width,
    height: frame?.height,
    encoding: frame?.encoding,
    topics: [],
  });
}

class FolderSource implements Source {
  readonly info: SourceInfo;
  readonly calibration: CameraCalibration | undefined;
  readonly groundTruth: StampedPose[] | undefined;
  readonly T_body_camera: Pose | undefined;
  readonly #entries: readonly (ImageEntry | FrameFault)[];

  constructor(folder: ImageFolder, info: SourceInfo) {
    this.info = info;
    this.calibration = folder.calibration;
    this.groundTruth = folder.groundTruth;
    this.T_body_camera = folder.T_body_camera;
    this.#entries = folder.entries;
  }

  frames(range: FrameRange = {}): AsyncIterableIterator<SourceItem> {
    return mapAhead(this.#selected(range), DECODE_AHEAD, frameOrFault);
  }

  async *#selected(range: FrameRange): AsyncGenerator<ImageEntry | FrameFault> {
    const select = frameSelection(range);
    for (const entry of this.#entries) {
      const selection = 'fault' in entry ? 'take' : select(entry.stampNs);
      if (selection === 'stop') return;
      if (selection === 'take') yield entry;
    }
  }

  async close(): Promise<void> {}
}

async function frameOrFault(entry: ImageEntry | FrameFault): Promise<SourceItem> {
  if ('fault' in entry) return entry;
  try {
    const frame: ImageFrame = { stampNs: entry.stampNs, ...(await decodeImage(await readFile(entry.path))) };
    return frame;
  } catch (error) {
    return { stampNs: entry.stampNs, fault: `${entry.path}: ${messageOf(error)}` };
  }
}
