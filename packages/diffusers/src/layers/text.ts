import { int, int64, symbol } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import type { Rows } from './linear.js';

/** Added to scores that must not count: the least float32, as transformers has it. */
const least = -3.4028234663852886e38;

/** Declares the input `input_ids` int64 `[batch, tokens]`. */
export function tokenInput(m: ModuleBuilder): string {
  return m.graph.input('input_ids', 'int64', [symbol('batch'), symbol('tokens')]);
}

/** Embedding: a row of `weight: [rows, width]` for every index. */
export function embedding(m: ModuleBuilder, path: string, indices: string, rows: number, width: number): Rows {
  return m.at(path, () => {
    const table = m.parameter('weight', [rows, free(width)], { kind: 'normal', deviation: 0.02 });
    return { value: m.graph.op('Gather', [table.name, indices], { axis: int(0) }), width: table.shape[1]! };
  });
}

/** `0, 1, …` for every token, `[tokens]` int64. */
export function positionsOf(m: ModuleBuilder, inputIds: string): string {
  const { graph } = m;
  const tokens = graph.op('Gather', [graph.op('Shape', [inputIds]), index(m, 1)], { axis: int(0) });
  return graph.op('Range', [index(m, 0), tokens, index(m, 1)]);
}

/** Zero where a token may look, the least float32 where it must not: at those behind it. `[tokens, tokens]`. */
export function causalMask({ graph }: ModuleBuilder, positions: string): string {
  const rows = graph.op('Unsqueeze', [positions, graph.ints([1])]);
  const columns = graph.op('Unsqueeze', [positions, graph.ints([0])]);
  return graph.op('Where', [graph.op('LessOrEqual', [columns, rows]), graph.scalar(0), graph.scalar(least)]);
}

/** The same for tokens that a mask `[batch, tokens]` of ones and zeros leaves out: `[batch, 1, 1, tokens]`. */
export function paddingMask(m: ModuleBuilder, mask: string): string {
  const { graph } = m;
  const counts = graph.op('Greater', [mask, index(m, 0)]);
  const added = graph.op('Where', [counts, graph.scalar(0), graph.scalar(least)]);
  return graph.op('Unsqueeze', [added, graph.ints([1, 2])]);
}

/** int64 scalar. */
function index(m: ModuleBuilder, value: number): string {
  return m.graph.tensor(int64([value], []));
}
