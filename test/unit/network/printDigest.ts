// SPDX-License-Identifier: MIT
// A process of its own for the test of repeatability.
import { digest } from './workload.ts';

digest(2).then((text) => console.log(text));
