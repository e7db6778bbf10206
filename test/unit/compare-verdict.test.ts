// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { judge, type Verdict } from '../../src/compare/verdict.ts';
import { spreadOf } from '../../src/evaluation/spread.ts';

const HUNDRED = spreadOf([100]);

function verdictOf(first: readonly number[], second: readonly (number | undefined)[], tracked = 100): Verdict {
  const errors = first.filter(Number.isFinite);
  return judge(
    { profile: 'b', error: second.length === 0 ? undefined : spreadOf(second), trackedPercent: spreadOf([tracked]) },
    { profile: 'a', error: spreadOf(first), trackedPercent: HUNDRED, errors },
    'ATE',
    'm',
  );
}

describe('verdict on a profile', () => {
  it('goes by the greatest error of the seeds of the first one where they differ', () => {
    const { verdict, limit, by, text } = verdictOf([0.1, 0.12, 0.2], [0.19, 0.2, 0.9]);
    assert.deepEqual([verdict, limit, by], ['within', 0.2, 'spread']);
    assert.equal(text, 'b against a: median ATE 0.200 m, allowed 0.200 m (the greatest of the seeds of a)');
    assert.equal(verdictOf([0.1, 0.12, 0.2], [0.19, 0.201, 0.9]).verdict, 'BEYOND');
  });

  it('goes by 5 % of its median where they differ less', () => {
    const { verdict, limit, by, text } = verdictOf([0.1, 0.1, 0.101], [0.1049]);
    assert.deepEqual([verdict, by], ['within', 'margin']);
    assert.ok(Math.abs(limit! - 0.105) < 1e-12);
    assert.match(text, /\(the median of a \+ 5 %\)/);
    assert.equal(verdictOf([0.1], [0.1051]).verdict, 'BEYOND');
  });

  it('counts a run without a trajectory as worse than any, but does not let one of the first profile excuse others', () => {
    const lost = verdictOf([0.1, 0.11], [0.1, undefined, undefined]);
    assert.equal(lost.verdict, 'BEYOND');
    assert.match(lost.text, /median ATE none/);
    assert.equal(verdictOf([0.1, Number.POSITIVE_INFINITY], [0.2]).verdict, 'BEYOND');
  });

  it('is not given where there is nothing to go by', () => {
    const { verdict, limit, text } = verdictOf([Number.POSITIVE_INFINITY], [0.1]);
    assert.deepEqual([verdict, limit], ['not judged', undefined]);
    assert.match(text, /a has no run with an error/);
    assert.match(verdictOf([0.1], []).text, /b has no run with an error/);
  });

  it('does not count an error over fewer frames as within', () => {
    const { verdict, text } = verdictOf([0.1], [0.05], 60);
    assert.equal(verdict, 'BEYOND');
    assert.match(text, /; it tracks 60 % of the frames, allowed from 99 % \(the least of the seeds of a - 1\)$/);
    const enough = verdictOf([0.1], [0.1], 99);
    assert.equal(enough.verdict, 'within');
    assert.doesNotMatch(enough.text, /tracks/);
    assert.equal(verdictOf([0.1], [0.1], 98.9).verdict, 'BEYOND');
  });
});
