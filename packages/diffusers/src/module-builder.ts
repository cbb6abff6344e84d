import {
  type Constant,
  castTensor,
  type GraphBuilder,
  isFloat,
  lazyTensor,
  parameterNamed,
  SecateurError,
  type Tensor,
} from '@secateur/graph';
import type { Overrides } from './overrides.js';
import type { RemovableModule } from './structure.js';
import type { Init, TensorSpec } from './tensor-spec.js';
import type { WeightSource } from './weight-source.js';

/** A feature map `[batch, channels, height, width]` on its way through the model. */
export interface Feature {
  /** Value name in the graph. */
  readonly value: string;
  readonly channels: number;
  /** How often height and width were halved since the input. */
  readonly level: number;
}

/** A width that a pruned checkpoint may change; `configured` is the configuration's. */
export interface FreeWidth {
  readonly configured: number;
}

export const free = (configured: number): FreeWidth => ({ configured });

export interface BuildOptions {
  /** Whether every width must be the configuration's. Default false: they are the weights'. */
  strict?: boolean;
}

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/** How many problems a message lists before it only counts them. */
const shownProblems = 5;

/**
 * Walks a model's modules while its graph is written: knows the path of the module it is in, brings that module's
 * tensors, and collects everything that does not fit, so that one error can name it.
 *
 * With weights, widths are taken from the weights. Without, from the configuration: then only {@link tensors} is of use.
 */
export class ModuleBuilder {
  private readonly specs = new Map<string, TensorSpec>();
  private readonly ignored = new Set<string>();
  private readonly problems: string[] = [];
  private readonly removed: ReadonlySet<string>;
  private readonly removableModules = new Map<string, RemovableModule>();
  private segments: string[] = [];

  constructor(
    readonly graph: GraphBuilder,
    private readonly weights: WeightSource | undefined,
    readonly overrides: Overrides = {},
    private readonly options: BuildOptions = {},
  ) {
    this.removed = new Set(overrides.removed);
  }

  /** Path of the module being written, e.g. `down_blocks.0.resnets.1`. */
  get path(): string {
    return this.segments.join('.');
  }

  /** Writes a child module; `segment` may have several parts, e.g. `resnets.0`. */
  at<T>(segment: string, body: () => T): T {
    this.segments.push(segment);
    try {
      return this.graph.scope(segment, body);
    } finally {
      this.segments.pop();
    }
  }

  /** Whether the checkpoint has the tensor `name` of the current module. Without weights: no. */
  has(name: string): boolean {
    return this.weights?.has(this.full(name)) ?? false;
  }

  /**
   * Whether the current module was removed from a pruned model. Asking declares that it may be: call it first thing in
   * every residual branch and block that can go.
   *
   * @param keeps  beginnings of names of its tensors that stay when it is removed
   */
  isRemoved(...keeps: readonly string[]): boolean {
    const { path } = this;
    this.removableModules.set(path, { path, keeps });
    return this.removed.has(path);
  }

  /** Whether the current module, removed, passes on the part of its input that is no skip, and has lost its shortcut. */
  isPassed(): boolean {
    return this.overrides.passed?.includes(this.path) ?? false;
  }

  /** The modules that {@link isRemoved} was asked about. */
  removable(): RemovableModule[] {
    return [...this.removableModules.values()];
  }

  /** Lets a tensor of the current module stay unread, as a checkpoint of an older version may carry it. */
  ignore(name: string): void {
    this.ignored.add(this.full(name));
  }

  /**
   * Adds the tensor `name` of the current module as a constant of the graph, under its checkpoint name.
   *
   * @param shape  numbers must be met; free widths are the checkpoint's
   */
  parameter(name: string, shape: readonly (number | FreeWidth)[], init: Init, buffer = false): Parameter {
    const full = this.full(name);
    const stored = this.stored(full);
    const rankFits = stored?.shape.length === shape.length;
    const actual = shape.map((width, axis) => {
      if (typeof width === 'number') return width;
      return rankFits && !this.options.strict ? stored.shape[axis]! : width.configured;
    });
    if (stored && !(rankFits && actual.every((size, axis) => size === stored.shape[axis]))) {
      this.problem(`${full} has shape [${stored.shape.join(', ')}], expected [${actual.join(', ')}]`);
    }
    this.specs.set(full, { name: full, shape: actual, init, ...(buffer ? { buffer } : {}) });
    const source = stored ?? missing(actual);
    this.graph.constant(full, { ...asFloat32(source), shape: actual, parameter: parameterNamed(full, actual, buffer) });
    return { name: full, shape: actual };
  }

