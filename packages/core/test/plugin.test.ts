import { describe, expect, it } from 'vitest';
import * as core from '../src/index.js';

const make = (overrides: object = {}) =>
  core.defineCriterion<{ p: number; mode: string }>({
    name: 'mine',
    apiVersion: 1,
    defaults: { p: 1, mode: 'a' },
    units: ['channel'],
    needs: [],
    score: (group) => new Float32Array(group.size),
    ...overrides,
  });

describe('makeFactory', () => {
  it('fills defaults and ignores undefined', () =>
    expect(make()({ p: 2, mode: undefined }).options).toEqual({ p: 2, mode: 'a' }));
  it('carries what lists need', () => {
    const factory = make();
    expect([factory.kind, factory.pluginName, factory.defaults]).toEqual(['criterion', 'mine', { p: 1, mode: 'a' }]);
    expect(factory.schema().properties).toMatchObject({ p: { type: 'number', default: 1 }, mode: { type: 'string' } });
  });
  it('refuses an unknown option and names the known ones', () => {
    expect(() => make()({ q: 1 } as never)).toThrowError(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'q', hint: 'Its options: p, mode.' }),
    );
  });
  it.each(['Mine', 'my criterion', ''])('refuses the name "%s"', (name) => {
    expect(() => make({ name })).toThrowError(expect.objectContaining({ code: 'BAD_PLUGIN' }));
  });
  it('refuses another API version', () => {
    expect(() => make({ apiVersion: 2 })).toThrowError(expect.objectContaining({ code: 'BAD_PLUGIN' }));
  });
});
