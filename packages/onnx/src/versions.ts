/** Oldest and newest operator set that is read. */
export const OPSET_RANGE: { readonly min: number; readonly max: number } = { min: 11, max: 24 };

/** From this operator set on, `GroupNormalization` has one scale and bias per channel. Before 18 it does not exist. */
export const GROUP_NORM_OPSET = 21;

/** First operator set of each IR version (ONNX's release table, `docs/Versioning.md`). */
const IR_VERSIONS: readonly (readonly [opset: number, irVersion: number])[] = [
  [24, 12],
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [0, 6],
];

/** The oldest IR version that a release of ONNX paired with this operator set: old runtimes refuse newer ones. */
export function irVersionOf(opset: number): number {
  return IR_VERSIONS.find(([first]) => opset >= first)![1];
}
