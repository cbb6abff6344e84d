// AssemblyScript of the Winograd transforms F(m x m, 3 x 3), m = 2 or 4, four tiles to a vector. A table gives the address of
// every tile, so tiles of several rows, and of several images, fill a vector together. The matrices are those of Lavin and Gray,
// Fast Algorithms for Convolutional Neural Networks (2015).
const times = (count) => [...Array(count).keys()];
const each = (list, use) => {
  for (const [i, value] of list.entries()) use(value, i);
};
const names = (letter, count) => times(count).map((i) => `${letter}${i}`);
const add = (a, b) => `f32x4.add(${a}, ${b})`;
const sub = (a, b) => `f32x4.sub(${a}, ${b})`;
const mul = (factor, a) => `f32x4.mul(f32x4.splat(${factor}), ${a})`;
const shuffle = (a, b, lanes) => `v128.shuffle<f32>(${a}, ${b}, ${lanes.join(', ')})`;

/** Emits B^T d for one vector of m + 2 names; returns the names of the results. */
function inputTransform(m, d, name, emit) {
  if (m === 2) {
    const values = [sub(d[0], d[2]), add(d[1], d[2]), sub(d[2], d[1]), sub(d[1], d[3])];
    each(values, (value, i) => emit(`const ${name}${i} = ${value};`));
  } else {
    emit(`const ${name}a = ${sub(d[4], mul(4, d[2]))}, ${name}b = ${sub(d[3], mul(4, d[1]))};`);
    emit(`const ${name}c = ${sub(d[4], d[2])}, ${name}e = ${mul(2, sub(d[3], d[1]))};`);
    const values = [
      add(sub(mul(4, d[0]), mul(5, d[2])), d[4]),
      add(`${name}a`, `${name}b`),
      sub(`${name}a`, `${name}b`),
      add(`${name}c`, `${name}e`),
      sub(`${name}c`, `${name}e`),
      add(sub(mul(4, d[1]), mul(5, d[3])), d[5]),
    ];
    each(values, (value, i) => emit(`const ${name}${i} = ${value};`));
  }
  return times(m + 2).map((i) => `${name}${i}`);
}

/** Emits A^T t for one vector of m + 2 names; returns the names of the m results. */
function outputTransform(m, t, name, emit) {
  if (m === 2) {
    emit(`const ${name}0 = ${add(add(t[0], t[1]), t[2])}, ${name}1 = ${sub(sub(t[1], t[2]), t[3])};`);
  } else {
    emit(`const ${name}p = ${add(t[1], t[2])}, ${name}q = ${sub(t[1], t[2])};`);
    emit(`const ${name}r = ${add(t[3], t[4])}, ${name}s = ${sub(t[3], t[4])};`);
    const values = [
      add(add(t[0], `${name}p`), `${name}r`),
      add(`${name}q`, mul(2, `${name}s`)),
      add(`${name}p`, mul(4, `${name}r`)),
      add(add(`${name}q`, mul(8, `${name}s`)), t[5]),
    ];
    each(values, (value, i) => emit(`const ${name}${i} = ${value};`));
  }
  return times(m).map((i) => `${name}${i}`);
}

function transpose(v, name, emit) {
  emit(`const ${name}t0 = ${shuffle(v[0], v[1], [0, 4, 1, 5])}, ${name}t1 = ${shuffle(v[0], v[1], [2, 6, 3, 7])};`);
  emit(`const ${name}t2 = ${shuffle(v[2], v[3], [0, 4, 1, 5])}, ${name}t3 = ${shuffle(v[2], v[3], [2, 6, 3, 7])};`);
  emit(`const ${name}0 = ${shuffle(`${name}t0`, `${name}t2`, [0, 1, 4, 5])};`);
  emit(`const ${name}1 = ${shuffle(`${name}t0`, `${name}t2`, [2, 3, 6, 7])};`);
  emit(`const ${name}2 = ${shuffle(`${name}t1`, `${name}t3`, [0, 1, 4, 5])};`);
  emit(`const ${name}3 = ${shuffle(`${name}t1`, `${name}t3`, [2, 3, 6, 7])};`);
  return times(4).map((i) => `${name}${i}`);
}

/**
 * src: windows of padded planes; tiles: i32[4 * vectors], byte offsets of each tile's first element. dst: f32
 * `[positions][channels][4 * vectors]`, `dstPosition` and `dstChannel` bytes apart. scratch: 16 (m + 2)^2 bytes.
 */
