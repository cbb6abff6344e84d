import { seededRandom } from '@secateur/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KernelInfo, kernels, kernelsOf } from '../src/kernels.list.js';
import { references } from '../src/reference/index.js';
import { KernelImage, type Tolerance } from './support/kernel-image.js';
import { buildTimeout, type RawExports, rawModule } from './support/modules.js';

let modules: { simd: RawExports; relaxed: RawExports };
beforeAll(async () => {
  modules = { simd: await rawModule('simd'), relaxed: await rawModule('relaxed') };
}, buildTimeout);

/** Deterministic helpers for one case. */
function randoms(seed: number) {
  const random = seededRandom(seed);
  return {
    random,
    whole: (from: number, to: number) => from + Math.floor(random() * (to - from + 1)),
    floats: (n: number) => Float32Array.from({ length: n }, () => 2 * random() - 1),
  };
}

/** Lists of positions, one a group, with a group left empty and one full now and then. */
function positions(seed: number, groups: number, universe: number, density: number) {
  const { random } = randoms(seed);
  const rowPtr = [0];
  const offsets: number[] = [];
  for (let g = 0; g < groups; g++) {
    const own = random() < 0.1 ? 0 : random() < 0.1 ? 1 : density;
    for (let p = 0; p < universe; p++) if (random() < own) offsets.push(p);
    rowPtr.push(offsets.length);
  }
  return { rowPtr: Int32Array.from(rowPtr), offsets };
}

/** Runs one case on every module that has the kernel. */
function onModules({ isa }: KernelInfo, use: (wasm: RawExports) => void): void {
  if (isa === 'simd') use(modules.simd);
  use(modules.relaxed);
}

const named = (name: string): KernelInfo => kernels.find((kernel) => kernel.name === name)!;

/** One call of a single kernel; `args` places what it needs. */
function check(name: string, args: (image: KernelImage) => number[]): void {
  onModules(named(name), (wasm) => {
    const image = new KernelImage(wasm);
    image.check(name, references.get(name)!, args(image));
  });
}

describe('the list', () => {
  it('names every export of both modules and nothing else', () => {
    for (const isa of ['simd', 'relaxed'] as const) {
      const names = kernelsOf(isa).map(({ name }) => name);
      expect(Object.keys(modules[isa]).sort()).toEqual([...names, 'memory'].sort());
    }
  });

  it('has a reference for every kernel, and follows the grammar', () => {
    for (const { name, mr, nr, isa } of kernels) {
      expect(references.get(name), name).toBeTypeOf('function');
      expect(name).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*__(simd|relaxed)$/);
      expect(name.endsWith(`${mr ? `_${mr}x${nr}` : ''}__${isa}`)).toBe(true);
    }
  });
});

// A sum of n products in f32 is off by at most (n + 3) half units of the sum of their magnitudes.
describe.each(kernels.filter(({ family }) => family === 'spmm' || family === 'dense'))('$name', (kernel) => {
  const [mr, nr] = [kernel.mr!, kernel.nr!];
  it.each([0, 0.1, 0.5, 1])('follows its positions at density %d, within the bound of f32 sums', (density) => {
    for (let seed = 0; seed < 8; seed++) {
      const { whole, random, floats } = randoms(100 * density + seed);
      const [groups, nTiles, channels] = [whole(1, 5), whole(1, 3), whole(1, 12)];
      // Vectors either follow one another or lie in rows of 4, as in a window of a picture.
      const contiguous = random() < 0.5;
      const vectors = nr / 4;
      const planeFloats = nTiles * nr;
      const vectorB = contiguous ? 16 : 16 * nTiles;
      const tileStep = contiguous ? 4 * nr : 16;
      const isDense = kernel.family === 'dense';
      const { rowPtr, offsets } = positions(seed, groups, channels, isDense ? 1 : density);
      const rowFloats = planeFloats + 4 * whole(0, 2);
      onModules(kernel, (wasm) => {
        const image = new KernelImage(wasm);
        const b = image.place(floats(channels * planeFloats));
        const weights = image.place(floats(Math.max(1, offsets.length * mr)));
        const list = Uint16Array.from(offsets, (p) => p * planeFloats);
        const at = [image.place(rowPtr), isDense ? 4 * planeFloats : image.place(list)];
        const tiles = image.place(Int32Array.from({ length: 2 * nTiles }, (_, i) => (i >> 1) * tileStep));
        const start = random() < 0.5 ? image.place(floats(groups * mr * rowFloats)) : 0;
        const bias = random() < 0.5 ? image.place(floats(groups * mr)) : 0;
        const c = image.output(groups * mr * rowFloats);
        const args = [...at, weights, groups, b, vectorB, tiles, nTiles, c, 4 * rowFloats, vectorB, start, bias];
        const reference = references.get(kernel.name)!;
        const magnitude = new Float32Array(
          image.reference(reference, args, (f32) => {
            for (let i = 0; i < f32.length; i++) if (f32[i] < 0) f32[i] = -f32[i];
          }),
        );
        const expected = image.reference(reference, args);
        wasm[kernel.name](...args);
        image.compare(kernel.name, expected, (word) => (channels + 3) * 2 ** -24 * magnitude[word]);
        expect(vectors * 4).toBe(nr);
      });
    }
  });
});

