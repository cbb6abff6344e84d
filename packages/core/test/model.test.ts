import { expect, it } from 'vitest';
import { tinyModel } from '../src/conformance.js';
import { defineFormat, memoryFolder, memoryOutput, parametersOf } from '../src/index.js';

it('parametersOf finds constants by checkpoint name', () => {
  const { graph } = tinyModel();
  const parameters = parametersOf(graph);
  expect(parameters.get('attention.to_q.weight')).toEqual({
    value: 'attention.to_q.weight',
    constant: graph.constants.get('attention.to_q.weight'),
  });
  expect(parameters.size).toBe([...graph.constants.values()].filter(({ parameter }) => parameter).length);
});

it('defineFormat gives a plain object that hands its options on', async () => {
  const seen: unknown[] = [];
  const format = defineFormat<{ strict: boolean }>({
    name: 'toy',
    apiVersion: 1,
    defaults: { strict: false },
    detect: async (_, { options }) => options.strict,
    load: async (_, { options }) => {
      seen.push(options);
      return tinyModel();
    },
    save: async (model, out, options, context) => {
      seen.push([model.name, options, context.options]);
      await (await out.create('toy')).close();
      return ['toy'];
    },
  })({ strict: true });
  expect(format).toMatchObject({ kind: 'format', name: 'toy', apiVersion: 1, options: { strict: true } });
  expect(await format.detect({ folder: memoryFolder({}) })).toBe(true);
  const out = memoryOutput();
  expect(await format.save(await format.load({}), out)).toEqual(['toy']);
  expect(seen).toEqual([{ strict: true }, ['tiny', {}, { strict: true }]]);
});
