import type { GroupRows } from './analyse.js';
import { SparseWasmError } from './errors.js';
import {
  type Algorithm,
  depthOf,
  type PackedType,
  type PackedWeights,
  type Segment,
  segmentRows,
} from './packed-weights.js';
import { mostChannels, mostKernel } from './weight-shape.js';

/*
 * Packed weights in bytes, version 1. Little-endian; sections follow one another, each padded with zeros to 4 bytes.
 *
 *   u32       magic 'SWPK'
 *   u32       version 1
 *   u32       bytes of the whole
 *   u32       type: 0 f32, 1 i16, 2 s8
 *   u32       outputs
 *   u32       inputs
 *   u32       kernel height
 *   u32       kernel width
 *   u32       mr, rows that share positions: 1, 2 or 4. It and the outputs give the segments, see `segmentRows`
 *   u32       algorithm: 0 not measured, 1 direct, 2 Winograd F2, 3 Winograd F4
 *   u32       has a bias: 0 or 1
 *   f32       [outputs] bias, if any
 *   f32       [outputs] row scale, for integers: weight = value * scale
 *   and for each segment
 *   u32       [groups + 1] rowPtr, in positions: 0 first, never falling
 *   u16 / u32 [positions] index, rising within a group: input * taps + tap for f32, input / 2 for i16, input / 4 for s8; u32 where
 *             there are more than 65536 different ones
 *   f32       [positions][mr] values; or i16 [positions][mr][2]; or s8 [positions][mr][4]
 */

const magic = 0x4b505753;
const version = 1;
const headerWords = 11;
const typeCodes: readonly PackedType[] = ['f32', 'i16', 's8'];
const algorithmCodes: readonly (Algorithm | undefined)[] = [undefined, 'direct', 'winograd-f2', 'winograd-f4'];

const padded = (bytes: number): number => (bytes + 3) & ~3;

/** The bytes of packed weights; `parsePacked` reads them back. */
export function serialisePacked(packed: PackedWeights): Uint8Array<ArrayBuffer> {
  const { type, outputs, inputs, kernel, mr, algorithm, bias, rowScale, segments } = packed;
  const sections: ArrayBufferView[] = [];
  if (bias) sections.push(bias);
  if (rowScale) sections.push(rowScale);
  for (const { rowPtr, index, values } of segments) sections.push(rowPtr, index, values);
  const total = 4 * headerWords + sections.reduce((sum, { byteLength }) => sum + padded(byteLength), 0);
  const bytes = new Uint8Array(total);
  const codes = [
    typeCodes.indexOf(type),
    outputs,
    inputs,
    ...kernel,
    mr,
    algorithmCodes.indexOf(algorithm),
    bias ? 1 : 0,
  ];
  new Uint32Array(bytes.buffer, 0, headerWords).set([magic, version, total, ...codes]);
  let at = 4 * headerWords;
  for (const { buffer, byteOffset, byteLength } of sections) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += padded(byteLength);
  }
  return bytes;
}

const bad = (field: string, message: string, hint?: string): SparseWasmError =>
  new SparseWasmError('BAD_FILE', `Packed weights: ${message}`, { field, hint });

/**
 * Reads packed weights. Everything is checked before it is used: they may come from strangers. The arrays are copies.
 * @throws {SparseWasmError} BAD_FILE
 */
