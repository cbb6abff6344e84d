import { SecateurError } from '../errors.js';
import { getInt } from '../graph.js';
import { defineOp, type OpRecord } from '../op-record.js';
import { tensor } from '../tensor.js';
import { doublesOf } from './doubles.js';
import { foldAxes, keptShape } from './fold-axes.js';
import { normalAxis } from './views.js';

/** Where along `axis` the extremum is: the first such place, or with `select_last_index` the last. */
function argExtremum(op: string, sign: 1 | -1): OpRecord {
  const axisOf = (context: Pick<Parameters<OpRecord['slots']>[0], 'node'>, rank: number): number =>
    normalAxis(getInt(context.node, 'axis', 0), rank, (message) => {
      throw new SecateurError('SHAPE_MISMATCH', `${op}: ${message}.`);
    });
  const keeps = (context: Pick<Parameters<OpRecord['slots']>[0], 'node'>): boolean =>
    getInt(context.node, 'keepdims', 1) === 1;
  return defineOp({
    op,
    infer(context) {
      const { shape } = context.input(0);
      return [{ dtype: 'int64', shape: keptShape(shape, [axisOf(context, shape.length)], keeps(context)) }];
    },
    slots(context) {
      const axes = context.axes(0);
      const at = axisOf(context, axes.length);
      context.pin(axes[at], `${op} over this axis`);
      context.set(
        0,
        axes.flatMap((axis, i) => (i !== at ? [axis] : keeps(context) ? [context.blank()] : [])),
      );
    },
    gradient: 'none',
    evaluate(context) {
      const { shape } = context.input(0);
      const axes = [axisOf(context, shape.length)];
      const last = getInt(context.node, 'select_last_index', 0) === 1;
      const places = foldAxes(doublesOf(context.input(0)), shape, axes, (row) =>
        row.reduce((best, x, i) => {
          const better = sign * (x - row[best]);
          return better > 0 || (last && better === 0) ? i : best;
        }, 0),
      );
      return [tensor('int64', keptShape(shape, axes, keeps(context)), BigInt64Array.from(places, BigInt))];
    },
  });
}

export const argExtremumOps: readonly OpRecord[] = [argExtremum('ArgMax', 1), argExtremum('ArgMin', -1)];
