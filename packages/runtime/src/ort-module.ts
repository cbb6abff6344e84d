import type { DType, TensorData } from '@secateur/graph';

/**
 * The part of onnxruntime's JavaScript API that the engine uses. `onnxruntime-node`, `onnxruntime-web` and builds of one's
 * own all have it, so none of them is imported here and none of their types leaks into ours.
 */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: OrtSessionOptions): Promise<OrtSession>;
  };
  readonly Tensor: new (type: OrtTensorType, data: TensorData, dims: readonly number[]) => OrtTensor;
}

/** onnxruntime's element types that have a typed array; it has no bfloat16 tensors in JavaScript. */
export type OrtTensorType = Exclude<DType, 'bfloat16'>;

export interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly location: string;
  getData(releaseData?: boolean): Promise<unknown>;
}

export interface OrtSession {
  run(
    feeds: Readonly<Record<string, OrtTensor>>,
    fetches: Readonly<Record<string, OrtTensor | null>>,
    options?: { logSeverityLevel?: 0 | 1 | 2 | 3 | 4 },
  ): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** Session options, by onnxruntime's names. */
export interface OrtSessionOptions {
  executionProviders?: readonly (string | { readonly name: string })[];
  graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'layout' | 'all';
  executionMode?: 'sequential' | 'parallel';
  intraOpNumThreads?: number;
  logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
  externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
  extra?: Record<string, unknown>;
}

/** An execution provider by onnxruntime's name (`cpu`, `cuda`, `webgpu`, …), or with options of its own. */
export type OrtProvider = string | { readonly name: string };