  /**
   * Adds a buffer that stock libraries compute and checkpoints need not hold, such as a table of positions: the stored
   * tensor where there is one (a pruned model stores it cut), `compute`'s otherwise.
   *
   * @param shape  as for {@link parameter}
   */
  computedBuffer(name: string, shape: readonly (number | FreeWidth)[], compute: () => Float32Array): Parameter {
    const full = this.full(name);
    if (this.has(name)) {
      const stored = this.parameter(name, shape, { kind: 'constant', value: 0 }, true);
      this.specs.delete(full);
      this.ignored.add(full);
      const constant = this.graph.constants.get(full)!;
      this.graph.constants.set(full, { ...constant, parameter: { ...constant.parameter!, computed: true } });
      return stored;
    }
    const actual = shape.map((width) => (typeof width === 'number' ? width : width.configured));
    const parameter = { ...parameterNamed(full, actual, true), computed: true };
    const value = lazyTensor('float32', actual, compute);
    this.graph.constant(full, { dtype: 'float32', shape: actual, value, read: async () => value, parameter });
    return { name: full, shape: actual };
  }

  /** Says that something does not fit; building goes on, so that one error can list all of it. */
  problem(text: string): void {
    this.problems.push(text);
  }

  /** The tensors asked for so far, in order. */
  tensors(): TensorSpec[] {
    return [...this.specs.values()];
  }

  /**
   * Call when all modules are written.
   * @throws {SecateurError} BAD_FILE naming the first tensors that are missing, unknown or of a wrong shape;
   *   BAD_CONFIG when there are no weights and the configuration contradicts itself
   */
  finish(): void {
    for (const name of this.weights?.names() ?? []) {
      if (!this.specs.has(name) && !this.ignored.has(name)) this.problem(`${name} is not part of the model`);
    }
    if (this.problems.length === 0) return;
    const shown = this.problems.slice(0, shownProblems).join('; ');
    const rest = this.problems.length > shownProblems ? `; and ${this.problems.length - shownProblems} more` : '';
    if (!this.weights) throw new SecateurError('BAD_CONFIG', `The configuration contradicts itself: ${shown}${rest}.`);
    throw new SecateurError('BAD_FILE', `The weights do not fit the model: ${shown}${rest}.`, {
      file: this.weights.name,
      hint: 'Check that the weights and the config.json belong together.',
    });
  }

  private full(name: string): string {
    return [...this.segments, name].join('.');
  }

  private stored(full: string): Constant | undefined {
    if (!this.weights) return undefined;
    if (!this.weights.has(full)) {
      this.problem(`${full} is missing`);
      return undefined;
    }
    const stored = this.weights.get(full);
    if (!isFloat(stored.dtype)) this.problem(`${full} is ${stored.dtype}, expected a floating-point tensor`);
    return stored;
  }
}

function missing(shape: readonly number[]): Constant {
  return {
    dtype: 'float32',
    shape,
    read: async (): Promise<Tensor> => {
      throw new SecateurError('MISSING_NEED', 'This graph was made from a configuration alone: it has no weights.');
    },
  };
}

/** Half-precision checkpoints run in float32; the conversion happens when the values are read and loses nothing. */
function asFloat32(constant: Constant): Constant {
  if (constant.dtype === 'float32') return constant;
  const { shape, value } = constant;
  return {
    dtype: 'float32',
    storedAs: constant.dtype,
    shape,
    ...(value ? { value: castTensor(value, 'float32') } : {}),
    read: async (as, allocate) =>
      as === 'stored' ? constant.read('stored', allocate) : castTensor(await constant.read(), 'float32'),
  };
}
