// SPDX-License-Identifier: MIT
// qpvo/msg/OdometryStatus. The list below and msg/OdometryStatus.msg say the same; a test compares them.
import { CdrWriter } from '@foxglove/cdr';
import { QpvoError } from '../../error.ts';
import { type CdrFields, cdrFields } from '../cdrFields.ts';
import { timeParts, writeHeader, writeText } from './writeParts.ts';

/** In the order of their numbers. The first four are those of TrackResult. */
export const NODE_STATES = ['INITIALIZING', 'TRACKING', 'DEGRADED', 'LOST', 'PAUSED', 'STARTING', 'ERROR'] as const;
export const SCALE_STATES = ['UNSCALED', 'FIXED', 'ESTIMATED'] as const;

export type NodeState = (typeof NODE_STATES)[number];
export type ScaleState = (typeof SCALE_STATES)[number];

/** State of the node with each image; fields as in msg/OdometryStatus.msg. Undefined is written as NaN. */
export interface OdometryStatusMessage {
  stampNs: bigint;
  frame: string;
  state: NodeState;
  reason: string;
  segment: number;
  scaleState: ScaleState;
  /** Metres per unit of the segment; while UNSCALED a guess (1, or the last that was known). */
  scale: number;
  /** Relative; 0 unless ESTIMATED. */
  scaleSpread: number;
  framesReceived: number;
  framesProcessed: number;
  framesDropped: number;
  framesSkipped: number;
  keyframes: number;
  /** Metres, or units of the segment while UNSCALED. */
  distance: number;
  latencyMs: number | undefined;
  processingMs: number | undefined;
  stagesMs: Readonly<Record<string, number>>;
  medianConfidence: number | undefined;
  residualPx: number | undefined;
  inlierShare: number | undefined;
  initFrames: number;
  initFramesNeeded: number;
  profile: string;
  model: string;
  device: string;
}

type FieldValue = number | bigint | string | string[] | number[];
type FieldType = keyof typeof WRITE;

const WRITE = {
  uint8: (cdr: CdrWriter, value: FieldValue) => cdr.uint8(value as number),
  uint32: (cdr: CdrWriter, value: FieldValue) => cdr.uint32(value as number),
  uint64: (cdr: CdrWriter, value: FieldValue) => cdr.uint64(value as bigint),
  float64: (cdr: CdrWriter, value: FieldValue) => cdr.float64(value as number),
  string: (cdr: CdrWriter, value: FieldValue) => writeText(cdr, value as string),
  'string[]': (cdr: CdrWriter, value: FieldValue) => {
    cdr.sequenceLength((value as string[]).length);
    for (const text of value as string[]) writeText(cdr, text);
  },
  'float64[]': (cdr: CdrWriter, value: FieldValue) => cdr.float64Array(value as number[], true),
};

const READ: Record<FieldType, (fields: CdrFields) => FieldValue> = {
  uint8: (fields) => fields.uint8(),
  uint32: (fields) => fields.uint32(),
  uint64: (fields) => fields.uint64(),
  float64: (fields) => fields.float64(),
  string: (fields) => fields.string(),
  'string[]': (fields) => fields.sequence(() => fields.string()),
  'float64[]': (fields) => fields.float64Array(),
};

const known = (value: number | undefined): number => value ?? Number.NaN;

