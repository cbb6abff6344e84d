import { type Constant, constantOf, type GraphNode, getInt, int64, ints } from '@secateur/graph';

/**
 * `Attention` of inputs `[batch, length, heads * size]`, which only then say their number of heads, as the form for
 * `[batch, heads, length, size]` with the heads split off before and put together after:
 *
 *     Reshape [0, 0, heads, -1] -> Transpose (query, key and value) -> Attention -> Transpose -> Reshape [0, 0, -1]
 *
 * `undefined` when the node says no heads, or other numbers of them for queries and keys.
 */
export function splitHeads(
  node: GraphNode,
  constants: Map<string, Constant>,
  newValue: (base: string) => string,
): GraphNode[] | undefined {
  const { q_num_heads: queries, kv_num_heads: keys, ...attributes } = node.attributes;
  const heads = getInt(node, 'q_num_heads', 0);
  // Queries that share a head of keys are refused by name where types are worked out.
  if (!queries || !keys || heads < 1 || heads !== getInt(node, 'kv_num_heads', 0)) return undefined;
  const shapeOf = (base: string, values: readonly number[]): string => {
    const name = newValue(`${node.name}/${base}`);
    constants.set(name, constantOf(int64(values)));
    return name;
  };
  const part = (op: string, label: string, inputs: string[], given: GraphNode['attributes'], output?: string) => {
    const name = newValue(`${node.name}/${label}`);
    return { ...node, name, op, inputs, attributes: given, outputs: [output ?? name] };
  };
  const perm = { perm: ints([0, 2, 1, 3]) };
  const apart = shapeOf('heads', [0, 0, heads, -1]);
  const together = shapeOf('width', [0, 0, -1]);
  const before = node.inputs.slice(0, 3).flatMap((input, i) => {
    const split = part('Reshape', `split_${'qkv'[i]}`, [input, apart], {});
    return [split, part('Transpose', `heads_${'qkv'[i]}`, split.outputs, perm)];
  });
  const inputs = [...[1, 3, 5].flatMap((i) => before[i]!.outputs), ...node.inputs.slice(3)];
  const inner = newValue(`${node.name}/attended`);
  const attended = { ...node, inputs, attributes, outputs: [inner, ...node.outputs.slice(1)] };
  const joined = part('Transpose', 'lengths', [inner], perm);
  const back = part('Reshape', 'join', [joined.outputs[0]!, together], {}, node.outputs[0]!);
  return [...before, attended, joined, back];
}
