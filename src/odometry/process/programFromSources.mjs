// SPDX-License-Identifier: MIT
// Starts the program from TypeScript sources: a process needs its own loader. The compiled package starts program.js itself.
import { register } from 'tsx/esm/api';

register();
await import('./program.ts');
