import { referenceEngine } from '@secateur/core/conformance';
import { type Coupling, couple, type Graph, type Removal, removeUnits, type Tensor, toFloat32 } from '@secateur/graph';
import { seededRandom } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { checkpointFeeds, checkpointGraph, comparedInputs } from './checkpoints.js';
import { feedsOf, loadExported, numbersOf, readExported, relativeTo } from './exported.js';
import { matchUnits } from './match-units.js';

/** Where an import's units are other than those of the graph that its class writes. */
interface Differences {
  /** Groups of the import of which one unit is several of the class'. */
  readonly coarser?: readonly string[];
  /** Groups of the class of which the import can cut none. */
  readonly missing?: readonly string[];
  /** Default: that of the precision. */
  readonly tolerance?: number;
}

/** An exported mask is repeated for a number of heads that was written down: no head of these can leave. */
const maskedHeads = [0, 1].map((block) => `transformer_blocks.${block}.attn2.to_q.weight:0:head`);

const exports: [name: string, differences?: Differences][] = [
  ['unet2d-legacy-11'],
  ['unet2d-dynamo-18'],
  ['unet2d-scale-shift-dynamo-23'],
  ['sd1-optimum-18-fp16'],
  ['sd1-dynamo-23'],
  ['sd2-legacy-14'],
  ['sdxl-optimum-18'],
  ['sdxl-dynamo-21'],
  ['dit-legacy-17'],
  ['dit-dynamo-20'],
  // Positions are computed from frequencies: a sine leaves with its cosine. The class has a table, of every width.
  ['pixart-optimum-18', { coarser: ['pos_embed.proj.weight:0', 'pos_embed.proj.weight:0#2'], missing: maskedHeads }],
  ['pixart-dynamo-20-static', { missing: maskedHeads }],
  ['sd35-legacy-18'],
  ['sd35-dynamo-23'],
  // Rotations are computed once for all blocks, which the class gives a table each.
  [
    'flux-legacy-17',
    { coarser: [0, 6, 11].map((i) => `/m/pos_embed/Constant${i ? `_${i}` : ''}_output_0:0:head-dim`) },
  ],
  [
    'flux-dynamo-23',
    {
      coarser: ['', '#2'].map((rest) => `transformer_blocks.0.attn.to_q.weight:0:head-dim${rest}`),
      // The export itself, uncut, is 1.6e-5 away from what PyTorch computes.
      tolerance: 5e-5,
    },
  ],
  ['vae-encoder-optimum-18'],
  ['vae-encoder-dynamo-20'],
  ['vae-decoder-legacy-17'],
  ['vae-decoder-dynamo-23'],
  ['clip-optimum-18'],
  ['clip-projection-dynamo-23'],
  ['t5-legacy-17-unfolded'],
  ['t5-dynamo-23'],
];

/** Sums of float32 in another order, over the depth of these models; half precision rounds after every operator. */
const tolerances = { single: 1e-5, half: 5e-3 };

describe.each(exports)('%s', (name, differences = {}) => {
  it('loses the same units as its checkpoint, and computes the same before and after', async () => {
    const exported = readExported(name);
    const { coarser = [], missing = [], tolerance = tolerances[exported.half ? 'half' : 'single'] } = differences;
    const { graph: imported } = await loadExported(name, exported);
    const written = checkpointGraph(exported);
    const { inputs, isGolden } = comparedInputs(exported);
    const feeds = feedsOf({ graph: imported }, inputs);
    const ownFeeds = checkpointFeeds(written, exported);
    const whole = await outputOf(written, ownFeeds);
    if (isGolden) expect(relativeTo(whole, numbersOf(exported.out))).toBeLessThan(tolerances.single);
    expect(relativeTo(await outputOf(imported, feeds), whole)).toBeLessThan(tolerance);

    const [ours, theirs] = [couple(imported), couple(written)];
    const matches = matchUnits(exported, ours, theirs);
    expect(matches.coarser).toEqual(coarser);
    expect(matches.missing).toEqual(missing);
    for (const seed of [1, 2]) {
      const removal = randomRemoval(ours, seed);
      const cut = removeUnits(ours, removal);
      const cutWritten = removeUnits(theirs, matches.translate(removal));
      const before = await outputOf(cutWritten.graph, ownFeeds);
      expect(relativeTo(await outputOf(cut.graph, feeds), before)).toBeLessThan(tolerance);
      expect(relativeTo(before, whole)).toBeGreaterThan(0.01);
    }
  });
});

/** About a third of every group: of normed ones the same number from each norm group, so that norms stay divisible. */
function randomRemoval({ groups, norms }: Coupling, seed: number): Removal {
  const random = seededRandom(seed);
  const cells = new Map<string, number>();
  for (const norm of norms) for (const channel of norm.channels) if (channel) cells.set(channel.group, norm.groups);
  const removal = new Map<string, number[]>();
  for (const { id, size: all } of groups) {
    const size = all / (cells.get(id) ?? 1);
    const count = size > 1 ? Math.max(1, Math.floor(size / 3)) : 0;
    const units: number[] = [];
    for (let start = 0; start < all; start += size) {
      const order = Array.from({ length: size }, (_, i) => [random(), start + i] as const).sort(([a], [b]) => a - b);
      units.push(...order.slice(0, count).map(([, unit]) => unit));
    }
    removal.set(id, units);
  }
  return removal;
}

async function outputOf(graph: Graph, feeds: Record<string, Tensor>): Promise<Float32Array> {
  const executable = await referenceEngine().compile(graph);
  const results = await executable.run(feeds);
  return toFloat32(results[graph.outputs[0]!.name]!);
}
