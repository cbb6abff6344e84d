import { int } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import type { Patches } from './patches.js';

/** How far apart positions lie. */
export interface PositionScale {
  /** Rows of patches of the size that the model was made for: every other size is stretched to as many. */
  readonly base: number;
  /** What positions are divided by besides. */
  readonly interpolation: number;
}

/**
 * Adds sines and cosines of a patch's column and row, computed for the size at hand, as the library does for a table that
 * it does not store.
 *
 * Channel `c` is `sin(column * f + p)` or `sin(row * f + p)` with a frequency and a phase of its own; they are a computed
 * buffer `waves`, which shrinks with the stream.
 *
 * @param width  of the stream by the configuration, a multiple of 4
 */
export function addWaves(m: ModuleBuilder, x: Patches, width: number, { base, interpolation }: PositionScale): Patches {
  const { graph } = m;
  const waves = m.computedBuffer('waves', [4, free(width)], () => wavesOf(width));
  if (waves.shape[1] !== x.width) {
    m.problem(`${m.path}.waves has ${waves.shape[1]} channels, the patches have ${x.width}`);
  }
  const sizes = graph.multi('Split', [x.grid, graph.ints([1, 1])], { axis: int(0) }, { outputs: 2 });
  const parts = graph.multi('Split', [waves.name, graph.ints([1, 1, 1, 1])], { axis: int(0) }, { outputs: 4 });
  const along = (size: string, frequency: string, phase: string): string => {
    const angles = graph.op('Mul', [positions(m, size, base, interpolation), frequency]);
    return graph.op('Sin', [graph.op('Add', [angles, phase])]);
  };
  const columns = along(sizes[1]!, parts[0]!, parts[1]!);
  const rows = graph.op('Unsqueeze', [along(sizes[0]!, parts[2]!, parts[3]!), graph.ints([1])]);
  const table = graph.op('Reshape', [graph.op('Add', [rows, columns]), graph.ints([-1, x.width])]);
  return { ...x, value: graph.op('Add', [x.value, table]) };
}

/**
 * Adds the middle of a stored table of positions: as many rows and columns as there are of patches, at most `side`.
 *
 * @param side  rows and columns of the table `pos_embed` `[1, side * side, width]`
 */
export function addCroppedTable(m: ModuleBuilder, x: Patches, side: number, width: number, base: number): Patches {
  const { graph } = m;
  const compute = () => positionTable(side, width, { base, interpolation: 1 });
  const table = m.parameter('pos_embed', [1, side * side, x.width], { kind: 'computed', compute }, true);
  const square = graph.op('Reshape', [table.name, graph.ints([side, side, x.width])]);
  const start = graph.op('Div', [graph.op('Sub', [graph.ints([side, side]), x.grid]), graph.ints([2, 2])]);
  const middle = graph.op('Slice', [square, start, graph.op('Add', [start, x.grid]), graph.ints([0, 1])]);
  const rows = graph.op('Reshape', [middle, graph.ints([-1, x.width])]);
  return { ...x, value: graph.op('Add', [x.value, rows]) };
}

/** `[size, 1]`: 0, 1, … over `size / base`, over `interpolation`. */
function positions(m: ModuleBuilder, size: string, base: number, interpolation: number): string {
  const { graph } = m;
  const onnxFloat = 1;
  const asFloat = (value: string): string => graph.op('Cast', [value], { to: int(onnxFloat) });
  const scalar = (value: number): string => graph.op('Squeeze', [graph.ints([value]), graph.ints([0])]);
  const count = graph.op('Squeeze', [size, graph.ints([0])]);
  const numbers = asFloat(graph.op('Range', [scalar(0), count, scalar(1)]));
  const stretched = graph.op('Div', [numbers, graph.op('Div', [asFloat(size), graph.scalar(base)])]);
  return graph.op('Unsqueeze', [graph.op('Div', [stretched, graph.scalar(interpolation)]), graph.ints([1])]);
}

/**
 * `[4, width]`: frequency and phase over columns, then over rows. The first half of the channels are columns, the second
 * rows; each half sines of `10000^(-k / quarter)`, then cosines of the same.
 */
export function wavesOf(width: number): Float32Array {
  const quarter = width / 4;
  const waves = new Float32Array(4 * width);
  for (let channel = 0; channel < width; channel++) {
    const [axis, cosine] = [Math.floor(channel / (2 * quarter)), Math.floor(channel / quarter) % 2];
    waves[2 * axis * width + channel] = 10000 ** -((channel % quarter) / quarter);
    waves[(2 * axis + 1) * width + channel] = cosine ? Math.PI / 2 : 0;
  }
  return waves;
}

/**
 * The library's own table of positions, for checkpoints that store it: `[side * side, width]`.
 *
 * @param side  rows and columns
 */
export function positionTable(side: number, width: number, { base, interpolation }: PositionScale): Float32Array {
  const waves = wavesOf(width);
  const table = new Float32Array(side * side * width);
  const positionOf = (i: number): number => Math.fround(Math.fround(i / (side / base)) / interpolation);
  for (let patch = 0; patch < side * side; patch++) {
    const [column, row] = [positionOf(patch % side), positionOf(Math.floor(patch / side))];
    for (let c = 0; c < width; c++) {
      const across = Math.sin(column * waves[c]! + waves[width + c]!);
      table[patch * width + c] = across + Math.sin(row * waves[2 * width + c]! + waves[3 * width + c]!);
    }
  }
  return table;
}
