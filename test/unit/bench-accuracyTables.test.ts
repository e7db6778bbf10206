// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { SavedResult } from '../../bench/accuracy/AccuracyResult.ts';
import { summarizeRuns } from '../../bench/accuracy/CaseSummary.ts';
import { cardBlock } from '../../bench/accuracy/cardBlock.ts';
import type { RunRecord } from '../../bench/accuracy/RunRecord.ts';
import { readmeBlock } from '../../bench/accuracy/readmeBlock.ts';
import { verdictsAgainst, verdictText } from '../../bench/accuracy/verdicts.ts';
import { replaceBlock } from '../../bench/replaceBlock.ts';
import { FLOOR, record } from './bench-accuracyRecords.ts';

describe('the table of accuracy in the README', () => {
  const result = (runs: RunRecord[], missing = 0): SavedResult => ({
    alignment: 'sim3',
    rpeDeltaS: 1,
    missing,
    cases: summarizeRuns(runs),
    runs,
    date: '2030-01-02T03:04:05.000Z',
    commit: { hash: 'x', dirty: false },
    host: { cpu: 'Some Processor', cores: 2, memoryMb: 8192, node: 'v20.20.2' },
  });

  it('takes the place between its markers and nothing else', () => {
    const readme = 'before\n<!-- accuracy: begin -->\nold\n<!-- accuracy: end -->\nafter\n';
    const once = replaceBlock(readme, 'accuracy', 'new');
    assert.equal(once, 'before\n<!-- accuracy: begin -->\nnew\n<!-- accuracy: end -->\nafter\n');
    assert.equal(replaceBlock(once, 'accuracy', 'new'), once);
    assert.throws(() => replaceBlock('no markers', 'accuracy', 'new'), { code: 'QPVO_INTERNAL' });
  });

  it('shows what was missed, beside the floor', () => {
    const floor = record(0, 1.5, FLOOR);
    const text = readmeBlock(result([record(0, 0.15), record(1, 0.17), record(2, 0.31, { lost: true }), floor]));
    assert.match(
      text,
      /^Made by .* on 2030-01-02 at commit `0123456`; 2 cores of Some Processor, 8 GB, Node 20\.20\.2\.$/m,
    );
    assert.match(text, /^Model `small` \(weights `aaaa`\), profile `half`:$/m);
    assert.match(
      text,
      /^The mark of the weights is a digest of .* all files that the profile reads; it is not the checksum of one file\.$/m,
    );
    const row = text.split('\n').find((line) => line.startsWith('| flight |'))!;
    assert.match(row, /\| 0\.170 \(0\.150 to 0\.310\) \|/);
    assert.match(row, /\*\*missed\*\*: ATE, median \(wanted: at most 0\.100 m\); ATE, worst .*; runs lost/);
    assert.match(row, /\| 1\.50 \|$/);
    const columns = text.split('\n').filter((line) => line.startsWith('|'));
    assert.equal(new Set(columns.map((line) => line.split('|').length)).size, 1);
  });

  it('is made from the file alone: numbers that JSON cannot hold do not matter', () => {
    const runs = [record(0, 0.05), record(1, undefined, { lost: true, withPose: 0, segments: 0 })];
    const made = result(runs, 3);
    const text = readmeBlock(JSON.parse(JSON.stringify(made)) as SavedResult);
    assert.equal(text, readmeBlock(made));
    assert.match(text, /3 runs are missing/);
    assert.match(text, /\| - \(0\.0500 to -\) \|/);
  });

  it('says on how many images a verdict stands when the others have no pose', () => {
    const text = (withPose: number) => readmeBlock(result([record(0, 0.05, { withPose })]));
    assert.match(text(5), /\| met, on 50 % of the images \|/);
    assert.match(text(9), /\| met \|/);
  });

  it('says so when nothing is measured', () => {
    assert.match(readmeBlock(result([])), /Nothing measured yet/);
  });
});

