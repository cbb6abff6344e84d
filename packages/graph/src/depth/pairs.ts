import type { Draft } from './depth-units.js';
import { equalsOf, originOf } from './equal-values.js';
import type { Bypass, GraphIndex } from './graph-index.js';
import type { Modules } from './modules.js';
import type { Residual } from './residuals.js';

/** A Concat of what comes up with a skip, and the layer that reads it. */
interface Join {
  readonly skip: number;
  readonly layer: Draft;
  readonly residual: Residual;
}

/**
 * Pairs of layers whose removal leaves every other layer the skip it had, as BK-SDM (arXiv 2305.15798) chooses them. A
 * layer on the way down whose input is a skip as well makes two skips of one value when it goes; so one of the two layers
 * on the way up that read them can go too: the one that reads the input, or where its widths do not allow that, the one
 * that reads the output. Attentions behind either go along.
 */
export function findPairs(
  index: GraphIndex,
  modules: Modules,
  layers: readonly Draft[],
  branches: readonly Draft[],
): Draft[] {
  const joins = findJoins(index, layers);
  const bySkip = new Map(joins.map((join) => [join.skip, join]));
  const branchOf = new Map(branches.flatMap((branch) => branch.residuals.map((residual) => [residual.out, branch])));
  const pairs: Draft[] = [];
  for (const output of joins) {
    const down = chainDown(index, output.skip, bySkip, branchOf);
    if (!down) continue;
    const { input, chain } = down;
    const up = [bySkip.get(input)!, output].find(({ residual }) => residual.passed !== undefined);
    const first = chain.at(-1)!;
    if (!up || up.layer === first) continue;
    const behind = chainUp(index, up.residual.out, branchOf);
    const members = [...chain.reverse(), up.layer, ...behind];
    const bypasses: Bypass[] = [
      ...members.filter((member) => member !== up.layer).flatMap((member) => member.bypasses),
      { from: up.residual.out, to: up.residual.passed! },
    ];
    const { nodes, parameters } = index.deadAfter(bypasses);
    const paths = members.flatMap((member) => member.modules);
    pairs.push({
      id: `${first.id}+${up.layer.id}`,
      kind: 'pair',
      treatment: 'pass',
      modules: paths,
      residuals: members.flatMap((member) => member.residuals),
      bypasses,
      nodes,
      parameters: parameters.filter((one) => paths.some((path) => ownsParameter(modules, members, path, one))),
    });
  }
  return pairs;
}

/** What dies under a member's path, or with the member alone (a norm beside it). */
function ownsParameter(modules: Modules, members: readonly Draft[], path: string, parameter: number): boolean {
  if (modules.under(path, [parameter]).length > 0) return true;
  return members.some((member) => member.parameters.includes(parameter));
}

function findJoins(index: GraphIndex, layers: readonly Draft[]): Join[] {
  const joins: Join[] = [];
  for (const layer of layers) {
    const [residual, ...others] = layer.residuals;
    if (others.length > 0 || residual.shortcut.length === 0) continue;
    if (index.producer(residual.from)?.op !== 'Concat') continue;
    const [, skip, ...rest] = index.sources(residual.from);
    if (skip !== undefined && rest.length === 0) joins.push({ skip, layer, residual });
  }
  return joins;
}

/** From a skip back over residual branches to the skip before it. */
function chainDown(
  index: GraphIndex,
  skip: number,
  skips: ReadonlyMap<number, unknown>,
  branchOf: ReadonlyMap<number, Draft>,
): { input: number; chain: Draft[] } | undefined {
  const chain: Draft[] = [];
  let value = skip;
  for (;;) {
    const sum = originOf(index, value);
    const branch = branchOf.get(sum);
    const residual = branch?.residuals.find(({ out }) => out === sum);
    if (!branch || !residual || branch.residuals.length > 1 || residual.kept !== residual.from) return undefined;
    chain.push(branch);
    value = residual.kept;
    if (skips.has(value)) return { input: value, chain };
  }
}

/** The branches beside which a value goes on, until something else reads it. */
function chainUp(index: GraphIndex, out: number, branchOf: ReadonlyMap<number, Draft>): Draft[] {
  const chain: Draft[] = [];
  let value = out;
  for (;;) {
    const equals = equalsOf(index, value);
    const next = equals
      .flatMap((equal) => index.readers[equal].map((at) => index.outputs[at][0]))
      .find((sum) => branchOf.get(sum)?.residuals.some((one) => one.out === sum && equals.includes(one.kept)));
    const branch = next === undefined ? undefined : branchOf.get(next);
    if (!branch || branch.residuals.length > 1 || branch.residuals[0].shortcut.length > 0) return chain;
    chain.push(branch);
    value = next!;
  }
}
