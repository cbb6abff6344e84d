import { analyse, type GroupRows } from './analyse.js';
import { SparseWasmError } from './errors.js';
import {
  depthOf,
  type PackedType,
  type PackedWeights,
  type Segment,
  segmentRows,
  worthNoList,
} from './packed-weights.js';
import { quantiseRows } from './quantise-rows.js';
import { checkWeights, tapsOf, type WeightShape } from './weight-shape.js';

export interface PackOptions {
  /** 1 for what stays, like `weight`. Default: whatever is not zero. */
  mask?: Uint8Array;
  /** `[outputs]` */
  bias?: Float32Array;
  /** Numbers that the weights become. Integers are for linear layers only. Default `f32`. */
  type?: PackedType;
  /**
   * Output rows that share positions: 4 for dense, N:M over four rows and 4x1 blocks, 2 for 2x1 blocks, 1 for rows that have
   * nothing in common (CSR). Default: the cheapest by `analyse`; integers always share 4.
   */
  mr?: GroupRows;
}

/**
 * Leaves the zeros out. Dense weights are the case in which nothing is left out.
 *
 * @param weight  `[outputs, inputs, kernelHeight, kernelWidth]`, finite where the mask keeps it
 * @throws {SparseWasmError} BAD_SHAPE, BAD_DATA; BAD_OPTION for integer convolutions
 */
export function packWeights(weight: Float32Array, shape: WeightShape, options: PackOptions = {}): PackedWeights {
  const { mask, bias, type = 'f32' } = options;
  checkWeights(weight, shape, mask);
  checkBias(bias, shape.outputs);
  const taps = tapsOf(shape);
  if (type !== 'f32' && taps > 1) {
    throw new SparseWasmError('BAD_OPTION', `type is ${type}, which only linear layers can have.`, { field: 'type' });
  }
  const { outputs, inputs, kernel = [1, 1] } = shape;
  const mr = type === 'f32' ? (options.mr ?? analyse(weight, shape, mask).best) : 4;
  const quantised = type === 'f32' ? undefined : quantiseRows(weight, shape, type, mask);
  const values = quantised?.values ?? weight;
  const segments = segmentRows(outputs, mr, type).map((rows) =>
    packSegment(values, inputs * taps, rows, type, type === 'f32' && taps === 1, quantised ? undefined : mask),
  );
  return { type, outputs, inputs, kernel, mr, segments, bias, rowScale: quantised?.scale };
}

function checkBias(bias: Float32Array | undefined, outputs: number): void {
  if (!bias) return;
  if (bias.length !== outputs) {
    throw new SparseWasmError('BAD_SHAPE', `bias has ${bias.length} elements for ${outputs} outputs.`, {
      field: 'bias',
    });
  }
  const bad = bias.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new SparseWasmError('BAD_DATA', `bias[${bad}] is ${bias[bad]}; it must be finite.`, { field: 'bias' });
}

function packSegment(
  weight: Float32Array | Int16Array | Int8Array,
  rowSize: number,
  { mr, row, groups }: { mr: GroupRows; row: number; groups: number },
  type: PackedType,
  isPointwise: boolean,
  mask?: Uint8Array,
): Segment {
  const depth = depthOf[type];
  const units = Math.ceil(rowSize / depth);
  const holds = (at: number): boolean => weight[at] !== 0 && mask?.[at] !== 0;
  /** Whether any weight of a group's position is not zero. */
  const isKept = (first: number, unit: number): boolean => {
    for (let r = 0; r < mr; r++) {
      for (let k = unit * depth; k < Math.min(rowSize, (unit + 1) * depth); k++) {
        if (holds((first + r) * rowSize + k)) return true;
      }
    }
    return false;
  };

  const rowPtr = new Uint32Array(groups + 1);
  const kept = new Uint8Array(groups * units);
  for (let g = 0; g < groups; g++) {
    let here = 0;
    for (let unit = 0; unit < units; unit++) {
      if (isKept(row + g * mr, unit)) here += kept[g * units + unit] = 1;
    }
    rowPtr[g + 1] = rowPtr[g] + here;
  }
  if (mr === 4 && isPointwise && rowPtr[groups] >= worthNoList * groups * units) {
    kept.fill(1);
    for (let g = 0; g <= groups; g++) rowPtr[g] = g * units;
  }
  const positions = rowPtr[groups];
  const index = new (units > 65536 ? Uint32Array : Uint16Array)(positions);
  const values = new (weight.constructor as new (size: number) => typeof weight)(positions * mr * depth);
  let p = 0;
  for (let g = 0; g < groups; g++) {
    for (let unit = 0; unit < units; unit++) {
      if (kept[g * units + unit] === 0) continue;
      index[p] = unit;
      for (let r = 0; r < mr; r++) {
        for (let i = 0; i < depth; i++) {
          const k = unit * depth + i;
          const at = (row + g * mr + r) * rowSize + k;
          if (k < rowSize && holds(at)) values[(p * mr + r) * depth + i] = weight[at];
        }
      }
      p++;
    }
  }
  return { mr, row, groups, rowPtr, index, values };
}
