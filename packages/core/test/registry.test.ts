import { defaultOps, defineOp, inferTypes, type OpRecord } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { oneNode } from '../src/conformance/engine-graphs.js';
import { referenceEngine, tinyModel } from '../src/conformance.js';
import * as core from '../src/index.js';

const make = (overrides: object = {}) =>
  core.defineCriterion<object>({
    name: 'mine',
    apiVersion: 1,
    defaults: {},
    units: ['channel'],
    needs: [],
    score: (group) => new Float32Array(group.size),
    ...overrides,
  });

/** `Double`, of a domain of its own. */
const double: OpRecord = defineOp({
  op: 'Double',
  domain: 'test.ops',
  infer: (context) => [context.input(0)],
  slots: () => undefined,
  gradient: 'none',
  evaluate: ({ inputs }) => [{ ...inputs[0]!, data: (inputs[0]!.data as Float32Array).map((value) => 2 * value) }],
});

describe('Registry', () => {
  it('finds factories among the exports of a module, in arrays too, and ignores the rest', () => {
    const registry = new core.Registry();
    expect(
      registry.addModule({ a: make(), list: [make({ name: 'other' }), null, false], nothing: undefined, n: 3 }, 'pkg'),
    ).toBe(2);
    expect(registry.list('criterion').map(({ factory }) => factory.pluginName)).toEqual(['mine', 'other']);
  });
  it('refuses two plugins of one name from different places', () => {
    const registry = new core.Registry();
    registry.addModule({ a: make() }, 'one');
    expect(() => registry.addModule({ a: make() }, 'two')).toThrowError(
      expect.objectContaining({ code: 'NAME_CLASH' }),
    );
  });
  it('lists what there is when a name is unknown', () => {
    const registry = new core.Registry();
    registry.addModule({ a: make() }, 'one');
    expect(() => registry.get('criterion', 'nope')).toThrowError(
      expect.objectContaining({ code: 'BAD_OPTION', hint: 'There are: mine.' }),
    );
  });
  it('keeps kinds apart, and takes one factory twice', () => {
    const registry = new core.Registry();
    const factory = make();
    expect(registry.addModule({ factory, again: factory }, 'one')).toBe(2);
    expect(registry.find('criterion', 'mine')).toBe(factory);
    expect(registry.find('method', 'mine')).toBeUndefined();
    expect(registry.list()).toHaveLength(1);
  });
  it('finds formats and engines', () => {
    const registry = new core.Registry();
    const base = { apiVersion: 1, defaults: {} } as const;
    const format = core.defineFormat<object>({
      ...base,
      name: 'nothing',
      detect: async () => false,
      load: async () => tinyModel(),
      save: async () => [],
    });
    const engine = core.defineEngine<object>({
      ...base,
      name: 'nothing',
      describe: async () => '',
      compile: (graph) => referenceEngine().compile(graph),
    });
    expect(registry.addModule({ format, engine }, 'pkg')).toBe(2);
    expect([registry.get('format', 'nothing'), registry.get('engine', 'nothing')]).toEqual([format, engine]);
  });
});

describe('Registry, operators', () => {
  it('finds records and adds them to a set', async () => {
    const registry = new core.Registry();
    expect(registry.addModule({ double, list: [double, undefined], text: 'op' }, 'pkg')).toBe(2);
    expect(registry.listOps()).toEqual([{ record: double, from: 'pkg' }]);
    const ops = registry.ops();
    expect(ops.size).toBe(defaultOps.size + 1);
    const graph = oneNode('Double', {});
    const own = { ...graph, nodes: graph.nodes.map((node) => ({ ...node, domain: 'test.ops' })) };
    expect(inferTypes(own, { ops }).get('y')).toEqual(inferTypes(own, { ops }).get('x'));
    const executable = await referenceEngine({ ops }).compile(own);
    const { y } = await executable.run({ x: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } });
    expect([...y.data]).toEqual([2, 4]);
  });
  it('refuses two records of one operator, and one that is built in', () => {
    const registry = new core.Registry();
    registry.addModule({ double }, 'one');
    expect(() => registry.addModule({ double: { ...double } }, 'two')).toThrowError(
      expect.objectContaining({ code: 'NAME_CLASH', plugin: 'Double', message: expect.stringMatching(/two and one/) }),
    );
    registry.addModule({ add: { ...double, op: 'Add', domain: undefined } }, 'three');
    expect(() => registry.ops()).toThrowError(
      expect.objectContaining({
        code: 'NAME_CLASH',
        plugin: 'Add',
        message: expect.stringMatching(/three and Secateur/),
      }),
    );
  });
});
