// SPDX-License-Identifier: MIT
// Starts a lane from TypeScript sources: a thread needs its own loader. The compiled package starts lane.js itself.
import { register } from 'tsx/esm/api';

register();
await import('./lane.ts');
