import { type Attribute, bytesOf, type Constant, type Graph, type GraphNode, producersOf } from '@secateur/graph';
import { shapesOf } from './structure.js';

/**
 * Whether two graphs compute the same function because they are the same network under other names: every output (but for one of each layer) is made
 * by the same operators, wired alike, from the same inputs, from parameters of the same shapes and from equal constants.
 *
 * Targets of Reshape are compared where both are constant: surgery writes some down that a builder reads off other values.
 *
 * @returns for every parameter of `own` the name that the parameter in its place has in `other`; `undefined` when they are
 *   not the same
 */
export function sameNetwork(own: Graph, other: Graph): ReadonlyMap<string, string> | undefined {
  const [ownProducers, otherProducers] = [producersOf(own), producersOf(other)];
  const partners = new Map<string, string>();
  const names = new Map<string, string>();
  const [ownOutputs, otherOutputs] = [mainOutputs(own), mainOutputs(other)];
  if (ownOutputs.join() !== otherOutputs.join()) return undefined;
  const left = ownOutputs.map((name): [string, string] => [name, name]);
  while (left.length > 0) {
    const [a, b] = left.pop()!;
    const known = partners.get(a);
    if (known === b) continue;
    if (known !== undefined || (a === '') !== (b === '')) return undefined;
    partners.set(a, b);
    const [constantA, constantB] = [own.constants.get(a), other.constants.get(b)];
    const [makerA, makerB] = [ownProducers.get(a), otherProducers.get(b)];
    if (constantA && constantB) {
      if (!sameConstant(constantA, constantB)) return undefined;
      if (constantA.parameter) names.set(constantA.parameter.name, constantB.parameter!.name);
    } else if (makerA && makerB) {
      const pairs = sameNode(makerA, makerB, a, b);
      if (!pairs) return undefined;
      for (const [i, pair] of pairs.entries()) {
        const isTarget = makerA.op === 'Reshape' && i === 1;
        if (isTarget && own.constants.has(pair[0]) !== other.constants.has(pair[1])) continue;
        left.push(pair);
      }
    } else if (a !== b || constantA || constantB || makerA || makerB) return undefined;
  }
  return withUnread(names, own, other);
}

/** Outputs by name, but for those that are numbered: one for every layer, of which there may be fewer. */
function mainOutputs({ outputs }: Graph): string[] {
  return outputs.map(({ name }) => name).filter((name) => !/\.\d+$/.test(name));
}

/** Parameters that no output needs must be the same, under the same names. */
function withUnread(
  names: ReadonlyMap<string, string>,
  own: Graph,
  other: Graph,
): ReadonlyMap<string, string> | undefined {
  const seen = new Set(names.values());
  if (seen.size < names.size) return undefined;
  const unread = new Map([...shapesOf(other)].filter(([name]) => !seen.has(name)));
  const all = new Map(names);
  for (const [name, shape] of shapesOf(own)) {
    if (names.has(name)) continue;
    if (unread.get(name)?.join() !== shape.join()) return undefined;
    unread.delete(name);
    all.set(name, name);
  }
  return unread.size === 0 ? all : undefined;
}

function sameConstant(a: Constant, b: Constant): boolean {
  if ((a.parameter === undefined) !== (b.parameter === undefined)) return false;
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  if (a.parameter) return true;
  if (!a.value || !b.value) return false;
  const [x, y] = [bytesOf(a.value), bytesOf(b.value)];
  return x.every((byte, i) => byte === y[i]);
}

/** Pairs of inputs to compare next; `undefined` when the nodes differ. */
function sameNode(a: GraphNode, b: GraphNode, outA: string, outB: string): [string, string][] | undefined {
  if (a.op !== b.op || a.domain !== b.domain || a.inputs.length !== b.inputs.length) return undefined;
  if (a.outputs.indexOf(outA) !== b.outputs.indexOf(outB)) return undefined;
  const names = Object.keys(a.attributes);
  if (names.length !== Object.keys(b.attributes).length) return undefined;
  if (!names.every((name) => sameAttribute(a.attributes[name]!, b.attributes[name]))) return undefined;
  return a.inputs.map((input, i) => [input, b.inputs[i]!]);
}

function sameAttribute(a: Attribute, b: Attribute | undefined): boolean {
  return a.type !== 'tensor' && a.type === b?.type && String(a.value) === String(b.value);
}
