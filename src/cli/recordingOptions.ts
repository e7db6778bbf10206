// SPDX-License-Identifier: MIT

/** Options of every command that runs odometry over recordings: what is read, with which model and parameters. */
export const RECORDING_OPTIONS = {
  model: { type: 'string' },
  camera: { type: 'string' },
  topic: { type: 'string' },
  start: { type: 'string' },
  end: { type: 'string' },
  stride: { type: 'string' },
  set: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'string' },
} as const;
