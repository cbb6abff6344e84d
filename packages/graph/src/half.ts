/**
 * float16 and bfloat16 as bit patterns: single numbers, and whole arrays in loops that run at memory speed, since a
 * checkpoint has billions of them.
 */

let halfTable: Float32Array | undefined;

/** Values of all float16 bit patterns, `[65536]`. */
function halfValues(): Float32Array {
  if (!halfTable) {
    halfTable = new Float32Array(65536);
    for (let i = 0; i < 65536; i++) {
      const sign = i & 0x8000 ? -1 : 1;
      const exponent = (i >> 10) & 31;
      const fraction = i & 1023;
      if (exponent === 0) halfTable[i] = sign * fraction * 2 ** -24;
      else if (exponent === 31) halfTable[i] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
      else halfTable[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
    }
  }
  return halfTable;
}

/** Value of a float16 bit pattern. */
export function halfToFloat(bits: number): number {
  return halfValues()[bits];
}

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** Nearest float16 bit pattern, ties to even; overflow gives infinity. */
export function floatToHalf(value: number): number {
  scratchFloat[0] = value;
  const bits = scratchBits[0];
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction ? 0x200 : 0);
  const half = exponent - 112;
  if (half >= 31) return sign | 0x7c00;
  if (half <= 0) {
    if (half < -10) return sign;
    const mantissa = fraction | 0x800000;
    const shift = 14 - half;
    const kept = mantissa >>> shift;
    const rest = mantissa & ((1 << shift) - 1);
    const middle = 1 << (shift - 1);
    return sign | (kept + (rest > middle || (rest === middle && kept & 1) ? 1 : 0));
  }
  const kept = (half << 10) | (fraction >>> 13);
  const rest = fraction & 0x1fff;
  return sign | (kept + (rest > 0x1000 || (rest === 0x1000 && kept & 1) ? 1 : 0));
}

/** Value of a bfloat16 bit pattern. */
export function bfloatToFloat(bits: number): number {
  scratchBits[0] = bits << 16;
  return scratchFloat[0];
}

/** Nearest bfloat16 bit pattern, ties to even. */
export function floatToBfloat(value: number): number {
  scratchFloat[0] = value;
  const bits = scratchBits[0];
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The values of float16 bit patterns. */
export function halvesToFloats(bits: Uint16Array): Float32Array {
  const values = halfValues();
  const out = new Float32Array(bits.length);
  for (let i = 0; i < out.length; i++) out[i] = values[bits[i]];
  return out;
}

/** The values of bfloat16 bit patterns. */
export function bfloatsToFloats(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const patterns = new Uint32Array(out.buffer);
  for (let i = 0; i < patterns.length; i++) patterns[i] = bits[i] << 16;
  return out;
}

/** Nearest float16 bit patterns, as `floatToHalf` gives them. */
export function floatsToHalves(values: Float32Array): Uint16Array {
  const patterns = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const bits = patterns[i];
    const magnitude = bits & 0x7fffffff;
    // What is a normal float16, and zero, which sparse weights are full of; a carry runs into the exponent as it should.
    if (magnitude >= 0x38800000 && magnitude < 0x47800000) {
      out[i] = ((bits >>> 16) & 0x8000) | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else if (magnitude === 0) out[i] = bits >>> 16;
    else out[i] = floatToHalf(values[i]);
  }
  return out;
}

/** Nearest bfloat16 bit patterns, as `floatToBfloat` gives them. */
export function floatsToBfloats(values: Float32Array): Uint16Array {
  const patterns = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const bits = patterns[i];
    out[i] = (bits & 0x7fffffff) > 0x7f800000 ? (bits >>> 16) | 0x40 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
  return out;
}
