// SPDX-License-Identifier: MIT
import { PARAMETER_NAMES, type ParameterName } from './parameters.ts';

/** Names under which ROS users know these parameters from other nodes. */
const KNOWN_AS: Readonly<Partial<Record<ParameterName, string>>> = {
  maskTopPx: 'img_mask_top',
  maskBottomPx: 'img_mask_bottom',
  maskLeftPx: 'img_mask_left',
  maskRightPx: 'img_mask_right',
};

/** The name of a parameter of the odometry on the ROS side: "patches_per_frame" for "patchesPerFrame". */
export function rosNameOf(name: ParameterName): string {
  return KNOWN_AS[name] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const BY_ROS_NAME: ReadonlyMap<string, ParameterName> = new Map(PARAMETER_NAMES.map((name) => [rosNameOf(name), name]));

/** "patchesPerFrame" for "patches_per_frame"; undefined when the odometry has no such parameter. */
export function odometryParameterName(rosName: string): ParameterName | undefined {
  return BY_ROS_NAME.get(rosName);
}
