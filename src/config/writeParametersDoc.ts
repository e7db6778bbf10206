// SPDX-License-Identifier: MIT
// Writes docs/parameters.md: node --import tsx src/config/writeParametersDoc.ts
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../packageRoot.ts';
import { parametersMarkdown } from './parametersMarkdown.ts';

await writeFile(join(packageRoot(), 'docs', 'parameters.md'), parametersMarkdown());
