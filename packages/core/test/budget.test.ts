import { describe, expect, it } from 'vitest';
import { parseBudget, ratioBudget } from '../src/index.js';

describe('parseBudget', () => {
  it.each(['macs', 'params', 'bytes', 'latency'])('reads %s', (kind) => {
    expect(parseBudget(`${kind}=0.56`)).toEqual({ kind, remaining: 0.56 });
  });
  it.each(['macs=0', 'macs=1.1', 'flops=0.5', 'macs', 'macs=x', ''])('refuses "%s"', (text) => {
    expect(() => parseBudget(text)).toThrowError(expect.objectContaining({ code: 'BAD_OPTION', field: 'budget' }));
  });
});

describe('ratioBudget', () => {
  it('takes [0, 1)', () => expect([ratioBudget(0), ratioBudget(0.999)]).toHaveLength(2));
  it.each([-0.1, 1, 1.5, Number.NaN])('refuses %s', (ratio) => {
    expect(() => ratioBudget(ratio)).toThrowError(expect.objectContaining({ code: 'BAD_OPTION', field: 'ratio' }));
  });
});
