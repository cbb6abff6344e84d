import type { Graph, GraphNode } from '../graph.js';

/** Reads of the value `from` go to `to` instead. */
export interface Bypass {
  readonly from: number;
  readonly to: number;
}

/** What no output needs any more. */
export interface Dead {
  /** Positions in `graph.nodes`, ascending. */
  readonly nodes: Int32Array;
  /** Value numbers of constants that are parameters, ascending: in the order of the graph's constants. */
  readonly parameters: readonly number[];
}

/**
 * A graph with its values numbered, and how often each is read: what a bypass leaves unread is found by following the
 * branch alone, not the whole graph. SDXL has hundreds of branches in ten thousand nodes.
 */
export class GraphIndex {
  readonly names: string[] = [];
  private readonly numbers = new Map<string, number>();
  /** Value numbers of every node's inputs, those left out not counted. */
  readonly inputs: number[][] = [];
  readonly outputs: number[][] = [];
  /** By value: position of the node that makes it; -1 for inputs and constants. */
  readonly producers: number[] = [];
  /** By value: positions of the nodes that read it, ascending. */
  readonly readers: number[][] = [];
  /** By value: whether it is made from constants alone. */
  readonly isConstant: boolean[] = [];
  private readonly isParameter: boolean[] = [];
  private readonly uses: number[] = [];
  private stamp = 0;
  private readonly stamps: number[] = [];

  constructor(readonly graph: Graph) {
    for (const input of graph.inputs) this.number(input.name);
    for (const [name, { parameter }] of graph.constants) {
      const value = this.number(name);
      this.isConstant[value] = true;
      this.isParameter[value] = parameter !== undefined;
    }
    for (const [at, node] of graph.nodes.entries()) this.add(node, at);
    for (const { name } of graph.outputs) this.uses[this.number(name)]++;
  }

  private add(node: GraphNode, at: number): void {
    const inputs = node.inputs.filter((name) => name !== '').map((name) => this.number(name));
    const constant = inputs.every((value) => this.isConstant[value]);
    const outputs = node.outputs.filter((name) => name !== '').map((name) => this.number(name));
    for (const value of outputs) {
      this.producers[value] = at;
      this.isConstant[value] = constant;
    }
    for (const value of inputs) {
      this.uses[value]++;
      if (this.readers[value].at(-1) !== at) this.readers[value].push(at);
    }
    this.inputs.push(inputs);
    this.outputs.push(outputs);
  }

  /** Number of a value by name. */
  number(name: string): number {
    let value = this.numbers.get(name);
    if (value === undefined) {
      value = this.names.push(name) - 1;
      this.numbers.set(name, value);
      this.producers.push(-1);
      this.readers.push([]);
      this.isConstant.push(false);
      this.isParameter.push(false);
      this.uses.push(0);
      this.stamps.push(0);
    }
    return value;
  }

  /** The node that makes a value. */
  producer(value: number): GraphNode | undefined {
    return this.graph.nodes[this.producers[value]];
  }

  /** The distinct inputs of a value's node that are not made from constants alone. */
  sources(value: number): number[] {
    const at = this.producers[value];
    if (at < 0) return [];
    return [...new Set(this.inputs[at].filter((input) => !this.isConstant[input]))];
  }

  /** Whether `later` is computed from `earlier`, or is it. */
  isAncestor(earlier: number, later: number): boolean {
    if (earlier === later) return true;
    const bound = this.producers[earlier];
    const stamp = ++this.stamp;
    const left = [later];
    while (left.length > 0) {
      const at = this.producers[left.pop()!];
      // Nodes stand in the order in which they can run: what comes before `earlier` is made without it.
      if (at <= bound) continue;
      for (const input of this.inputs[at]) {
        if (input === earlier) return true;
        if (this.isConstant[input] || this.stamps[input] === stamp) continue;
        this.stamps[input] = stamp;
        left.push(input);
      }
    }
    return false;
  }

  /** What dies when values are read in the place of others. The graph is not changed. */
  deadAfter(bypasses: readonly Bypass[]): Dead {
    const renamed = new Map<number, number>();
    const resolve = (value: number): number => {
      let found = value;
      for (let next = renamed.get(found); next !== undefined; next = renamed.get(found)) found = next;
      return found;
    };
    const before = new Map<number, number>();
    const add = (value: number, count: number): number => {
      if (!before.has(value)) before.set(value, this.uses[value]);
      return (this.uses[value] += count);
    };
    const unread: number[] = [];
    for (const { from, to } of bypasses) {
      if (renamed.has(from) || resolve(to) === from) continue;
      const count = this.uses[from];
      add(resolve(to), count);
      add(from, -count);
      renamed.set(from, to);
      unread.push(from);
    }
    const nodes = new Set<number>();
    const parameters: number[] = [];
    while (unread.length > 0) {
      const value = unread.pop()!;
      if (this.uses[value] !== 0) continue;
      if (this.isParameter[value]) parameters.push(value);
      const at = this.producers[value];
      if (at < 0 || nodes.has(at) || this.outputs[at].some((output) => this.uses[output] !== 0)) continue;
      nodes.add(at);
      for (const input of this.inputs[at]) {
        const read = resolve(input);
        if (add(read, -1) === 0) unread.push(read);
      }
    }
    for (const [value, count] of before) this.uses[value] = count;
    return { nodes: Int32Array.from(nodes).sort(), parameters: parameters.sort((a, b) => a - b) };
  }
}
