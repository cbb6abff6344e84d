import { SecateurError } from '../errors.js';
import { type OpRecord, type OpSet, opKey } from '../op-record.js';
import { attention } from './attention.js';
import { binaryOps } from './binary.js';
import { convOps } from './conv.js';
import { elementwiseOps } from './elementwise.js';
import { generateOps } from './generate.js';
import { matmulOps } from './matmul.js';
import { normOps } from './norm.js';
import { padOps } from './pad.js';
import { poolOps } from './pool.js';
import { reduceOps } from './reduce.js';
import { repeatOps } from './repeat.js';
import { resizeOps } from './resize.js';
import { selectOps } from './select.js';
import { shapeOps } from './shape.js';
import { softmaxOps } from './softmax.js';

/** Operators by name. @throws {SecateurError} NAME_CLASH when two records are of one operator */
export function opSetOf(records: readonly OpRecord[]): OpSet {
  const ops = new Map<string, OpRecord>();
  for (const record of records) add(ops, record);
  return ops;
}

/** `base` and the records in `extra`. @throws {SecateurError} NAME_CLASH when an operator is there already */
export function withOps(base: OpSet, extra: readonly OpRecord[]): OpSet {
  const ops = new Map(base);
  for (const record of extra) add(ops, record);
  return ops;
}

function add(ops: Map<string, OpRecord>, record: OpRecord): void {
  const key = opKey(record.op, record.domain);
  if (ops.has(key)) {
    throw new SecateurError(
      'NAME_CLASH',
      `Operator ${record.domain ? `${record.domain}.` : ''}${record.op} is described twice.`,
      {
        field: record.op,
        hint: 'Leave one of the two records out.',
      },
    );
  }
  ops.set(key, record);
}

/** Every operator that comes with the package. */
export const defaultOps: OpSet = opSetOf([
  attention,
  ...binaryOps,
  ...convOps,
  ...elementwiseOps,
  ...generateOps,
  ...matmulOps,
  ...normOps,
  ...padOps,
  ...poolOps,
  ...reduceOps,
  ...repeatOps,
  ...resizeOps,
  ...selectOps,
  ...shapeOps,
  ...softmaxOps,
]);
