import { type GraphNode, windowOf } from '@secateur/graph';

type Pair = readonly [number, number];

/** A convolution over pictures; one over a line is one over pictures one pixel high. */
export interface Geometry {
  readonly height: number;
  readonly width: number;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Rows and columns of zeros above and left, below and right. */
  readonly before: Pair;
  readonly after: Pair;
  readonly outHeight: number;
  readonly outWidth: number;
}

export function geometryOf(node: GraphNode, weight: readonly number[], x: readonly number[]): Geometry {
  const spatial = x.slice(2);
  const window = windowOf(node, weight.slice(2), spatial, (message) => {
    throw new Error(`${node.op} "${node.name}" ${message}`);
  });
  const pair = (values: readonly number[], first: number): Pair =>
    values.length === 2 ? [values[0]!, values[1]!] : [first, values[0]!];
  const [height, width] = pair(spatial, 1);
  const [kernel, stride, dilation] = [window.kernel, window.strides, window.dilations].map((values) => pair(values, 1));
  const [before, after] = [pair(window.before, 0), pair(window.after, 0)];
  const out = (axis: 0 | 1): number => {
    const size = axis === 0 ? height : width;
    const reach = dilation![axis] * (kernel![axis] - 1) + 1;
    return Math.floor((size + before[axis] + after[axis] - reach) / stride![axis]) + 1;
  };
  return {
    height,
    width,
    kernel: kernel!,
    stride: squared(stride!, spatial.length),
    dilation: dilation!,
    before,
    after,
    outHeight: out(0),
    outWidth: out(1),
  };
}

/** A line's stride along the axis that it has not. */
function squared([vertical, horizontal]: Pair, rank: number): Pair {
  return rank === 1 ? [horizontal, horizontal] : [vertical, horizontal];
}
