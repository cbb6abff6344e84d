import type { Lowering } from './lowering.js';
import { affineStep } from './ops/affine.js';
import { copyStep } from './ops/copy.js';
import { enlargeStep } from './ops/enlarge.js';
import { productStep } from './ops/product.js';
import { attentionScores } from './ops/scores.js';
import type { PendingConcat } from './pending.js';
import { type Buffer, sliceView, type View, wholeView } from './view.js';

/** Computes a buffer that nobody could take over. */
export function emitPending(lowering: Lowering, buffer: Buffer): void {
  const { pending } = buffer;
  if (!pending) return;
  buffer.pending = undefined;
  switch (pending.kind) {
    case 'product':
      lowering.emit(productStep(pending, buffer));
      break;
    case 'affine':
      lowering.emit(affineStep(pending, buffer));
      break;
    case 'concat':
      emitConcat(lowering, pending, buffer);
      break;
    case 'enlargement':
      lowering.emit(enlargeStep(pending, buffer));
      break;
    case 'scores':
      attentionScores(lowering, pending, buffer);
      break;
  }
}

function emitConcat(lowering: Lowering, { parts, axis, order }: PendingConcat, buffer: Buffer): void {
  const shape = [...parts[0]!.shape];
  shape[axis] = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
  const whole: View = wholeView(buffer, shape, order);
  let start = 0;
  for (const part of parts) {
    const size = part.shape[axis]!;
    lowering.emit(copyStep(lowering.ready(part), sliceView(whole, axis, start, size)));
    start += size;
  }
}