describe.each(kernels.filter(({ family }) => family === 'gemm'))('$name', (kernel) => {
  it.each([1, 2, 7, 64])('multiplies with k = %d', (k) => {
    for (const [groups, nTiles] of [[1, 1] as const, [3, 2] as const]) {
      const { floats } = randoms(k);
      onModules(kernel, (wasm) => {
        const image = new KernelImage(wasm);
        const [rowB, rowC] = [nTiles * 8 + 4, nTiles * 8 + 8];
        const b = image.place(floats((k - 1) * rowB + nTiles * 8));
        const a = image.place(floats(groups * 4 * k));
        // Values are below 1, so the magnitudes add up to k at most.
        const c = image.output(groups * 4 * rowC, { absolute: (k + 1) * 2 ** -24 * k });
        image.check(kernel.name, references.get(kernel.name)!, [a, groups, k, b, 4 * rowB, nTiles, c, 4 * rowC]);
      });
    }
  });
});

/** V8 11.3 (Node 20, behind a flag) adds wrong sums in its relaxed dot product; the browser tier runs these kernels. */
const hasRelaxedDot = !process.versions.node.startsWith('20.');
const integer = kernels.filter(({ family }) => family === 'pair' || (family === 'quad' && hasRelaxedDot));

describe.each(integer)('$name', (kernel) => {
  const [mr, nr, depth] = [kernel.mr!, kernel.nr!, kernel.family === 'pair' ? 2 : 4];
  it.each([0, 0.5, 1])('is exact in its integers at density %d', (density) => {
    for (let seed = 0; seed < 8; seed++) {
      const { whole, random, floats } = randoms(100 * density + seed);
      const [groups, nTiles, inputs] = [whole(1, 4), whole(1, 3), whole(1, 20)];
      const columns = nTiles * nr;
      const { rowPtr, offsets } = positions(seed, groups, inputs, density);
      const b =
        depth === 2
          ? Int16Array.from({ length: inputs * columns * 2 }, () => whole(-2047, 2047))
          : Uint8Array.from({ length: inputs * columns * 4 }, () => whole(1, 127));
      const values =
        depth === 2
          ? Int16Array.from({ length: offsets.length * mr * 2 + 2 }, () => whole(-1023, 1023))
          : Int8Array.from({ length: offsets.length * mr * 4 + 4 }, () => whole(-127, 127));
      onModules(kernel, (wasm) => {
        const image = new KernelImage(wasm);
        const at = [
          image.place(b),
          image.place(rowPtr),
          image.place(Uint16Array.from(offsets, (p) => p * columns)),
          image.place(values),
          image.place(Int32Array.from({ length: 2 * nTiles }, (_, i) => (i >> 1) * 4 * nr)),
          image.place(floats(groups * mr).map(Math.round)),
          image.place(floats(groups * mr)),
          image.place(floats(columns)),
        ];
        const bias = random() < 0.5 ? image.place(floats(groups * mr)) : 0;
        // Sums below 2^24 are exact in f32; larger ones, the two scales and the bias round four times.
        const c = image.output(groups * mr * columns, { relative: 2 ** -21, absolute: 2 ** -22 });
        const [bAt, rp, ix, w, tiles, correction, rowScale, columnScale] = at;
        const args = [rp, ix, w, groups, bAt, 16, tiles, nTiles, c, 4 * columns, 16];
        image.check(kernel.name, references.get(kernel.name)!, [...args, correction, rowScale, columnScale, bias]);
      });
    }
  });
});

