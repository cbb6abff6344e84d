import type { Dim } from './dim.js';
import { type Attribute, type Constant, constantOf, type Graph, type GraphNode, type ValueInfo } from './graph.js';
import { type DType, float32, int64, type Tensor } from './tensor.js';

export interface OpOptions {
  /** Value name of the first output; made up from the scope or op otherwise. */
  name?: string;
  /** Number of outputs. Default 1. */
  outputs?: number;
  domain?: string;
}

/** Writes a graph node by node. Values are named by strings; operators return the names of what they make. */
export class GraphBuilder {
  readonly inputs: ValueInfo[] = [];
  readonly outputs: ValueInfo[] = [];
  readonly nodes: GraphNode[] = [];
  readonly constants: Map<string, Constant> = new Map();
  private readonly taken = new Set<string>();
  private readonly counts = new Map<string, number>();
  private path: string[] = [];

  constructor(
    private readonly name: string,
    private readonly opset = 18,
  ) {}

  input(name: string, dtype: DType, shape: readonly Dim[]): string {
    this.inputs.push({ name, dtype, shape });
    return this.take(name);
  }

  /** Declares `value` an output, under `name` if that differs (an Identity is added). */
  output(value: string, dtype: DType, shape: readonly Dim[], name: string = value): void {
    const output = name === value ? value : this.op('Identity', [value], {}, { name });
    this.outputs.push({ name: output, dtype, shape });
  }

  /** Adds a weight or other constant under `name` exactly (once; a second call returns the name). */
  constant(name: string, constant: Constant): string {
    if (!this.constants.has(name)) {
      this.take(name);
      this.constants.set(name, constant);
    }
    return name;
  }

  /** Adds a constant of any dtype under a made-up name. */
  tensor(value: Tensor, hint = 'const'): string {
    return this.constant(this.unique(this.scoped(hint)), constantOf(value));
  }

  /** A constant that follows from the model's configuration: see {@link Constant.fixed}. */
  fixed(value: Tensor, hint: string): string {
    return this.constant(this.unique(this.scoped(hint)), { ...constantOf(value), fixed: true });
  }

  /** int64 vector, e.g. a target shape. */
  ints(values: readonly number[]): string {
    return this.tensor(int64(values));
  }

  /** float32 scalar. */
  scalar(value: number): string {
    return this.tensor(float32([], [value]));
  }

  op(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    options: OpOptions = {},
  ): string {
    return this.multi(op, inputs, attributes, options)[0];
  }

  /** Like {@link op} for operators with several outputs. */
  multi(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    options: OpOptions = {},
  ): string[] {
    const count = options.outputs ?? 1;
    const name = this.unique(options.name ?? this.scoped(op));
    const outputs = [name];
    for (let i = 1; i < count; i++) outputs.push(this.unique(`${name}.${i}`));
    this.nodes.push({
      name,
      op,
      domain: options.domain ?? '',
      inputs: [...inputs],
      outputs,
      attributes,
      scope: this.path.join('.'),
    });
    return outputs;
  }

  /** Runs `body` with `segment` appended to the scope of the nodes it adds. */
  scope<T>(segment: string, body: () => T): T {
    this.path.push(segment);
    try {
      return body();
    } finally {
      this.path.pop();
    }
  }

  build(metadata: Record<string, string> = {}): Graph {
    return {
      name: this.name,
      opset: this.opset,
      domains: {},
      inputs: this.inputs,
      outputs: this.outputs,
      nodes: this.nodes,
      constants: this.constants,
      metadata,
    };
  }

  private scoped(base: string): string {
    return [...this.path, base].join('/');
  }

  private take(name: string): string {
    this.taken.add(name);
    return name;
  }

  private unique(base: string): string {
    if (!this.taken.has(base)) return this.take(base);
    for (;;) {
      const count = (this.counts.get(base) ?? 0) + 1;
      this.counts.set(base, count);
      const name = `${base}_${count}`;
      if (!this.taken.has(name)) return this.take(name);
    }
  }
}
