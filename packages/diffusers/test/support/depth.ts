import { memoryFolder, memoryOutput } from '@secateur/core';
import {
  type Constant,
  type Coupling,
  couple,
  type DepthUnit,
  evaluateDim,
  evaluateGraph,
  float32,
  type Gate,
  type Graph,
  gateUnits,
  int64,
  removeUnits,
  sizeOf,
  type Tensor,
  zeroUnits,
} from '@secateur/graph';
import { seededRandom } from '@secateur/testkit';
import { expect } from 'vitest';
import {
  asExpressed,
  diffusersFormat,
  type ModelClass,
  modelFromWeights,
  overridesOf,
  sameNetwork,
  weightsFrom,
} from '../../src/index.js';
import { inMemory } from './fixtures.js';

/** A model whose layers and blocks are left out one by one, and some at a time. */
export interface DepthCase {
  readonly modelClass: ModelClass;
  readonly config: Record<string, unknown>;
  readonly weights: ReadonlyMap<string, Constant>;
  /** Values of the graph's symbols. Default: 1 sample of 4 x 4, 3 tokens. */
  readonly symbols?: Readonly<Record<string, number>>;
  /** Inputs, where numbers of every kind will not do. Default: waves. */
  readonly feeds?: Record<string, Tensor>;
  /** Units whose results no output reads. Default: none. */
  readonly unread?: readonly string[];
}

const sizes = { batch: 1, height: 4, width: 4, latent_height: 2, latent_width: 2, tokens: 3 };

/** Units of a model that are evaluated, about. */
const mostRuns = 24;

/** What a model's depth units must hold. */
export class DepthChecks {
  readonly coupling: Coupling;
  private readonly graph: Graph;
  private readonly feeds: Record<string, Tensor>;
  private whole: Outputs | undefined;

  constructor(readonly model: DepthCase) {
    const { modelClass, config, weights, symbols } = model;
    this.graph = modelClass.build(config, weightsFrom(weights));
    this.coupling = couple(this.graph);
    this.feeds = model.feeds ?? feedsFor(this.graph, { ...sizes, ...symbols });
  }

  /** Of each unit alone: the builder makes the same network of what is left; zeroed, it computes the same. */
  checkUnits(): void {
    const { depth } = this.coupling;
    const step = Math.ceil(depth.length / mostRuns);
    for (const [i, unit] of depth.entries()) {
      const graph = this.checkRebuilt([unit]);
      // Evaluating in plain JavaScript takes long: of larger models every few units.
      if (i % step > 0) continue;
      const out = this.run(graph);
      const isUnread = this.model.unread?.includes(unit.id) ?? false;
      expect(largestDifference(out, this.runWhole()) === 0, unit.id).toBe(isUnread);
      if (unit.treatment === 'pass' || unit.kind === 'stage') continue;
      const zeroed = this.run(zeroUnits(this.coupling, removalOf([unit])));
      expect(largestDifference(zeroed, out), `${unit.id}, zeroed`).toBeLessThanOrEqual(1e-6);
    }
  }

  /** Every unit switched off by its gate, all in one graph: the same as without it. */
  checkGates(): void {
    const { depth } = this.coupling;
    const { graph, gates } = gateUnits(this.coupling, this.graph, depth);
    const runWith = (off?: Gate): Outputs => {
      const rows = (gate: Gate): Tensor => ({ dtype: 'bool', shape: [1], data: Uint8Array.of(gate === off ? 0 : 1) });
      return this.run(graph, Object.fromEntries(gates.map((gate) => [gate.input, rows(gate)])));
    };
    expect(largestDifference(runWith(), this.runWhole())).toBe(0);
    for (const [i, gate] of gates.entries()) {
      const removed = this.run(removeUnits(this.coupling, removalOf([depth[i]!])).graph);
      // Kernels are the same; only sums over a batch or a concatenation may be taken in another order.
      expect(largestDifference(runWith(gate), removed), gate.unit).toBeLessThanOrEqual(1e-5);
    }
  }

  /** Random sets: the builder makes the same network, and so does what was saved and loaded again. */
  async checkSets(seeds: readonly number[], share = 0.25): Promise<void> {
    for (const seed of seeds) {
      const units = this.someUnits(seed, share);
      await this.checkSaved(this.checkRebuilt(units), `without ${units.map(({ id }) => id).join(', ')}`);
    }
  }

  private someUnits(seed: number, share: number): DepthUnit[] {
    const random = seededRandom(seed);
    const all = this.coupling.depth.filter(({ kind }) => kind !== 'stage');
    const units = all.filter(() => random() < share);
    return units.length > 0 ? units : [all[Math.floor(random() * all.length)]!];
  }

