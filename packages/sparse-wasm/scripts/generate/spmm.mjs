// AssemblyScript of the kernels that follow a list of positions. MR rows share the list; MR * NR / 4 accumulators stay in
// registers. One position a turn of the loop: with 8 accumulators that is all the registers x64 has, and an unrolled body
// makes older V8 spill every one of them.
const times = (count) => [...Array(count).keys()];

/** What the element types differ in. */
const types = {
  // weights f32[MR] a position
  f32_spmm: {
    zero: 'f32x4.splat(0)',
    mac: (isa, sum, x, b) =>
      isa === 'relaxed' ? `f32x4.relaxed_madd(${x}, ${b}, ${sum})` : `f32x4.add(${sum}, f32x4.mul(${x}, ${b}))`,
  },
  // weights i16[MR][2] a position, b i16[columns][2]
  i16_spmm: { zero: 'i32x4.splat(0)', mac: (_isa, sum, x, b) => `i32x4.add(${sum}, i32x4.dot_i16x8_s(${x}, ${b}))` },
  // weights s8[MR][4] a position, b u7[columns][4]
  s8u7_spmm: {
    zero: 'i32x4.splat(0)',
    mac: (_isa, sum, x, b) => `i32x4.relaxed_dot_i8x16_i7x16_add_s(${x}, ${b}, ${sum})`,
  },
};

/**
 * The loop over positions: 4 bytes of weight a row, 16 bytes of columns a vector. A dense loop has no list: positions are `step`
 * bytes apart.
 */
function loop(type, isa, mr, vectors, isDense = false) {
  const lines = isDense ? ['let p0 = bt;'] : [];
  const at = (v) => (v ? `p${v}` : 'p0');
  lines.push('while (w < end) {');
  if (!isDense) lines.push('  const p0 = bt + (<usize>load<u16>(ix) << 2);');
  for (const v of times(vectors).slice(1)) lines.push(`  const p${v} = p${v - 1} + vectorB;`);
  if (vectors <= mr) {
    for (const v of times(vectors)) lines.push(`  const b${v} = v128.load(${at(v)});`);
    for (const r of times(mr)) {
      lines.push(`  x = v128.load32_splat(w, ${4 * r});`);
      for (const v of times(vectors)) lines.push(`  a${r}_${v} = ${type.mac(isa, `a${r}_${v}`, 'x', `b${v}`)};`);
    }
  } else {
    for (const r of times(mr)) lines.push(`  const w${r} = v128.load32_splat(w, ${4 * r});`);
    for (const v of times(vectors)) {
      lines.push(`  x = v128.load(${at(v)});`);
      for (const r of times(mr)) lines.push(`  a${r}_${v} = ${type.mac(isa, `a${r}_${v}`, `w${r}`, 'x')};`);
    }
  }
  lines.push(`  w += ${4 * mr};`, isDense ? '  p0 += step;' : '  ix += 2;', '}');
  return lines;
}

function frame(name, extra, mr, body, isDense = false) {
  return `export function ${name}(
  rowPtr: usize, ${isDense ? 'step: i32' : 'offsets: usize'}, weights: usize, groups: i32,
  b: usize, vectorB: i32, tiles: usize, nTiles: i32,
  c: usize, rowC: i32, vectorC: i32, ${extra}
): void {
  for (let g = 0; g < groups; g++) {
    const from = load<i32>(rowPtr + (<usize>g << 2));
    const to = load<i32>(rowPtr + (<usize>g << 2), 4);
    const end = weights + <usize>(to * ${4 * mr});
    for (let t = 0; t < nTiles; t++) {
      let w = weights + <usize>(from * ${4 * mr});
${isDense ? '' : '      let ix = offsets + (<usize>from << 1);\n'}      const bt = b + load<i32>(tiles + (<usize>t << 3));
      const ct = load<i32>(tiles + (<usize>t << 3), 4) + g * ${mr} * rowC;
${body.map((line) => `      ${line}`).join('\n')}
    }
  }
}`;
}

