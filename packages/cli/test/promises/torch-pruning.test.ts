import { readFileSync } from 'node:fs';
import { magnitude, taylor } from '@secateur/baselines';
import {
  includesKind,
  loadWeights,
  type Model,
  type NormGroupRule,
  parametersOf,
  prune,
  scoreUnits,
  structured,
} from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { diffusersFormat } from '@secateur/diffusers';
import { type Coupling, couple, type Group, gradient, removeUnits, type Tensor, toFloat32 } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';
import { type FixtureTensor, fixturePath, loadFixtureTensors, relativeError } from '@secateur/testkit';
import { beforeAll, describe, expect, it } from 'vitest';

interface ToolGroup {
  readonly root: string;
  readonly channels: number;
  readonly items: readonly { readonly module: string; readonly fn: string; readonly width: number }[];
}

/** unet2d-tiny against Torch-Pruning 1.6, which was run with q, k and v left alone. */
describe('Torch-Pruning on unet2d-tiny', () => {
  let model: Model;
  let coupling: Coupling;
  let reference: Record<string, FixtureTensor>;
  let golden: Record<string, FixtureTensor>;
  const toolGroups = JSON.parse(
    readFileSync(fixturePath('unet2d-tiny/torch-pruning-groups.json'), 'utf8'),
  ) as ToolGroup[];

  beforeAll(async () => {
    model = await diffusersFormat.load({ folder: await nodeFolder(fixturePath('unet2d-tiny')) });
    coupling = couple(model.graph);
    reference = loadFixtureTensors('unet2d-tiny/torch-pruning.safetensors');
    golden = loadFixtureTensors('unet2d-tiny/golden.safetensors');
  });

  /** `module:axis` of every weight or norm that a group cuts, with how many indices one unit takes. */
  const signature = (group: Group): string[] =>
    group.slices
      .filter(({ role }) => role === 'producer' || role === 'consumer' || role === 'scale')
      .map(({ tensor, axis, perUnit }) => `${tensor.replace(/\.weight$/, '')}:${axis}x${perUnit}`)
      .sort();
  const toolSignature = (group: ToolGroup): string[] =>
    group.items
      .map(({ module, fn, width }) => `${module}:${fn === 'prune_in_channels' ? 1 : 0}x${width / group.channels}`)
      .sort();

  it('finds the same coupled channel groups, as sets of layer and axis', () => {
    // The tool lists a layer that is reached twice once for each way.
    const ours = coupling.groups
      .filter((group) => includesKind(['channel'], group.kind))
      .map((group) => signature(group).join(' '))
      .sort();
    const theirs = toolGroups.map((group) => [...new Set(toolSignature(group))].join(' ')).sort();
    expect(ours).toEqual(theirs);
  });

  it('covers all but the output bias', () => {
    expect(coupling.notPruned).toEqual([
      { tensor: 'conv_out.bias', axis: 0, reason: 'tied to the model\'s output "out"', parameters: 3 },
    ]);
    expect(coupling.covered / coupling.parameters).toBeGreaterThan(0.99);
  });

  it('gives its Taylor scores when its omissions are made on purpose', async () => {
    // The tool leaves out norm parameters (its GroupNorm branch is never reached) and, by default, biases.
    const wrt = [...model.graph.constants.keys()].filter((name) => model.graph.constants.get(name)!.parameter);
    const engine = await nodeEngine({ threads: 1 });
    const executable = await engine.compile(gradient(model.graph, { loss: { kind: 'mse', output: 'out' }, wrt }));
    const results = await executable.run({
      sample: golden['in.sample'],
      timestep: golden['in.timestep'],
      target: golden.target,
    });
    await executable.dispose();
    const gradients = new Map(wrt.map((name) => [name, toFloat32(results[`grad.${name}`])]));
    const criterion = taylor({ form: 'sum-abs', terms: 'weights', reduce: 'mean', normalize: 'mean' });
    const groups = coupling.groups.filter((group) => includesKind(['channel'], group.kind));
    const weights = await loadWeights(
      model.graph,
      groups.flatMap((group) => group.slices.map((slice) => slice.value)),
    );
    const scores = scoreUnits(criterion, coupling, groups, weights, { losses: [], gradients }, 0);
    for (const { root } of toolGroups) {
      const group = groups.find((candidate) =>
        candidate.slices.some(({ tensor, axis }) => tensor === `${root}.weight` && axis === 0),
      )!;
      expect(relativeError(scores.get(group.id)!, toFloat32(reference[`score.${root}`])), root).toBeLessThan(1e-3);
    }
  });

  it('gives its output when the same channels are cut', async () => {
    const removal = new Map(
      coupling.groups
        .filter((group) => includesKind(['channel'], group.kind))
        .map((group) => [group.id, removedByTool(group)] as const),
    );
    const { graph } = removeUnits(coupling, removal);
    for (const [name, { constant }] of parametersOf(graph)) {
      expect(constant.parameter!.shape, name).toEqual(reference[`pruned.${name}`].shape);
    }
    const executable = await (await nodeEngine({ threads: 1 })).compile(graph);
    const { out } = await executable.run({ sample: golden['in.sample'], timestep: golden['in.timestep'] });
    await executable.dispose();
    expect(relativeError(toFloat32(out), toFloat32(reference['out.pruned']))).toBeLessThan(1e-4);
  });

  /** Which units the tool removed: those whose bias value is gone from the producer's pruned bias. */
  function removedByTool(group: Group): number[] {
    const producer = group.slices.find(({ role }) => role === 'bias')!;
    const kept = toFloat32(reference[`pruned.${producer.tensor}`]);
    const all = toFloat32(model.graph.constants.get(producer.value)!.value ?? fullBias.get(producer.value)!);
    const removed: number[] = [];
    let next = 0;
    for (let unit = 0; unit < group.size; unit++) {
      if (next < kept.length && all[producer.indices[unit]] === kept[next]) next++;
      else removed.push(unit);
    }
    expect(next, `${producer.tensor} is the dense one with entries left out`).toBe(kept.length);
    return removed;
  }

  const fullBias = new Map<string, Tensor>();
  beforeAll(async () => {
    for (const [name, constant] of model.graph.constants) {
      if (name.endsWith('.bias')) fullBias.set(name, await constant.read());
    }
  });

  it.each([['torch-pruning', 49_803]] as const)(
    'keeps as many parameters under rule %s with q, k and v left alone',
    async (rule, parameters) => {
      const { report } = await prune(model, {
        method: structured({ criterion: magnitude() }),
        ratio: 0.5,
        normGroups: rule satisfies NormGroupRule,
        space: { kind: 'units', name: 'channels without heads', units: ['channel'] },
      });
      expect(report.after.parameters).toBe(parameters);
    },
  );
});