/** Windows inside, across each border, larger than the picture, and wholly outside it. */
const windows = [
  [0, 0, 3, 4],
  [-1, -1, 10, 10],
  [-1, 3, 5, 6],
  [4, -1, 7, 18],
  [-3, -5, 20, 26],
  [9, 11, 4, 5],
] as const;

describe.each([
  [8, 8],
  [7, 9],
  [1, 13],
  [6, 4],
])('windows of a picture of %d x %d', (height, width) => {
  it.each(windows)('from (%d, %d), %d x %d', (y0, x0, h, w) => {
    const { floats } = randoms(height * 100 + width);
    const planes = 3;
    const dstRow = 4 * (w + 3);
    const dstPlane = dstRow * (h + 1);
    const place = (image: KernelImage, srcPlane: number, tolerance?: Tolerance) => {
      const src = image.place(floats(planes * srcPlane));
      const dst = image.output((planes * dstPlane) / 4, tolerance);
      return [dst, dstPlane, dstRow, src, 4 * srcPlane, planes, height, width, y0, x0, h, w];
    };
    check('f32_pack_window__simd', (image) => place(image, height * width));
    if (height % 2 === 0 && width % 2 === 0) {
      check('f32_pack_window_upsample2__simd', (image) => place(image, (height * width) / 4));
    }
    check('f32_pack_window_stride2__simd', (image) => [...place(image, height * width + 1), 4 * ((w + 1) >> 1)]);
    // Two roundings, and e^-x to 2 ulp.
    for (const silu of [0, 1]) {
      check('f32_pack_window_affine__simd', (image) => [
        ...place(image, height * width, { absolute: 4e-7, relative: 4e-7 }),
        image.place(floats(planes)),
        image.place(floats(planes)),
        silu,
      ]);
    }
  });
});

it('f32_copy_window__simd copies rows of any width', () => {
  for (const w of [1, 3, 4, 9, 16]) {
    const { floats } = randoms(w);
    check('f32_copy_window__simd', (image) => {
      const src = image.place(floats(2 * 5 * (w + 1)));
      const dst = image.output(2 * 6 * (w + 2));
      return [dst, 24 * (w + 2), 4 * (w + 2), src, 20 * (w + 1), 4 * (w + 1), 2, 4, w];
    });
  }
});

it('f32_pack_rows4__simd and f32_pack_columns4__simd make left sides', () => {
  for (const [rows, k] of [
    [1, 1],
    [4, 7],
    [6, 5],
    [9, 16],
  ]) {
    const { floats } = randoms(rows * k);
    const groups = Math.ceil(rows / 4);
    check('f32_pack_rows4__simd', (image) => {
      const src = image.place(floats((rows - 1) * (k + 2) + k));
      return [image.output(groups * k * 4), src, 4 * (k + 2), rows, k, 0.37];
    });
    check('f32_pack_columns4__simd', (image) => {
      const src = image.place(floats((k - 1) * (rows + 2) + rows));
      return [image.output(groups * k * 4), src, 4 * (rows + 2), rows, k, 0.37];
    });
  }
});