/** c[row][column] = (start ? start[row][column] : 0) + (bias ? bias[row] : 0) + sum over positions of w[row] * b[column] */
export function spmmF32({ name, family, isa, mr, nr }) {
  const isDense = family === 'dense';
  const vectors = nr / 4;
  const type = types.f32_spmm;
  const body = [];
  for (const r of times(mr)) for (const v of times(vectors)) body.push(`let a${r}_${v} = ${type.zero};`);
  body.push('let x = f32x4.splat(0);', 'if (start) {', '  let q = start + ct;');
  for (const r of times(mr)) {
    body.push(`  {${r ? ' q += rowC;' : ''} let s = q;`);
    for (const v of times(vectors)) body.push(`    ${v ? 's += vectorC; ' : ''}a${r}_${v} = v128.load(s);`);
    body.push('  }');
  }
  body.push('}', 'if (bias) {', `  const q = bias + <usize>(g * ${4 * mr});`);
  for (const r of times(mr)) {
    body.push(`  x = v128.load32_splat(q, ${4 * r});`);
    for (const v of times(vectors)) body.push(`  a${r}_${v} = f32x4.add(a${r}_${v}, x);`);
  }
  body.push('}', ...loop(type, isa, mr, vectors, isDense), 'let q = c + ct;');
  for (const r of times(mr)) {
    body.push(`{${r ? ' q += rowC;' : ''} let s = q;`);
    for (const v of times(vectors)) body.push(`  ${v ? 's += vectorC; ' : ''}v128.store(s, a${r}_${v});`);
    body.push('}');
  }
  return frame(name, 'start: usize, bias: usize', mr, body, isDense);
}

/**
 * c[row][column] = (sum + correction[row]) * rowScale[row] * columnScale[column] + (bias ? bias[row] : 0). The scales of the
 * columns lie at the tile's offset into c's row 0, divided among the vectors as c is.
 */
export function spmmInteger({ name, isa, mr, nr }) {
  const vectors = nr / 4;
  const type = types[name.split('_').slice(0, 2).join('_')];
  const body = [];
  for (const r of times(mr)) for (const v of times(vectors)) body.push(`let a${r}_${v} = ${type.zero};`);
  body.push('let x = i32x4.splat(0);', ...loop(type, isa, mr, vectors));
  body.push('let q = c + ct;');
  body.push('let s = columnScale + load<i32>(tiles + (<usize>t << 3), 4);');
  for (const v of times(vectors)) body.push(`const s${v} = v128.load(s);${v < vectors - 1 ? ' s += vectorC;' : ''}`);
  for (const r of times(mr)) {
    const at = `<usize>((g * ${mr} + ${r}) << 2)`;
    body.push(`{${r ? ' q += rowC;' : ''} let d = q;`);
    body.push(`  const k = v128.load32_splat(correction + ${at});`);
    body.push(`  const f = v128.load32_splat(rowScale + ${at});`);
    body.push(`  const o = bias ? v128.load32_splat(bias + ${at}) : f32x4.splat(0);`);
    for (const v of times(vectors)) {
      const sum = `f32x4.add(f32x4.convert_i32x4_s(a${r}_${v}), k)`;
      body.push(`  ${v ? 'd += vectorC; ' : ''}v128.store(d, f32x4.add(f32x4.mul(f32x4.mul(${sum}, f), s${v}), o));`);
    }
    body.push('}');
  }
  return frame(name, 'correction: usize, rowScale: usize, columnScale: usize, bias: usize', mr, body);
}

/** c[row][column] = sum over k of a[group][k][row in group] * b[k][column]; rows of b are `rowB` bytes apart. */
export function gemmF32({ name, isa, mr, nr }) {
  const vectors = nr / 4;
  const body = [];
  for (const r of times(mr)) for (const v of times(vectors)) body.push(`let a${r}_${v} = f32x4.splat(0);`);
  body.push('let x = f32x4.splat(0);', 'while (w < end) {');
  for (const v of times(vectors)) body.push(`  const b${v} = v128.load(p, ${16 * v});`);
  for (const r of times(mr)) {
    body.push(`  x = v128.load32_splat(w, ${4 * r});`);
    for (const v of times(vectors)) body.push(`  a${r}_${v} = ${types.f32_spmm.mac(isa, `a${r}_${v}`, 'x', `b${v}`)};`);
  }
  body.push(`  w += ${4 * mr};`, '  p += rowB;', '}');
  for (const r of times(mr)) {
    for (const v of times(vectors)) body.push(`v128.store(q, a${r}_${v}, ${16 * v});`);
    if (r < mr - 1) body.push('q += rowC;');
  }
  return `export function ${name}(
  a: usize, groups: i32, k: i32, b: usize, rowB: i32, nTiles: i32, c: usize, rowC: i32,
): void {
  for (let g = 0; g < groups; g++) {
    const first = a + <usize>(g * k * ${4 * mr});
    const end = first + <usize>(k * ${4 * mr});
    for (let t = 0; t < nTiles; t++) {
      let w = first;
      let p = b + <usize>(t * ${4 * nr});
      let q = c + g * ${mr} * rowC + t * ${4 * nr};
${body.map((line) => `      ${line}`).join('\n')}
    }
  }
}`;
}
