import { afterAll, describe, expect, it } from 'vitest';
import {
  type Coupling,
  couple,
  evaluateGraph,
  float32,
  type Removal,
  removeUnits,
  sliceTensor,
  type Tensor,
} from '../../src/index.js';
import { type Built, buildProgram, normGroups, randomProgram, randomSource } from '../random-graph.js';

/** Number of random graphs; every one is cut once. */
const graphs = 1000;

const hard = [
  'concat fan-out',
  'norm across a concat',
  'head reshape',
  'heads folded into the batch',
  'split halves',
  'sliced halves',
  'tied weight',
  'time embedding',
  'depthwise',
  'grouped convolution',
];
const ops = new Map<string, number>();
const features = new Map<string, number>();
let units = 0;

describe(`removal from ${graphs} random graphs`, () => {
  afterAll(() => {
    const list = (counts: Map<string, number>) =>
      [...counts]
        .sort()
        .map(([name, count]) => `${name} ${count}`)
        .join(', ');
    console.info(`graphs ${graphs}; units removed ${units}\nfeatures: ${list(features)}\nops: ${list(ops)}`);
  });

  it('equals the network built small from the start, and couples exactly what the labels say', () => {
    for (let seed = 1; seed <= graphs; seed++) checkOne(seed);
    for (const feature of hard) expect(features.get(feature), feature).toBeGreaterThan(graphs / 10);
  });
});

function checkOne(seed: number): void {
  const program = randomProgram(seed);
  const full = buildProgram(program);
  expect(
    hard.filter((feature) => full.features.has(feature)).length,
    `features of graph ${seed}`,
  ).toBeGreaterThanOrEqual(2);
  for (const feature of full.features) features.set(feature, (features.get(feature) ?? 0) + 1);
  for (const { op } of full.graph.nodes) ops.set(op, (ops.get(op) ?? 0) + 1);
  const coupling = couple(full.graph);
  const removal = randomRemoval(coupling, seed);
  const gone = labelsOf(full, coupling, removal, seed);
  const cut = removeUnits(coupling, removal);
  const reference = buildSmall(full, program, gone);
  const feeds = {
    sample: float32(
      [1, 2, 2, 3],
      Array.from({ length: 12 }, (_, i) => Math.sin(seed + i)),
    ),
    time: float32([1, 3], [0.3, -0.7, 1]),
  };
  const actual = evaluateGraph(cut.graph, feeds).out.data as Float32Array;
  const expected = evaluateGraph(reference, feeds).out.data as Float32Array;
  // Same operations on the same numbers in the same order: only the summation order over reshaped weights may differ.
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  expect(worst, `graph ${seed}`).toBeLessThanOrEqual(1e-6 * largest);
}

/** Some units of every group; of groups under a norm a multiple of the number of norm groups. */
function randomRemoval(coupling: Coupling, seed: number): Removal {
  const random = randomSource(seed + 99);
  const normed = new Set(
    coupling.norms.flatMap((norm) => norm.channels.flatMap((channel) => (channel ? [channel.group] : []))),
  );
  const removal = new Map<string, number[]>();
  for (const group of coupling.groups) {
    const step = normed.has(group.id) ? normGroups : 1;
    const most = Math.floor((group.size - 1) / step);
    const count = step * Math.floor(random() * (most + 1));
    const order = Array.from({ length: group.size }, (_, i) => i).sort(
      (a, b) => Math.sin(seed * 31 + a * 17) - Math.sin(seed * 31 + b * 17),
    );
    removal.set(group.id, order.slice(0, count));
    units += count;
  }
  return removal;
}

/** The labels that a removal takes away; checks on the way that every unit is exactly the indices of its labels. */
function labelsOf(full: Built, coupling: Coupling, removal: Removal, seed: number): Set<string> {
  const gone = new Set<string>();
  const indicesOf = indicesByLabel(full);
  for (const group of coupling.groups) {
    for (let unit = 0; unit < group.size; unit++) {
      const taken = new Set<string>();
      let labels: string[] | undefined;
      for (const slice of group.slices) {
        for (let k = 0; k < slice.perUnit; k++) {
          const index = slice.indices[unit * slice.perUnit + k];
          taken.add(`${slice.tensor}:${slice.axis}:${index}`);
          const here = full.labels.get(slice.tensor)![slice.axis][index];
          labels = labels ? labels.filter((label) => here.includes(label)) : here;
        }
      }
      const common = labels!.filter((label) => sameSet(indicesOf.get(label)!, taken));
      expect(common.length, `graph ${seed}: unit ${unit} of ${group.id} is one labelled thing`).toBeGreaterThan(0);
      if (removal.get(group.id)!.includes(unit)) for (const label of common) gone.add(label);
    }
  }
  return gone;
}

/** Every index of every weight that needs a label, by label. */
function indicesByLabel(full: Built): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [name, axes] of full.labels) {
    for (const [axis, row] of axes.entries()) {
      for (const [index, labels] of row.entries()) {
        for (const label of labels) found.set(label, (found.get(label) ?? new Set()).add(`${name}:${axis}:${index}`));
      }
    }
  }
  return found;
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}

/** The program built with weights sliced by label, never by the surgery under test. */
function buildSmall(full: Built, program: Parameters<typeof buildProgram>[0], gone: ReadonlySet<string>) {
  const weights = new Map<string, Tensor>();
  for (const [name, axes] of full.labels) {
    const kept = axes.map(
      (row, axis) => [axis, row.flatMap((labels, i) => (labels.some((label) => gone.has(label)) ? [] : [i]))] as const,
    );
    weights.set(name, sliceTensor(full.graph.constants.get(name)!.value!, new Map(kept)));
  }
  const heads: Record<string, number> = {};
  program.steps.forEach((step, i) => {
    if (!('heads' in step)) return;
    const name = `${step.kind}${i}`;
    heads[name] = Array.from({ length: step.heads }, (_, h) => `${name}_head:${h}`).filter(
      (label) => !gone.has(label),
    ).length;
  });
  return buildProgram(program, weights, heads).graph;
}
