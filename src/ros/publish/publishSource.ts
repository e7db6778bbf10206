// SPDX-License-Identifier: MIT
import type { FrameRange, Source } from '../../sources/Source.ts';
import type { RosQos } from '../RosNode.ts';
import { MACHINE_TIME, type MachineTime, PlayClock } from './PlayClock.ts';
import { type PlayOutcome, playSource } from './playSource.ts';
import { type PublishedCamera, type PublishedNames, type PublishingNode, SourcePublisher } from './SourcePublisher.ts';

export interface PublishOptions {
  names: PublishedNames;
  camera: PublishedCamera;
  qos: RosQos;
  range: FrameRange;
  rate: number;
  loop: boolean;
  stampNow: boolean;
  withClock: boolean;
  /** Wait for ever for a subscriber of the images, instead of for a second. */
  waitForSubscribers: boolean;
}

/** Until subscribers that are there are found. */
const DISCOVERY_MS = 1000;
const LOOK_EVERY_MS = 20;
/** Until a subscriber that was found has found the publisher as well; what comes earlier is lost to it. */
const MUTUAL_MS = 300;
/** Until the last messages are with their readers. */
const DELIVERY_MS = 300;
const MAX_WARNINGS = 10;

/**
 * Plays a source as topics of a node.
 *
 * @param say takes lines for people
 */
export async function publishSource(
  source: Source,
  node: PublishingNode,
  options: PublishOptions,
  say: (line: string) => void,
  signal: AbortSignal,
  time: MachineTime = MACHINE_TIME,
): Promise<PlayOutcome> {
  const { names, camera, qos, rate, withClock } = options;
  const publisher = new SourcePublisher(node, names, camera, qos, withClock);
  try {
    await waitForSubscribers(publisher, options.waitForSubscribers, say, signal, time);
    let faults = 0;
    const onFault = (fault: string): void => {
      if (faults++ < MAX_WARNINGS) say(`skipped: ${fault}`);
    };
    const play = { ...options, ticks: withClock };
    const outcome = await playSource(source, publisher, new PlayClock(rate, time), play, { onFault }, signal);
    await time.sleep(DELIVERY_MS, signal);
    return outcome;
  } finally {
    publisher.close();
  }
}

async function waitForSubscribers(
  publisher: SourcePublisher,
  forEver: boolean,
  say: (line: string) => void,
  signal: AbortSignal,
  time: MachineTime,
): Promise<void> {
  const startMs = time.monotonicMs();
  if (forEver && publisher.subscribers === 0) say('Waiting for a subscriber of the images.');
  while (publisher.subscribers === 0 && !signal.aborted) {
    if (!forEver && time.monotonicMs() - startMs > DISCOVERY_MS) return;
    await time.sleep(LOOK_EVERY_MS, signal);
  }
  await time.sleep(MUTUAL_MS, signal);
}
