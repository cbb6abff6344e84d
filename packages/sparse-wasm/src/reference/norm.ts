import type { ReferenceKernel } from './memory.js';

const moments: ReferenceKernel = ({ f32, f64 }, src, n, out) => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += f32[src / 4 + i];
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (f32[src / 4 + i] - mean) ** 2;
  f64.set([n, mean, squares], out / 8);
};

const layernormColumns: ReferenceKernel = ({ f32 }, dst, dstRow, src, srcRow, rows, columns, gamma, beta, eps) => {
  for (let t = 0; t < columns; t++) {
    const column = Array.from({ length: rows }, (_, k) => f32[(src + k * srcRow) / 4 + t]);
    const mean = column.reduce((sum, x) => sum + x, 0) / rows;
    const variance = column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / rows;
    for (let k = 0; k < rows; k++) {
      const normal = (column[k] - mean) / Math.sqrt(variance + eps);
      f32[(dst + k * dstRow) / 4 + t] = normal * (gamma ? f32[gamma / 4 + k] : 1) + (beta ? f32[beta / 4 + k] : 0);
    }
  }
};

const expsumColumns: ReferenceKernel = ({ f32 }, data, row, rows, columns, sums) => {
  for (let t = 0; t < columns; t++) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < rows; k++) largest = Math.max(largest, f32[(data + k * row) / 4 + t]);
    let sum = 0;
    for (let k = 0; k < rows; k++) {
      const e = Math.exp(f32[(data + k * row) / 4 + t] - largest);
      f32[(data + k * row) / 4 + t] = e;
      sum += e;
    }
    f32[sums / 4 + t] = sum;
  }
};

const divideColumns: ReferenceKernel = ({ f32 }, data, row, rows, columns, divisors) => {
  for (let t = 0; t < columns; t++) {
    for (let k = 0; k < rows; k++) f32[(data + k * row) / 4 + t] /= f32[divisors / 4 + t];
  }
};

export const norm: Readonly<Record<string, ReferenceKernel>> = {
  f32_moments__simd: moments,
  f32_layernorm_columns__simd: layernormColumns,
  f32_expsum_columns__simd: expsumColumns,
  f32_divide_columns__simd: divideColumns,
};