describe('the table of odometry in the card of a model', () => {
  const OWN = { checksum: 'aaaa', profile: 'half' };
  const date = '2030-01-02T03:04:05.000Z';

  it('puts the runs from all starts of a sequence into one row, lost ones among them', () => {
    const other = { startFrame: 3, key: 'start3/seed0', lost: true, withPose: 5 };
    const excerpt = record(0, 9, { limitedTo: 5, key: 'excerpt' });
    const runs = [record(0, 0.1), record(1, 0.2), record(0, 0.6, other), record(0, 9, FLOOR), excerpt];
    const lines = cardBlock({ runs, date }, OWN)!.split('\n');
    assert.match(lines[0]!, /weights `aaaa`, profile `half`, 2030-01-02/);
    assert.match(lines[0]!, /The mark of the weights is a digest of .*; it is not the checksum of one file\.$/);
    const share = (100 * 0.2) / runs[0]!.pathM;
    assert.equal(lines.at(-1), `| flight, 1 | 3 | 0.200 (0.100 to 0.600) | ${share.toFixed(2)} | 50 % | 1 |`);
    assert.equal(lines.filter((line) => line.startsWith('| flight')).length, 1);
  });

  it('counts the runs with these weights, this profile and the newest settings alone', () => {
    const others = [{ checksum: 'bbbb' }, { profile: 'full' }, { settings: 's0' }].map((other) => record(0, 9, other));
    const lines = cardBlock({ runs: [...others, record(0, 0.1)], date }, OWN)!.split('\n');
    assert.match(lines.at(-1)!, /^\| flight, 1 \| 1 \| 0\.100 \|/);
  });

  it('is not there for a model without runs', () => {
    assert.equal(cardBlock({ runs: [record(0, 0.1)], date }, { ...OWN, checksum: 'bbbb' }), undefined);
  });
});

describe('verdicts against an earlier result', () => {
  const result = (runs: RunRecord[]) => ({ cases: summarizeRuns(runs), runs });
  const int8 = (seed: number, ateM: number, other: Partial<RunRecord> = {}): RunRecord =>
    record(seed, ateM, { profile: 'cpu_int8', key: `int8/${other.sequence ?? ''}/seed${seed}`, ...other });

  it('allows the spread of the seeds, or 5 % where they differ less', () => {
    const wide = result([record(0, 0.1), record(1, 0.1), record(2, 0.12)]);
    const verdictOf = (ateM: number, other = wide) => verdictsAgainst(summarizeRuns([int8(0, ateM)]), other)[0]!;
    assert.deepEqual(
      [0.119, 0.121].map((ateM) => verdictOf(ateM).verdict),
      ['within', 'BEYOND'],
    );
    const narrow = result([record(0, 0.1), record(1, 0.1), record(2, 0.101)]);
    assert.deepEqual(
      [0.1049, 0.1051].map((ateM) => verdictOf(ateM, narrow).verdict),
      ['within', 'BEYOND'],
    );
    const { ateM, otherAteM, limit } = verdictOf(0.11);
    assert.deepEqual([ateM, otherAteM, limit], [0.11, 0.1, 0.12]);
  });

  it('judges the cases that both have, each by its own runs', () => {
    const other = { sequence: 'another', key: 'another/seed0' };
    const before = result([record(0, 0.1), record(0, 9, other)]);
    const cases = summarizeRuns([
      int8(0, 0.1),
      int8(0, 9.1, { sequence: 'another' }),
      int8(0, 1, { stride: 7, key: 'x/seed0' }),
    ]);
    const verdicts = verdictsAgainst(cases, before);
    assert.deepEqual(verdicts.map(({ verdict, otherAteM }) => [verdict, otherAteM]).sort(), [
      ['within', 0.1],
      ['within', 9],
    ]);
    assert.match(verdictText(verdicts), /2 of 2 cases within/);
  });

  it('goes by the same model and profile where the other result has them, and by the runs of that profile alone', () => {
    const before = result([record(0, 0.1), record(1, 0.1), int8(0, 0.2), int8(1, 0.2)]);
    const verdicts = (run: RunRecord) =>
      verdictsAgainst(summarizeRuns([run]), before).map((v) => [v.otherAteM, v.limit]);
    assert.deepEqual(verdicts(int8(0, 0.15)), [[0.2, 1.05 * 0.2]]);
    assert.deepEqual(verdicts(record(0, 0.15)), [[0.1, 1.05 * 0.1]]);
    assert.deepEqual(verdicts(record(0, 0.15, { model: 'pruned' })), [[0.1, 1.05 * 0.1]]);
  });

  it('counts the floor as nothing to go by', () => {
    assert.deepEqual(verdictsAgainst(summarizeRuns([int8(0, 0.1)]), result([record(0, 0.1, FLOOR)])), []);
  });
});
