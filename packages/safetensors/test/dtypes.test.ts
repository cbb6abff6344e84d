import { bytesPerElement, type DType } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { dtypeNamed, nameOfDtype, rankOfDtype } from '../src/dtypes.js';

const names = ['U64', 'I64', 'F64', 'F32', 'U32', 'I32', 'BF16', 'F16', 'U16', 'I16', 'I8', 'U8', 'BOOL'];

describe('dtypes', () => {
  it('names go both ways', () => {
    expect(names.map((name) => nameOfDtype(dtypeNamed(name, 'x', 't')))).toEqual(names);
  });

  it('canonical order puts wide types first, so that every tensor is aligned', () => {
    const dtypes: DType[] = names.map((name) => dtypeNamed(name, 'x', 't'));
    expect(dtypes.map(rankOfDtype)).toEqual(names.map((_, i) => i));
    const widths = dtypes.map(bytesPerElement);
    expect(widths).toEqual([...widths].sort((a, b) => b - a));
  });

  it.each(['F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F4', 'F6_E2M3', 'C64', 'f32', ''])('refuses %j by name', (name) => {
    expect(() => dtypeNamed(name, 'x', 't')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_DTYPE', field: 't.dtype', message: expect.stringContaining(name) }),
    );
  });
});
