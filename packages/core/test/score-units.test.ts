import { constantOf, couple, float32, type Graph } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../src/conformance.js';
import { type CriterionDefinition, loadWeights, type Statistics, scoreUnits, viewOfGroup } from '../src/index.js';
import { criterionWith } from './support/criteria.js';

const { graph } = tinyModel();
const coupling = couple(graph);
const [stream, time] = coupling.groups;

async function score(definition: Partial<CriterionDefinition<object>>, statistics: Statistics = { losses: [] }) {
  return scoreUnits(
    criterionWith(definition),
    coupling,
    [time],
    await loadWeights(graph, graph.constants.keys()),
    statistics,
    7,
  );
}

describe('loadWeights', () => {
  const withValue = (value: number): Graph => {
    const bias = float32([2], [1, value]);
    const constant = constantOf(bias, graph.constants.get('conv_out.bias')!.parameter);
    return { ...graph, constants: new Map([['conv_out.bias', constant]]) };
  };
  it('reads each weight once, as float32', async () => {
    let reads = 0;
    const base = withValue(2);
    const constant = base.constants.get('conv_out.bias')!;
    const counted = {
      ...constant,
      read: () => {
        reads++;
        return constant.read();
      },
    };
    const loaded = await loadWeights({ ...base, constants: new Map([['w', counted]]) }, ['w', 'w']);
    expect([reads, [...loaded.get('w')!]]).toEqual([1, [1, 2]]);
  });
  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %s and says where it is', async (value) => {
    await expect(loadWeights(withValue(value), ['conv_out.bias'])).rejects.toMatchObject({
      code: 'BAD_DATA',
      field: 'conv_out.bias',
      message: expect.stringContaining('element 1 of 2'),
    });
  });
});

it('viewOfGroup shows every slice with its role, parameters only', () => {
  const view = viewOfGroup(graph, stream);
  expect(view.slices.map(({ tensor, role }) => `${tensor} ${role}`)).toEqual(
    stream.slices.map(({ tensor, role }) => `${tensor} ${role}`),
  );
  const joined = view.slices.find(({ tensor }) => tensor === 'conv_out.weight')!;
  // The skip concatenation holds every channel twice: `i` and `i + 8`.
  expect([joined.axis, joined.perUnit, [...joined.indices.subarray(0, 4)]]).toEqual([1, 2, [0, 8, 1, 9]]);
});

describe('scoreUnits', () => {
  it('scores groups and leaves out those without a score', async () => {
    expect((await score({ score: ({ size }) => new Float32Array(size).fill(2) })).get(time.id)).toEqual(
      new Float32Array(6).fill(2),
    );
    expect((await score({ score: () => undefined })).size).toBe(0);
  });
  it('draws random numbers from the seed, the group and the unit alone', async () => {
    const random = () =>
      score({
        score: (group, { random: draw }) => Float32Array.from({ length: group.size }, (_, i) => draw({ ...group }, i)),
      });
    const first = (await random()).get(time.id)!;
    expect(new Set(first).size).toBe(6);
    expect((await random()).get(time.id)).toEqual(first);
  });
  it.each([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
      /"mine" failed: boom/,
    ],
    [
      'throws a text',
      () => {
        throw 'boom';
      },
      /"mine" failed: boom/,
    ],
    ['gives too few', () => new Float32Array(5), /"mine" returned 5 scores .* which has 6/],
    ['gives NaN', () => new Float32Array(6).fill(Number.NaN, 3), /"mine" scored unit 3 .* NaN/],
    ['gives infinity', () => new Float32Array(6).fill(-Infinity), /"mine" scored unit 0 .* -Infinity/],
    ['gives an array', () => [1, 2, 3, 4, 5, 6] as unknown as Float32Array, /"mine" must return a Float32Array/],
  ] as const)('names the plugin that %s', async (_, bad, message) => {
    await expect(score({ score: bad })).rejects.toMatchObject({
      code: 'BAD_PLUGIN',
      plugin: 'mine',
      message: expect.stringMatching(message),
    });
  });
  it('names the plugin whose scoreEach gives no number', async () => {
    await expect(score({ scoreEach: () => undefined as unknown as number })).rejects.toMatchObject({
      code: 'BAD_PLUGIN',
      plugin: 'mine',
    });
  });
  it.each(['gradients', 'inputNorms'] as const)('refuses %s that were not declared', async (what) => {
    const refused = score({ score: ({ slices }, context) => context[what](slices[0]) as Float32Array });
    await expect(refused).rejects.toMatchObject({ code: 'MISSING_NEED', plugin: 'mine', field: 'needs' });
  });
  it('refuses outputs that were not declared, and those without what was not measured', async () => {
    const refused = score({ score: (group, context) => Float32Array.of(context.outputsWithout(group).distance) });
    await expect(refused).rejects.toMatchObject({ code: 'MISSING_NEED', plugin: 'mine', field: 'needs' });
  });
  it('refuses a slice of another group', async () => {
    const other = viewOfGroup(graph, stream).slices[0];
    const refused = score({ score: (_, context) => context.weights(other) });
    await expect(refused).rejects.toMatchObject({ code: 'BAD_PLUGIN', plugin: 'mine', field: 'conv_in.weight' });
  });
  it('refuses kinds of unit that the criterion does not score, and criteria of elements', async () => {
    await expect(score({ units: ['head'], score: ({ size }) => new Float32Array(size) })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      hint: 'It scores: head.',
    });
    await expect(score({ scoreTensor: ({ weights }) => weights })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      plugin: 'mine',
    });
  });
});

describe('viewOfGroup', () => {
  it('leaves out what no checkpoint holds: a table that loaders compute is no weight', () => {
    const names = viewOfGroup(graph, stream).slices.map(({ tensor }) => tensor);
    const [value, constant] = [...graph.constants].find(([, { parameter }]) => parameter?.name === names[1])!;
    const computed = { ...constant, parameter: { ...constant.parameter!, computed: true } };
    const changed = { ...graph, constants: new Map([...graph.constants, [value, computed]]) };
    expect(viewOfGroup(changed, stream).slices.map(({ tensor }) => tensor)).toEqual(
      names.filter((name) => name !== names[1]),
    );
  });
});