/** Fields behind the header, in order. */
export const ODOMETRY_STATUS_FIELDS: readonly (readonly [
  name: string,
  type: FieldType,
  value: (status: OdometryStatusMessage) => FieldValue,
])[] = [
  ['state', 'uint8', (status) => NODE_STATES.indexOf(status.state)],
  ['state_text', 'string', (status) => status.state],
  ['reason', 'string', (status) => status.reason],
  ['segment', 'uint32', (status) => status.segment],
  ['scale_state', 'uint8', (status) => SCALE_STATES.indexOf(status.scaleState)],
  ['scale', 'float64', (status) => status.scale],
  ['scale_spread', 'float64', (status) => status.scaleSpread],
  ['frames_received', 'uint64', (status) => BigInt(status.framesReceived)],
  ['frames_processed', 'uint64', (status) => BigInt(status.framesProcessed)],
  ['frames_dropped', 'uint64', (status) => BigInt(status.framesDropped)],
  ['frames_skipped', 'uint64', (status) => BigInt(status.framesSkipped)],
  ['keyframes', 'uint64', (status) => BigInt(status.keyframes)],
  ['distance', 'float64', (status) => status.distance],
  ['latency_ms', 'float64', (status) => known(status.latencyMs)],
  ['processing_ms', 'float64', (status) => known(status.processingMs)],
  ['stage_names', 'string[]', (status) => Object.keys(status.stagesMs)],
  ['stage_ms', 'float64[]', (status) => Object.values(status.stagesMs)],
  ['median_confidence', 'float64', (status) => known(status.medianConfidence)],
  ['residual_px', 'float64', (status) => known(status.residualPx)],
  ['inlier_share', 'float64', (status) => known(status.inlierShare)],
  ['init_frames', 'uint32', (status) => status.initFrames],
  ['init_frames_needed', 'uint32', (status) => status.initFramesNeeded],
  ['profile', 'string', (status) => status.profile],
  ['model', 'string', (status) => status.model],
  ['device', 'string', (status) => status.device],
];

export function encodeOdometryStatus(status: OdometryStatusMessage): Uint8Array {
  const cdr = new CdrWriter({ size: 1024 });
  writeHeader(cdr, status.stampNs, status.frame);
  for (const [, type, value] of ODOMETRY_STATUS_FIELDS) WRITE[type](cdr, value(status));
  return cdr.data;
}

/** The same as fields of a service response: ROS names, 64-bit integers as bigint. */
export function odometryStatusFields(status: OdometryStatusMessage): Record<string, unknown> {
  const header = { stamp: timeParts(status.stampNs), frame_id: status.frame };
  return { header, ...Object.fromEntries(ODOMETRY_STATUS_FIELDS.map(([name, , value]) => [name, value(status)])) };
}

/** @throws QpvoError QPVO_SOURCE_CORRUPT for an unknown state, or when the bytes end too early */
export function readOdometryStatus(message: Uint8Array): OdometryStatusMessage {
  const fields = cdrFields(message);
  const { stampNs, frameId } = fields.header();
  const values = new Map(ODOMETRY_STATUS_FIELDS.map(([name, type]) => [name, READ[type](fields)]));
  const number = (name: string): number => Number(values.get(name));
  const text = (name: string): string => String(values.get(name));
  const measured = (name: string): number | undefined => (Number.isNaN(number(name)) ? undefined : number(name));
  const stageMs = values.get('stage_ms') as number[];
  const stageNames = values.get('stage_names') as string[];
  return {
    stampNs,
    frame: frameId,
    state: nameOf(NODE_STATES, number('state'), 'state'),
    reason: text('reason'),
    segment: number('segment'),
    scaleState: nameOf(SCALE_STATES, number('scale_state'), 'scale_state'),
    scale: number('scale'),
    scaleSpread: number('scale_spread'),
    framesReceived: number('frames_received'),
    framesProcessed: number('frames_processed'),
    framesDropped: number('frames_dropped'),
    framesSkipped: number('frames_skipped'),
    keyframes: number('keyframes'),
    distance: number('distance'),
    latencyMs: measured('latency_ms'),
    processingMs: measured('processing_ms'),
    stagesMs: Object.fromEntries(stageNames.map((name, i) => [name, stageMs[i] ?? Number.NaN])),
    medianConfidence: measured('median_confidence'),
    residualPx: measured('residual_px'),
    inlierShare: measured('inlier_share'),
    initFrames: number('init_frames'),
    initFramesNeeded: number('init_frames_needed'),
    profile: text('profile'),
    model: text('model'),
    device: text('device'),
  };
}

function nameOf<T extends string>(names: readonly T[], value: number, field: string): T {
  const name = names[value];
  if (name !== undefined) return name;
  throw new QpvoError('QPVO_SOURCE_CORRUPT', {
    what: `an unknown ${field} in an odometry status`,
    expected: names.map((known, i) => `${i} (${known})`).join(', '),
    received: String(value),
  });
}
