import { type Constant, constantOf, float, type GraphNode, getFloat, getInt, int64 } from '@secateur/graph';

/**
 * `GroupNormalization` as operator set 18 has it, one scale and bias for each norm group, in operators that mean the same at
 * every operator set:
 *
 *     Reshape [0, G, -1] -> InstanceNormalization (scale, bias) -> Reshape (shape of x)
 */
export function splitGroupNorm(
  node: GraphNode,
  constants: Map<string, Constant>,
  newValue: (base: string) => string,
): GraphNode[] {
  const [x = '', scale = '', bias = ''] = node.inputs;
  const part = (op: string, inputs: string[], attributes: GraphNode['attributes'], output?: string): GraphNode => {
    const name = newValue(`${node.name}/${op}${output ? '_back' : ''}`);
    return { ...node, name, op, inputs, attributes, outputs: [output ?? name] };
  };
  const groups = newValue(`${node.name}/groups`);
  constants.set(groups, constantOf(int64([0, getInt(node, 'num_groups', 0), -1])));
  const split = part('Reshape', [x, groups], {});
  const epsilon = { epsilon: float(getFloat(node, 'epsilon', 1e-5)) };
  const normal = part('InstanceNormalization', [split.outputs[0]!, scale, bias], epsilon);
  const shape = part('Shape', [x], {});
  const back = part('Reshape', [normal.outputs[0]!, shape.outputs[0]!], {}, node.outputs[0]!);
  return [split, normal, shape, back];
}
