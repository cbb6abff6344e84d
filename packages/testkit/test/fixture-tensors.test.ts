import { expect, it } from 'vitest';
import { loadFixtureTensors, relativeError } from '../src/index.js';

it('loadFixtureTensors reads names, shapes, dtypes and values', () => {
  const golden = loadFixtureTensors('unet2d-tiny/golden.safetensors');
  expect(golden['in.sample'].shape).toEqual([2, 3, 16, 16]);
  expect(golden['in.timestep'].dtype).toBe('int64');
  expect(golden['in.timestep'].data).toEqual(BigInt64Array.of(3n, 500n));
  // The file states its own loss, the mean squared error of `out` against `target`, so the floats are read right.
  const [out, target] = [golden.out.data as Float32Array, golden.target.data as Float32Array];
  const loss = out.reduce((sum, value, i) => sum + (value - target[i]) ** 2, 0) / out.length;
  expect(relativeError([loss], [Number(golden.loss.data[0])])).toBeLessThan(1e-6);
  expect(Object.keys(golden)).not.toContain('__metadata__');
});