export function parsePacked(bytes: Uint8Array): PackedWeights {
  if (bytes.byteLength < 4 * headerWords) throw bad('length', `${bytes.byteLength} bytes are too few for a header.`);
  // A copy of its own: aligned.
  const buffer = new Uint8Array(bytes).buffer;
  const header = new Uint32Array(buffer, 0, headerWords);
  if (header[0] !== magic) throw bad('magic', 'they do not begin with SWPK.');
  if (header[1] !== version) {
    throw bad('version', `version ${header[1]}, where this package reads ${version}.`, 'Pack the weights again.');
  }
  if (header[2] !== bytes.byteLength) {
    throw bad(
      'length',
      `${bytes.byteLength} bytes where the header says ${header[2]}.`,
      'The file is cut short or damaged.',
    );
  }
  const field = (name: string, at: number, least: number, most: number): number => {
    if (header[at] >= least && header[at] <= most) return header[at];
    throw bad(name, `${name} is ${header[at]}; it must be in [${least}, ${most}].`);
  };
  const type = typeCodes[field('type', 3, 0, typeCodes.length - 1)];
  const outputs = field('outputs', 4, 1, mostChannels);
  const inputs = field('inputs', 5, 1, mostChannels);
  const kernel = [field('kernel height', 6, 1, mostKernel), field('kernel width', 7, 1, mostKernel)] as const;
  const mr = field('mr', 8, 1, 4) as GroupRows;
  if (mr !== 1 && mr !== 2 && mr !== 4) throw bad('mr', `mr is ${mr}; it must be 1, 2 or 4.`);
  const algorithm = algorithmCodes[field('algorithm', 9, 0, algorithmCodes.length - 1)];
  const hasBias = field('bias', 10, 0, 1) === 1;
  const taps = kernel[0] * kernel[1];
  if (type !== 'f32' && (taps > 1 || mr !== 4)) throw bad('type', `${type} has a kernel of one tap and an mr of 4.`);
  if (algorithm?.startsWith('winograd') && (kernel[0] !== 3 || kernel[1] !== 3)) {
    throw bad('algorithm', `${algorithm} with a kernel of ${kernel.join(' x ')}.`);
  }

  let at = 4 * headerWords;
  const take = (name: string, size: number): ArrayBuffer => {
    if (at + padded(size) > buffer.byteLength) {
      throw bad(name, `${name} needs ${size} bytes at ${at}, of ${buffer.byteLength} in all.`);
    }
    const part = buffer.slice(at, at + size);
    at += padded(size);
    return part;
  };
  const floats = (name: string): Float32Array => {
    const values = new Float32Array(take(name, 4 * outputs));
    requireFinite(name, values);
    return values;
  };
  const bias = hasBias ? floats('bias') : undefined;
  const rowScale = type === 'f32' ? undefined : floats('row scale');
  const units = Math.ceil((inputs * taps) / depthOf[type]);
  const segments = segmentRows(outputs, mr, type).map((rows) => readSegment(rows, units, type, take));
  if (at !== buffer.byteLength) throw bad('length', `${buffer.byteLength - at} bytes are left over at the end.`);
  if (type === 'i16' || type === 's8') checkSums(segments, type);
  return { type, outputs, inputs, kernel, mr, segments, bias, rowScale, algorithm };
}

function readSegment(
  { mr, row, groups }: { mr: GroupRows; row: number; groups: number },
  units: number,
  type: PackedType,
  take: (name: string, size: number) => ArrayBuffer,
): Segment {
  const rowPtr = new Uint32Array(take('rowPtr', 4 * (groups + 1)));
  if (rowPtr[0] !== 0) throw bad('rowPtr', `the first of a segment is ${rowPtr[0]}, not 0.`);
  for (let g = 0; g < groups; g++) {
    const size = rowPtr[g + 1] - rowPtr[g];
    if (size < 0 || size > units) throw bad('rowPtr', `group ${g} of row ${row} has ${size} positions of ${units}.`);
  }
  const positions = rowPtr[groups];
  const index =
    units > 65536 ? new Uint32Array(take('index', 4 * positions)) : new Uint16Array(take('index', 2 * positions));
  for (let g = 0; g < groups; g++) {
    for (let p = rowPtr[g]; p < rowPtr[g + 1]; p++) {
      const isRising = p === rowPtr[g] || index[p] > index[p - 1];
      if (isRising && index[p] < units) continue;
      throw bad('index', `position ${p} is ${index[p]}; within a group they rise and stay below ${units}.`);
    }
  }
  const contents = take('values', positions * mr * 4);
  const values =
    type === 'f32' ? new Float32Array(contents) : type === 'i16' ? new Int16Array(contents) : new Int8Array(contents);
  if (values instanceof Float32Array) requireFinite('values', values);
  return { mr, row, groups, rowPtr, index, values };
}

function requireFinite(name: string, values: Float32Array): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw bad(name, `${name}[${at}] is ${values[at]}; it must be finite.`);
}

/** Integer rows whose sums could leave 32 bits would give wrong numbers without a trace. */
function checkSums(segments: readonly Segment[], type: 'i16' | 's8'): void {
  const [depth, largest] = type === 'i16' ? [2, 2047] : [4, 127];
  for (const { mr, row, groups, rowPtr, values } of segments) {
    for (let r = 0; r < groups * mr; r++) {
      let total = 0;
      for (let p = rowPtr[Math.floor(r / mr)]; p < rowPtr[Math.floor(r / mr) + 1]; p++) {
        for (let i = 0; i < depth; i++) total += Math.abs(values[(p * mr + (r % mr)) * depth + i]);
      }
      if (total * largest >= 2 ** 31)
        throw bad('values', `the weights of row ${row + r} add up to ${total}, too many for 32 bits.`);
    }
  }
}