it('f32_pack_pair_i16__simd and f32_pack_quad_u7__simd give the very integers of the reference', () => {
  for (const columns of [4, 16, 36]) {
    for (const k of [1, 2, 3, 4, 7, 20]) {
      const { floats } = randoms(columns * k);
      const src = floats((k - 1) * (columns + 4) + columns);
      // A column of zeros must not divide by zero.
      for (let i = 0; i < k; i++) src[i * (columns + 4) + 1] = 0;
      for (const [name, depth] of [['f32_pack_pair_i16__simd', 2] as const, ['f32_pack_quad_u7__simd', 4] as const]) {
        check(name, (image) => {
          const at = image.place(src);
          const dst = image.output(Math.ceil(k / depth) * columns);
          return [dst, 4 * columns, at, 4 * (columns + 4), k, columns, image.output(columns, { relative: 2 ** -23 })];
        });
      }
    }
  }
});

// The transforms add up to 36 values with factors up to 64; 1e-5 of values of order 10 is two digits above f32's rounding.
describe.each([2, 4])('Winograd F%d', (m) => {
  const n = m + 2;
  it('transforms tiles at any address, and back with bias and residual', () => {
    for (const [channels, vectors] of [
      [1, 1],
      [3, 2],
    ]) {
      const { floats, whole } = randoms(m * channels);
      const [row, plane] = [m * 4 * vectors + 3, (m * 4 * vectors + 3) * (n + 2)];
      const tiles = Int32Array.from({ length: 4 * vectors }, (_, t) => 4 * (t * m + row * whole(0, 2)));
      check(`f32_winograd_input_f${m}__simd`, (image) => {
        const src = image.place(floats(channels * plane));
        const [dstChannel, dstPosition] = [16 * vectors + 16, channels * (16 * vectors + 16) + 32];
        const dst = image.output((n * n * dstPosition) / 4, { absolute: 1e-5 });
        const scratch = image.scratch(4 * n * n);
        const table = image.place(tiles);
        return [dst, dstPosition, dstChannel, src, 4 * plane, 4 * row, channels, table, vectors, scratch];
      });
    }
  });

  it.each([
    [false, false],
    [true, false],
    [true, true],
  ])('transforms back with bias %s and residual %s', (withBias, withResidual) => {
    const [channels, vectors] = [3, 2];
    const { floats } = randoms(m);
    const row = m * 8;
    const plane = row * m;
    const tiles = Int32Array.from({ length: 8 }, (_, t) => 4 * t * m);
    const [srcChannel, srcPosition] = [16 * vectors, channels * 16 * vectors + 64];
    for (const inPlace of [false, true]) {
      check(`f32_winograd_output_f${m}__simd`, (image) => {
        const src = image.place(floats((n * n * srcPosition) / 4));
        const bias = withBias ? image.place(floats(channels)) : 0;
        // Results reach 361, the sum of the factors; a few units in their last place.
        const dst = image.output(floats(channels * plane), { absolute: 1e-4 });
        const residual = withResidual ? (inPlace ? dst : image.place(floats(channels * plane))) : 0;
        const scratch = image.scratch(4 * n * n);
        const rest = [image.place(tiles), vectors, bias, residual, scratch];
        return [dst, 4 * plane, 4 * row, src, srcPosition, srcChannel, channels, ...rest];
      });
    }
  });
});

