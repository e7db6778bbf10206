// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../packageRoot.ts';
import type { Check } from './Check.ts';

interface PackageManifest {
  version: string;
  engines: { node: string };
  dependencies: Record<string, string>;
}

/** Node and the npm packages that the program needs. */
export function checkPackages(): Check[] {
  const manifest = readManifest(join(packageRoot(), 'package.json'));
  return [checkNode(manifest.engines.node), ...Object.keys(manifest.dependencies).map(checkPackage)];
}

function checkNode(range: string): Check {
  const oldest = range.replace(/[^\d.]/g, '');
  const isNewEnough = compareVersions(process.versions.node, oldest) >= 0;
  return {
    name: 'node',
    status: isNewEnough ? 'ok' : 'broken',
    detail: isNewEnough ? process.version : `${process.version} is older than ${oldest}: install a newer Node.js`,
  };
}

/** Negative, zero or positive as `a` is older than, the same as or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function checkPackage(name: string): Check {
  // The manifest itself is looked up, since some packages do not export it.
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const path = folders.map((folder) => join(folder, name, 'package.json')).find((candidate) => existsSync(candidate));
  return path === undefined
    ? { name, status: 'broken', detail: 'not installed: run npm install' }
    : { name, status: 'ok', detail: readManifest(path).version };
}

function readManifest(path: string): PackageManifest {
  return JSON.parse(readFileSync(path, 'utf8')) as PackageManifest;
}
