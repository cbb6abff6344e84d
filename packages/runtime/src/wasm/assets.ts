import { sizeOf, toFloat32 } from '@secateur/graph';
import {
  type Algorithm,
  type Choice,
  createConvolution,
  createLinear,
  type Layer,
  type PackedWeights,
  packWeights,
  type Runtime,
  tuneConvolution,
  tuneLinear,
} from '@secateur/sparse-wasm';
import { fromKernels } from './kernel-errors.js';
import type { LayerRequest } from './layer-request.js';
import { type PackStore, storedPack, storePack } from './pack-store.js';
import { type ConstantValue, widened } from './values.js';

export interface AssetOptions {
  /** Whether Winograd weights may be kept, four times the size of what they are made from. */
  readonly winograd: boolean;
  /** Choices by shape and structure when layers are timed. */
  readonly choices?: Map<string, Choice>;
  readonly packs?: PackStore;
}

/** Of fewer, the transforms cost more than they save. */
const fewChannels = 8;

/** What a plan keeps in the module's memory besides activations: packed weights and small constants. */
export class Assets {
  private readonly layers: Layer[] = [];
  private readonly pointers = new Map<ConstantValue, number>();

  constructor(
    readonly runtime: Runtime,
    private readonly options: AssetOptions,
  ) {}

  /** A constant's values, row-major, in the module's memory. */
  async upload(constant: ConstantValue): Promise<number> {
    let pointer = this.pointers.get(constant);
    if (pointer === undefined) {
      pointer = this.runtime.arena.upload(await floatsOf(constant));
      this.pointers.set(constant, pointer);
    }
    return pointer;
  }

  /** A layer from its pack, or from its weights. */
  async layer(request: LayerRequest, weight: ConstantValue, biases: readonly ConstantValue[]): Promise<Layer> {
    const { packs } = this.options;
    const bias = await sumOf(biases, request.shape.outputs);
    const stored = packs && (await storedPack(packs, request));
    if (stored) return this.keep(inWords(request, () => this.create(request, { ...stored, bias })));
    const { layer, packed } = this.pack(request, request.rows(await floatsOf(weight)), bias);
    this.keep(layer);
    if (packs) await storePack(packs, request, packed);
    return layer;
  }

  /** A layer of weights at hand, in float32; the caller frees it. */
  pack(request: LayerRequest, weight: Float32Array, bias?: Float32Array): { layer: Layer; packed: PackedWeights } {
    const { runtime, options } = this;
    const { shape, size } = request;
    return inWords(request, () => {
      if (!options.choices) {
        const packed = packWeights(weight, shape, { bias });
        return { packed, layer: this.create(request, packed) };
      }
      const tuning = { bias, cache: options.choices };
      if ('linear' in size) return tuneLinear(runtime, weight, shape, { ...size.linear, ...tuning });
      const algorithm = options.winograd ? undefined : 'direct';
      return tuneConvolution(runtime, weight, shape, { ...size.convolution, ...tuning, algorithm });
    });
  }

  private create(request: LayerRequest, packed: PackedWeights): Layer {
    const { size } = request;
    if ('linear' in size) return createLinear(this.runtime, packed, size.linear);
    // What was tuned says itself how it is computed.
    const isTuned = this.options.winograd && this.options.choices;
    const algorithm = isTuned ? undefined : this.algorithmOf(request);
    return createConvolution(this.runtime, packed, { ...size.convolution, algorithm });
  }

  private keep(layer: Layer): Layer {
    this.layers.push(layer);
    return layer;
  }

  /**
   * By rule, so that results do not depend on timing. The wide kernels want eight tiles, and a transform pays when several channels
   * share it.
   */
  private algorithmOf({ shape, size }: LayerRequest): Algorithm {
    if (!this.options.winograd || 'linear' in size) return 'direct';
    const { height, width, batch = 1, stride = 1, upsample = false } = size.convolution;
    const [kernelHeight, kernelWidth] = shape.kernel ?? [1, 1];
    if (kernelHeight !== 3 || kernelWidth !== 3 || stride !== 1) return 'direct';
    if (Math.min(shape.inputs, shape.outputs) < fewChannels) return 'direct';
    const enlarged = upsample ? 2 : 1;
    const tiles = (m: number): number => batch * Math.ceil((enlarged * height) / m) * Math.ceil((enlarged * width) / m);
    if (tiles(4) >= 8) return 'winograd-f4';
    return tiles(2) >= 8 ? 'winograd-f2' : 'direct';
  }

  get layerBytes(): number {
    return this.layers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  free(): void {
    for (const layer of this.layers.splice(0)) layer.free();
    for (const pointer of this.pointers.values()) this.runtime.arena.free(pointer);
    this.pointers.clear();
  }
}

export async function floatsOf(constant: ConstantValue): Promise<Float32Array> {
  return toFloat32(widened(constant.value ?? (await constant.read())));
}

async function sumOf(biases: readonly ConstantValue[], outputs: number): Promise<Float32Array | undefined> {
  if (biases.length === 0) return undefined;
  const sum = new Float32Array(outputs);
  for (const bias of biases) {
    const values = await floatsOf(bias);
    for (let i = 0; i < outputs; i++) sum[i]! += values[sizeOf(bias.shape) === 1 ? 0 : i]!;
  }
  return sum;
}

function inWords<Result>({ node }: LayerRequest, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    throw fromKernels(error, `layer "${node}"`, node);
  }
}