describe('norms', () => {
  it('f32_moments__simd is exact to f32 sums of 1024, far from zero too', () => {
    for (const n of [1, 3, 4, 1000, 1024, 5001]) {
      for (const mean of [0, 100]) {
        const { floats } = randoms(n);
        const values = floats(n).map((x) => x + mean);
        const wasm = modules.simd;
        const image = new KernelImage(wasm);
        const [src, out] = [image.place(values), image.scratch(6)];
        wasm.f32_moments__simd(src, n, out);
        const exact = new Float64Array(image.reference(references.get('f32_moments__simd')!, [src, n, out]), out, 3);
        const actual = new Float64Array(wasm.memory.buffer, out, 3);
        expect(actual[0]).toBe(n);
        expect(Math.abs(actual[1] - exact[1])).toBeLessThanOrEqual(1e-5 * Math.max(0.01, mean));
        expect(Math.abs(actual[2] - exact[2])).toBeLessThanOrEqual(1e-4 * exact[2] + 1e-9);
      }
    }
  });

  it.each([1, 3, 4, 16, 21, 40])('f32_layernorm_columns__simd normalises %d columns', (columns) => {
    for (const rows of [2, 5, 64]) {
      for (const affine of [true, false]) {
        const { floats } = randoms(columns * rows);
        check('f32_layernorm_columns__simd', (image) => {
          const srcRow = columns + 4;
          const src = image.place(floats((rows - 1) * srcRow + columns));
          const [gamma, beta] = affine ? [image.place(floats(rows)), image.place(floats(rows))] : [0, 0];
          // Two columns can be all but equal, so the variance has few digits; eps keeps the scale below 30.
          const dst = image.output(rows * (columns + 2), { absolute: 1e-5 });
          return [dst, 4 * (columns + 2), src, 4 * srcRow, rows, columns, gamma, beta, 1e-3];
        });
      }
    }
  });

  it.each([4, 8, 12, 32])('f32_expsum_columns__simd and f32_divide_columns__simd on %d columns', (columns) => {
    for (const rows of [1, 2, 77]) {
      const { floats } = randoms(columns * rows);
      const row = columns + 4;
      const data = floats((rows - 1) * row + columns).map((x) => 20 * x);
      // e^x: the difference from the maximum rounds at 40 * 2^-24, the function adds 2 ulp.
      check('f32_expsum_columns__simd', (image) => {
        const at = image.output(data, { relative: 4e-6, absolute: 2e-38 });
        return [at, 4 * row, rows, columns, image.output(columns, { relative: 6e-6 })];
      });
      check('f32_divide_columns__simd', (image) => {
        const at = image.output(data, { relative: 3e-7 });
        return [at, 4 * row, rows, columns, image.place(floats(columns).map((x) => 2 + x))];
      });
    }
  });
});

describe('elementwise', () => {
  const special = [0, -0, 1e-30, -1e-30, 0.5, -0.5, 3, -3, 10, -10, 88, -88, 200, -200];
  const values = (n: number) => {
    const { floats } = randoms(n);
    const data = floats(n).map((x) => 6 * x);
    data.set(special.slice(0, n), 0);
    return data;
  };

  // 1.5e-7 is what the approximation of erf is off, times |x| / 2; below -88 the true value is 0 to f32, ours up to 1e-35.
  it.each([
    ['f32_silu__simd', 4e-7],
    ['f32_gelu__simd', 2e-6],
    ['f32_gelu_tanh__simd', 2e-6],
  ])('%s on any count', (name, error) => {
    for (const n of [1, 3, 4, 5, 16, 31]) {
      check(name, (image) => {
        const src = image.place(values(n));
        return [image.output(n, { absolute: error, relative: error }), src, n];
      });
    }
  });

  it.each([['f32_add__simd', 1e-7] as const, ['f32_mul__simd', 1e-7] as const, ['f32_geglu__simd', 1e-5] as const])(
    '%s on any count',
    (name, error) => {
      for (const n of [1, 3, 4, 5, 16, 31]) {
        check(name, (image) => {
          const args = [image.place(values(n)), image.place(values(n + 1).slice(1))];
          return [image.output(n, { absolute: error, relative: error }), ...args, n];
        });
      }
    },
  );

  it('f32_affine_planes__simd, with and without SiLU', () => {
    for (const n of [1, 4, 10]) {
      for (const silu of [0, 1]) {
        const { floats } = randoms(n);
        check('f32_affine_planes__simd', (image) => {
          const args = [image.place(floats(3 * n)), 3, n, image.place(floats(3)), image.place(floats(3)), silu];
          return [image.output(3 * n, { absolute: 5e-7 }), ...args];
        });
      }
    }
  });

  it('f32_resize_nearest2__simd doubles every pixel', () => {
    for (const [height, width] of [
      [1, 1],
      [3, 5],
      [4, 8],
    ]) {
      const { floats } = randoms(width);
      check('f32_resize_nearest2__simd', (image) => {
        const src = image.place(floats(2 * height * width));
        return [image.output(8 * height * width), src, 2, height, width];
      });
    }
  });
});
