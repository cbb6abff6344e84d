import { expect, it } from 'vitest';
import { reportJson } from '../src/report-json.js';
import { bare, sample } from './sample-report.js';

it('has the documented shape', () => {
  const json = reportJson(sample);
  expect(json.before).toEqual({
    parameters: 35_746_307,
    macs: 6_053_953_536,
    attentionMacs: 1_000,
    bytes: 142_985_228,
    latencyMs: 200,
    latency: { medianMs: 200, minMs: 190, maxMs: 230, runs: 9 },
  });
  expect(json.after.latencyMs).toBe(120);
  expect(json).toMatchObject({
    method: 'diff-pruning',
    options: { threshold: 0.05 },
    seed: 7,
    normGroups: 'paper',
    stoppedAt: 2,
  });
  expect(json.layers[0]).toEqual({
    id: 'conv_in.weight:0',
    kind: 'channel',
    size: 4,
    kept: 3,
    removed: [[1, 2]],
    tensors: ['conv_in.weight'],
    scores: [3, 1, 2, 4],
  });
  expect(json.notPruned).toEqual(sample.notPruned);
});

it('survives JSON, and has the same fields whatever was measured', () => {
  for (const report of [sample, bare])
    expect(JSON.parse(JSON.stringify(reportJson(report)))).toEqual(reportJson(report));
  expect(Object.keys(reportJson(bare))).toEqual(Object.keys(reportJson(sample)));
  expect(reportJson(bare)).toMatchObject({ before: { latencyMs: null }, engine: null, paper: null, sparsity: null });
});

it('leaves scores out when asked to', () => {
  expect(reportJson(sample, { scores: false }).layers.every((layer) => !('scores' in layer))).toBe(true);
});