  /**
   * Outputs that modulate, some of each linear's: zeroed they compute the same; rebuilt, saved and loaded, with and without
   * layers that go as well.
   */
  async checkModulations(seed: number, share = 0.3): Promise<void> {
    const { modulations } = this.coupling;
    const random = seededRandom(seed);
    const removal = new Map(
      modulations.map(({ id, size }) => {
        const units = Array.from({ length: size }, (_, unit) => unit).filter(() => random() < share);
        return [id, units.length > 0 ? units : [0]] as const;
      }),
    );
    const what = `without outputs of ${modulations.length} linears`;
    const { graph } = removeUnits(this.coupling, removal);
    const zeroed = this.run(zeroUnits(this.coupling, removal));
    expect(largestDifference(zeroed, this.run(graph)), what).toBeLessThanOrEqual(1e-6);
    expect(largestDifference(zeroed, this.runWhole()), what).toBeGreaterThan(0);
    const overrides = overridesOf(graph, this.model.modelClass.outline(this.model.config));
    expect(Object.keys(overrides.outputs!)).toHaveLength(modulations.length);
    const left = new Map([...graph.constants].flatMap(([, one]) => (one.parameter ? [[one.parameter.name, one]] : [])));
    const again = this.model.modelClass.build(this.model.config, weightsFrom(left), overrides);
    expect(sameNetwork(graph, again), `${what}, rebuilt`).toBeDefined();
    await this.checkSaved(graph, what);
    const layers = this.someUnits(seed, share);
    const both = removeUnits(this.coupling, new Map([...removal, ...removalOf(layers)]));
    await this.checkSaved(both.graph, `${what}, and without ${layers.map(({ id }) => id).join(', ')}`);
  }

  /** Removes units and compares what is left with what the builder makes of the configuration and the tensors left. */
  checkRebuilt(units: readonly DepthUnit[]): Graph {
    const { modelClass, config, weights } = this.model;
    const what = units.map(({ id }) => id).join(', ');
    const { graph } = removeUnits(this.coupling, removalOf(units));
    const left = new Map<string, Constant>();
    for (const { parameter } of graph.constants.values()) {
      const source = parameter && weights.get(parameter.name);
      if (source) left.set(parameter.name, source);
    }
    const overrides = overridesOf(graph, modelClass.outline(config));
    expect(overrides.removed!.length, what).toBeGreaterThan(0);
    const names = sameNetwork(graph, modelClass.build(config, weightsFrom(left), overrides));
    expect(names, `${what}: rebuilt from ${JSON.stringify(overrides)}`).toBeDefined();
    for (const [own, other] of names!) expect(own, what).toBe(other);
    return graph;
  }

  private async checkSaved(graph: Graph, which: string): Promise<void> {
    const { config, weights } = this.model;
    const model = { ...modelFromWeights('model', config, weightsFrom(weights)), graph };
    const out = memoryOutput();
    await diffusersFormat.save(model, out);
    await out.commit();
    const loaded = await diffusersFormat.load({ folder: memoryFolder(Object.fromEntries(out.files), 'saved') });
    const what = `saved ${which}`;
    expect(sameNetwork(asExpressed(model).graph, loaded.graph), what).toBeDefined();
    const again = this.run(await inMemory(loaded.graph));
    expect(largestDifference(again, this.run(graph)), what).toBe(0);
  }

  private runWhole(): Outputs {
    return (this.whole ??= this.run(this.graph));
  }

  private run(graph: Graph, feeds: Record<string, Tensor> = {}): Outputs {
    const results = evaluateGraph(graph, { ...this.feeds, ...feeds });
    return new Map(graph.outputs.map(({ name }) => [name, results[name]!.data as Float32Array]));
  }
}

type Outputs = ReadonlyMap<string, Float32Array>;

export function removalOf(units: readonly { readonly id: string }[]): Map<string, number[]> {
  return new Map(units.map(({ id }) => [id, [0]]));
}

/** Waves for every input; whole numbers for indices. */
export function feedsFor(graph: Graph, symbols: Readonly<Record<string, number>>): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, dtype, shape }) => {
      const sizes = shape.map((dim) => evaluateDim(dim, symbols));
      const count = Array.from({ length: sizeOf(sizes) }, (_, i) => i);
      return [
        name,
        dtype === 'int64'
          ? int64(count, sizes)
          : float32(
              sizes,
              count.map((i) => Math.sin(1 + 2.7 * i)),
            ),
      ];
    }),
  );
}

/** Over all outputs, each relative to its largest number; one for each layer is compared where its layer is left. */
function largestDifference(a: Outputs, b: Outputs): number {
  const both = [...b].flatMap(([name, values]) => (a.has(name) ? [[a.get(name)!, values] as const] : []));
  return Math.max(...both.map(([x, y]) => relativeDifference(x, y)));
}

function relativeDifference(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0) / largest;
}
