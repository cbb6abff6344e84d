import type { GroupReport, PruneReport } from '@secateur/core';

export function group(id: string, scores: readonly number[], removed: GroupReport['removed'] = []): GroupReport {
  const gone = removed.reduce((sum, [start, end]) => sum + end - start, 0);
  const tensor = id.replace(/:.*$/, '');
  return { id, kind: 'channel', size: scores.length, kept: scores.length - gone, scores, removed, tensors: [tensor] };
}

/** A report with every part. */
export const sample: PruneReport = {
  model: '/srv/somebody/models/tiny-ddpm',
  before: {
    parameters: 35_746_307,
    macs: 6_053_953_536,
    attentionMacs: 1_000,
    bytes: 142_985_228,
    latency: { medianMs: 200, minMs: 190, maxMs: 230, runs: 9 },
  },
  after: {
    parameters: 19_851_157,
    macs: 3_384_244_068,
    attentionMacs: 500,
    bytes: 79_404_628,
    latency: { medianMs: 120, minMs: 115, maxMs: 140, runs: 9 },
  },
  method: {
    name: 'diff-pruning',
    options: { threshold: 0.05, stopOrder: 'backward-first' },
    paper: 'arXiv 2305.10924',
  },
  criterion: 'diff-pruning-score',
  selector: 'local',
  space: 'channels',
  settings: { budget: { kind: 'ratio', ratio: 0.3 }, roundTo: 1, ignore: [], ratios: { 'conv_in*': 0.1 } },
  normGroups: 'paper',
  seed: 7,
  groups: [
    group('conv_in.weight:0', [3, 1, 2, 4], [[1, 2]]),
    group('down_blocks.0.resnets.0.conv1.weight:0', [1, 2, 3, 4, 5, 6, 7, 8], [[0, 2]]),
    group('mid_block.attentions.0.to_q.weight:0:head-dim', [5, 6]),
  ],
  notPruned: [
    { tensor: 'conv_out.bias', axis: null, reason: 'the model’s output' },
    { tensor: 'conv_in.weight', axis: 1, reason: 'the model’s input' },
    { tensor: 'conv_out.weight', axis: 0, reason: 'the model’s output' },
  ],
  coverage: 0.9987,
  losses: [
    { timestep: 0, loss: 0.4 },
    { timestep: 1, loss: 0.2 },
    { timestep: 2, loss: 0.016 },
    { timestep: 500, loss: 0.004 },
  ],
  stoppedAt: 2,
  engine: 'onnxruntime-node 1.30.0, cpu, 2 threads',
  warnings: ['The images are few.'],
};

/** The least that `prune()` reports: weights alone, nothing run. */
export const bare: PruneReport = {
  ...sample,
  before: { ...sample.before, latency: undefined },
  after: { ...sample.after, latency: undefined },
  method: { name: 'magnitude', options: {} },
  normGroups: undefined,
  groups: [],
  notPruned: [],
  coverage: 1,
  losses: [],
  stoppedAt: undefined,
  engine: undefined,
  warnings: [],
};

/** A PNG's header; nobody decodes it here. */
export function fakePng(width: number, height: number): Uint8Array {
  const png = new Uint8Array(24);
  png.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(png.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return png;
}

/** Names as a hostile model may have them. */
export const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' style='background:url(https://evil.example)'",
  '</title></style><svg onload=alert(1)>',
  'a\u202eb\u0000c\ud800',
  '{{constructor}} &lt; |`**[x](https://evil.example)',
];
