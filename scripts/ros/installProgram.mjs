// SPDX-License-Identifier: MIT
// `node scripts/ros/installProgram.mjs copy|link <prefix>`, run by the installation of the ROS 2 package: npm packages, and JavaScript for the messages.

import { join } from 'node:path';
import { ROOT } from '../setup/root.mjs';
import { copyPackages } from './copyPackages.mjs';
import { generateMessages } from './generateMessages.mjs';
import { linkSource, unlinkSource } from './linkSource.mjs';

const [mode, prefix] = process.argv.slice(2);
if ((mode !== 'copy' && mode !== 'link') || !prefix) {
  console.error('Usage: node scripts/ros/installProgram.mjs copy|link <prefix>');
  process.exit(2);
}
const share = join(prefix, 'share', 'qpvo');
if (mode === 'link') {
  linkSource(share);
  await generateMessages(ROOT, prefix);
} else {
  unlinkSource(share);
  copyPackages(share);
  await generateMessages(share, prefix);
}