export function winogradInput(m) {
  const n = m + 2;
  const out = [];
  const emit = (line) => out.push(line);
  emit(`export function f32_winograd_input_f${m}__simd(
  dst: usize, dstPosition: i32, dstChannel: i32, src: usize, srcPlane: i32, srcRow: i32, channels: i32,
  tiles: usize, vectors: i32, scratch: usize,
): void {
  for (let k = 0; k < channels; k++) for (let t = 0; t < vectors; t++) {
    const e = tiles + (<usize>t << 4);
    const plane = src + k * srcPlane;
    let s0 = plane + load<i32>(e), s1 = plane + load<i32>(e, 4), s2 = plane + load<i32>(e, 8), s3 = plane + load<i32>(e, 12);
    for (let r = 0; r < ${n}; r++) {
      const u = scratch + (r << 4);`);
  const inner = (line) => emit(`      ${line}`);
  each(times(4), (i) => inner(`const l${i} = v128.load(s${i});`));
  const columns = transpose(['l0', 'l1', 'l2', 'l3'], 'k', inner);
  if (m === 4) {
    inner(`const h0 = ${shuffle('v128.load64_zero(s0, 16)', 'v128.load64_zero(s1, 16)', [0, 4, 1, 5])};`);
    inner(`const h1 = ${shuffle('v128.load64_zero(s2, 16)', 'v128.load64_zero(s3, 16)', [0, 4, 1, 5])};`);
    inner(`const k4 = ${shuffle('h0', 'h1', [0, 1, 4, 5])}, k5 = ${shuffle('h0', 'h1', [2, 3, 6, 7])};`);
    columns.push('k4', 'k5');
  }
  each(inputTransform(m, columns, 'i', inner), (value, i) => inner(`v128.store(u, ${value}, ${i * n * 16});`));
  inner('s0 += srcRow; s1 += srcRow; s2 += srcRow; s3 += srcRow;');
  emit(`    }
    for (let j = 0; j < ${n}; j++) {
      const u = scratch + j * ${n * 16};
      let q = dst + k * dstChannel + (t << 4) + j * dstPosition;`);
  each(times(n), (i) => inner(`const d${i} = v128.load(u, ${16 * i});`));
  each(inputTransform(m, names('d', n), 'o', inner), (value, i) =>
    inner(`v128.store(q, ${value});${i < n - 1 ? ` q += ${n} * dstPosition;` : ''}`),
  );
  emit('    }\n  }\n}');
  return out.join('\n');
}

/**
 * src: products f32 `[positions][channels][4 * vectors]`; dst: planes, tiles: byte offsets of each tile's first element. dst =
 * transform + (bias ? bias[channel] : 0) + (residual ? residual, laid out like dst : 0). scratch: 16 (m + 2)^2 bytes.
 */
export function winogradOutput(m) {
  const n = m + 2;
  const out = [];
  const emit = (line) => out.push(line);
  const inner = (line) => emit(`      ${line}`);
  emit(`export function f32_winograd_output_f${m}__simd(
  dst: usize, dstPlane: i32, dstRow: i32, src: usize, srcPosition: i32, srcChannel: i32, channels: i32,
  tiles: usize, vectors: i32, bias: usize, residual: usize, scratch: usize,
): void {
  const more = residual - dst;
  for (let k = 0; k < channels; k++) {
  const o = bias ? v128.load32_splat(bias + (<usize>k << 2)) : f32x4.splat(0);
  for (let t = 0; t < vectors; t++) {
    const e = tiles + (<usize>t << 4);
    const plane = dst + k * dstPlane;
    let s0 = plane + load<i32>(e), s1 = plane + load<i32>(e, 4), s2 = plane + load<i32>(e, 8), s3 = plane + load<i32>(e, 12);
    for (let j = 0; j < ${n}; j++) {
      let q = src + k * srcChannel + (t << 4) + j * srcPosition;
      const u = scratch + (j << 4);`);
  each(times(n), (i) => inner(`const d${i} = v128.load(q);${i < n - 1 ? ` q += ${n} * srcPosition;` : ''}`));
  each(outputTransform(m, names('d', n), 'i', inner), (value, i) => inner(`v128.store(u, ${value}, ${i * n * 16});`));
  emit(`    }
    for (let r = 0; r < ${m}; r++) {
      const u = scratch + r * ${n * 16};`);
  each(times(n), (i) => inner(`const d${i} = v128.load(u, ${16 * i});`));
  const y = outputTransform(m, names('d', n), 'o', inner);
  if (m === 4) {
    each(transpose(y, 'z', inner), (value, i) =>
      inner(
        `v128.store(s${i}, residual ? f32x4.add(f32x4.add(${value}, o), v128.load(s${i} + more)) : f32x4.add(${value}, o));`,
      ),
    );
  } else {
    inner(`let z0 = f32x4.add(${shuffle(y[0], y[1], [0, 4, 1, 5])}, o);`);
    inner(`let z1 = f32x4.add(${shuffle(y[0], y[1], [2, 6, 3, 7])}, o);`);
    inner('if (residual) {');
    inner(
      `  z0 = f32x4.add(z0, ${shuffle('v128.load64_zero(s0 + more)', 'v128.load64_zero(s1 + more)', [0, 1, 4, 5])});`,
    );
    inner(
      `  z1 = f32x4.add(z1, ${shuffle('v128.load64_zero(s2 + more)', 'v128.load64_zero(s3 + more)', [0, 1, 4, 5])});`,
    );
    inner('}');
    inner('v128.store64_lane(s0, z0, 0); v128.store64_lane(s1, z0, 1);');
    inner('v128.store64_lane(s2, z1, 0); v128.store64_lane(s3, z1, 1);');
  }
  inner('s0 += dstRow; s1 += dstRow; s2 += dstRow; s3 += dstRow;');
  emit('    }\n  }\n  }\n}');
  return out.join('\n');
}
