// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';

/** Where the driver of a PC and of newer Jetsons states its version, and where the system of a Jetson does. */
const DRIVER_FILE = '/proc/driver/nvidia/version';
const JETSON_FILE = '/etc/nv_tegra_release';

/** Version of the NVIDIA driver that is loaded, and of the system of a Jetson; empty where neither says anything. */
export function driverVersion(): string {
  return driverVersionText(textOf(DRIVER_FILE), textOf(JETSON_FILE));
}

/** From the contents of the two files: "540.4.0, Jetson Linux 36.4.3". */
export function driverVersionText(driver: string, jetson: string): string {
  const version = /^NVRM version:.*?\s(\d+(?:\.\d+)+)\s/m.exec(driver)?.[1];
  const [, release, revision] = /^# R(\d+) \(release\), REVISION: ([\d.]+)/m.exec(jetson) ?? [];
  return [version, release === undefined ? undefined : `Jetson Linux ${release}.${revision}`]
    .filter((part) => part !== undefined)
    .join(', ');
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
