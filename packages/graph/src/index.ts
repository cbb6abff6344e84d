export { GraphBuilder, type OpOptions } from './builder.js';
export { coupleKnown, knownPart } from './coupling/couple-known.js';
export type { ConstantAxis, SlotFlow } from './coupling/flow.js';
export {
  type Coupling,
  couple,
  type Group,
  type GroupSlice,
  type NormGroups,
  type NotPruned,
  type UnitKind,
} from './coupling/groups.js';
export type { Modulation } from './coupling/modulation.js';
export type { Axis, Role, SlotContext } from './coupling/slot-context.js';
export { type DepthKind, type DepthUnit, depthKinds, type Treatment } from './depth/depth-units.js';
export {
  addDims,
  broadcastShapes,
  type Dim,
  dimEquals,
  dimText,
  divideExactly,
  evaluateDim,
  floorDivideDims,
  isSymbolic,
  multiplyDims,
  parseDim,
  productOfDims,
  type SymbolicDim,
  shapeText,
  subtractDims,
  symbol,
  unifyDims,
} from './dim.js';
export { type ErrorCode, type ErrorDetails, SecateurError, throwIfAborted } from './errors.js';
export { type EvaluateOptions, evaluateGraph, evaluateNode } from './evaluate.js';
export { type FoldOptions, foldConstants } from './fold.js';
export { type GradientRequest, gradient } from './gradient/gradient.js';
export {
  type Allocate,
  type Attribute,
  type ByteLocation,
  type Constant,
  constantOf,
  consumersOf,
  float,
  type Graph,
  type GraphNode,
  getFloat,
  getInt,
  getInts,
  getString,
  int,
  ints,
  type ParameterIdentity,
  parameterNamed,
  producersOf,
  string,
  type ValueInfo,
  withoutDeadNodes,
} from './graph.js';
export { bfloatToFloat, floatToBfloat, floatToHalf, halfToFloat } from './half.js';
export { type InferOptions, inferTypes, refuseUnknownOps, type UnknownOp, unknownOps } from './infer.js';
export { countMacs } from './macs.js';
export {
  defineOp,
  type EvaluateContext,
  type GradientContext,
  type InferContext,
  type Macs,
  type MacsContext,
  type OpRecord,
  type OpSet,
  opKey,
  type ValueType,
} from './op-record.js';
export { defaultOps, opSetOf, withOps } from './ops/index.js';
export { type Window, windowOf } from './ops/window.js';
export { renameValues } from './rename-values.js';
export { subgraph } from './subgraph.js';
export { type Gate, type GatedGraph, gateUnits } from './surgery/gate-units.js';
export { type Cut, type Removal, removeUnits } from './surgery/remove-units.js';
export type { RewriteContext } from './surgery/rewrite-context.js';
export { scatterNode } from './surgery/scatter.js';
export { sliceConstant, sliceTensor } from './surgery/slice-constant.js';
export { zeroUnits } from './surgery/zero-units.js';
export {
  allocate,
  bytesOf,
  bytesPerElement,
  castTensor,
  type DType,
  float32,
  int64,
  isFloat,
  lazyTensor,
  sizeOf,
  stridesOf,
  type Tensor,
  type TensorData,
  tensor,
  tensorFromBytes,
  toFloat32,
  toNumbers,
  zeros,
} from './tensor.js';
