import type { Shapes } from '../expressible-config.js';

/** What is left of a U-Net's depth, read off its tensors. Stages are counted from the largest. */
export interface UNetDepth {
  /** Number of stages. */
  readonly stages: number;
  /** Residual blocks of every stage on the way down. */
  readonly layers: readonly number[];
  /** For every stage the transformer blocks behind each of its residual blocks; none where it has no attentions. */
  readonly down: readonly (readonly number[])[];
  readonly up: readonly (readonly number[])[];
}

/**
 * @param stages  number of stages by the configuration
 */
export function depthOf(shapes: Shapes, stages: number): UNetDepth {
  const names = [...shapes.keys()];
  const isLeft = (block: string): boolean => names.some((name) => name.startsWith(`${block}.`));
  // The innermost stage goes with both its blocks.
  let left = stages;
  while (left > 1 && !isLeft(`down_blocks.${left - 1}`) && !isLeft(`up_blocks.${stages - left}`)) left--;
  const every = Array.from({ length: left }, (_, stage) => stage);
  return {
    stages: left,
    layers: every.map((stage) => numbersIn(names, `down_blocks.${stage}.resnets`, 'conv1').length),
    down: every.map((stage) => depthsIn(names, `down_blocks.${stage}`)),
    up: every.map((stage) => depthsIn(names, `up_blocks.${stages - 1 - stage}`)),
  };
}

function depthsIn(names: readonly string[], block: string): number[] {
  const attentions = numbersIn(names, `${block}.attentions`);
  return attentions.map((i) => numbersIn(names, `${block}.attentions.${i}.transformer_blocks`).length);
}

/** Numbers of a list's modules that have some tensor (of their module `of`, if given), ascending. */
function numbersIn(names: readonly string[], list: string, of?: string): number[] {
  const found = new Set<number>();
  for (const name of names) {
    if (!name.startsWith(`${list}.`)) continue;
    const [number, child] = name.slice(list.length + 1).split('.');
    if (of === undefined || child === of) found.add(Number(number));
  }
  return [...found].sort((a, b) => a - b);
}

/** One value where all are equal. */
export function oneWhereEqual<T>(values: readonly T[]): T | T[] {
  return values.every((value) => value === values[0]) ? values[0]! : [...values];
}

/** Width of a stage: what any of its residual blocks gives. */
export function widthOf(shapes: Shapes, stage: number): number | undefined {
  for (const [name, [width]] of shapes) {
    if (name.startsWith(`down_blocks.${stage}.resnets.`) && name.endsWith('.conv2.weight')) return width;
  }
  return undefined;
}
