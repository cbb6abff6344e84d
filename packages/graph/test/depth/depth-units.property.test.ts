import { afterAll, describe, expect, it } from 'vitest';
import {
  type Coupling,
  couple,
  type DepthUnit,
  evaluateGraph,
  float32,
  type Graph,
  gateUnits,
  removeUnits,
  type Tensor,
  zeroUnits,
} from '../../src/index.js';
import { randomSource } from '../random-graph.js';
import { type Block, buildNet, type Left, type Net, randomNet } from './random-net.js';

/** Number of random nets. Of each every unit is removed alone, and one random set. */
const nets = 60;

const kinds = new Map<string, number>();

describe(`layers left out of ${nets} random nets`, () => {
  afterAll(() => console.info([...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')));

  it('equals the net that is built without them; zeroed where nothing else takes their place, too', () => {
    for (let seed = 1; seed <= nets; seed++) checkNet(randomNet(seed));
    for (const kind of ['layer input', 'layer shortcut', 'layer pass', 'block input', 'pair pass', 'stage input']) {
      expect(kinds.get(kind), kind).toBeGreaterThan(nets / 10);
    }
  });
});

function checkNet(net: Net): void {
  const coupling = couple(buildNet(net));
  expect(ids(coupling, ['layer', 'block']), `net ${net.seed}`).toEqual(expectedIds(net));
  for (const unit of coupling.depth) {
    const kind = `${unit.kind} ${unit.treatment}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    check(net, coupling, [unit]);
  }
  const random = randomSource(net.seed + 7);
  const some = coupling.depth.filter((unit) => unit.kind !== 'stage' && random() < 0.3);
  check(net, coupling, some);
}

function check(net: Net, coupling: Coupling, units: readonly DepthUnit[]): void {
  const removal = new Map(units.map(({ id }) => [id, [0]]));
  const what = `net ${net.seed} without ${[...removal.keys()].join(', ')}`;
  const { graph } = removeUnits(coupling, removal);
  const actual = run(graph);
  const [only] = units;
  if (only?.kind === 'stage') {
    expectSame(actual, run(buildNet(withoutStage(net))), what);
    return;
  }
  const reference = buildNet(net, leftBy(units));
  expectSame(actual, run(reference), what);
  expectSame(runGated(coupling, units), actual, `${what}, switched off`);
  // What is left of the parameters is what the smaller net has.
  expect([...parameters(graph)].sort(), what).toEqual([...parameters(reference)].sort());
  if (units.every(({ treatment }) => treatment !== 'pass')) {
    // Sums of zeros are exact, and nothing else differs.
    expectSame(run(zeroUnits(coupling, removal)), actual, `${what}, zeroed`);
  }
}

function parameters(graph: Graph): string[] {
  return [...graph.constants].flatMap(([name, { parameter }]) => (parameter ? [name] : []));
}

function ids(coupling: Coupling, wanted: readonly string[]): string[] {
  return coupling.depth
    .flatMap(({ id, kind, treatment }) => (wanted.includes(kind) && treatment !== 'pass' ? [id] : []))
    .sort();
}

/** What the net is made of, by name. */
function expectedIds({ down, up }: Net): string[] {
  const layers = [...down, ...up].flatMap(({ name, inner }) => [
    `${name}.first`,
    ...Array.from({ length: inner }, (_, i) => `${name}.nest.layer${i}`),
    ...(inner > 0 ? [`${name}.nest`] : []),
  ]);
  const wholes = wholeBlocks({ down, up }).map(({ name }) => name);
  return [...layers, ...wholes].sort();
}

/** Blocks with a nest and without a shortcut: nothing of them is left when both branches go. */
function wholeBlocks({ down, up }: Pick<Net, 'down' | 'up'>): Block[] {
  const widths = inputWidths({ down, up });
  return [...down, ...up].filter((block) => block.inner > 0 && widths.get(block.name) === block.width);
}

function inputWidths({ down, up }: Pick<Net, 'down' | 'up'>): Map<string, number> {
  const widths = new Map<string, number>();
  let width = down[0]!.width;
  for (const block of down) {
    widths.set(block.name, width);
    width = block.width;
  }
  up.forEach((block, i) => {
    widths.set(block.name, width + down[down.length - 1 - i]!.width);
    width = block.width;
  });
  return widths;
}

function leftBy(units: readonly DepthUnit[]): Left {
  const left = new Map<string, 'input' | 'shortcut' | 'pass'>();
  for (const { treatment, layers, modules, id } of units) {
    for (const layer of layers) if (!left.has(layer)) left.set(layer, 'shortcut');
    for (const module of modules) if (!left.has(module)) left.set(module, 'input');
    if (modules.includes(`${id}.nest`) || treatment === 'input') left.set(`${id}.nest`, 'input');
    if (treatment === 'pass') left.set(id.slice(id.indexOf('+') + 1).replace(/:pass$/, ''), 'pass');
  }
  return left;
}

/** The innermost stage: everything between the last halving and the first doubling, both included. */
function withoutStage(net: Net): Net {
  const at = net.down.map(({ resample }) => resample).lastIndexOf(true);
  const down = net.down.slice(0, at + 1).map((block, i) => (i === at ? { ...block, resample: false } : block));
  const first = net.up.findIndex(({ resample }) => resample);
  const up = net.up.slice(first).map((block, i) => (i === 0 ? { ...block, resample: false } : block));
  return { ...net, down, up };
}

/** All units can be switched off, and some are. */
function runGated(coupling: Coupling, units: readonly DepthUnit[]): Float32Array {
  const { graph, gates } = gateUnits(coupling, coupling.flow.graph, coupling.depth);
  const isOff = (id: string) => units.some((unit) => unit.id === id);
  return run(
    graph,
    Object.fromEntries(
      gates.map(({ input, unit }) => [
        input,
        { dtype: 'bool', shape: [1], data: Uint8Array.of(isOff(unit) ? 0 : 1) } as const,
      ]),
    ),
  );
}

function run(graph: Graph, feeds: Readonly<Record<string, Tensor>> = {}): Float32Array {
  const values = Float32Array.from({ length: 2 * 8 * 8 }, (_, i) => Math.cos(3.7 * i));
  return evaluateGraph(graph, { x: float32([1, 2, 8, 8], values), ...feeds }).out.data as Float32Array;
}

function expectSame(actual: Float32Array, expected: Float32Array, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  // The same operations on the same numbers in the same order.
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  expect(worst, what).toBe(0);
}
