import { SecateurError, type Tensor } from '@secateur/graph';
import { tensorFromBitmaps } from './bitmap.js';
import type { GenerateOptions } from './generate-options.js';
import type { PipelineKind } from './kinds/kind.js';
import { pickRows } from './rows.js';

/** A request that has been checked, defaults filled in. */
export interface Request {
  readonly count: number;
  /** One a picture, where the kind takes them. */
  readonly prompts: readonly string[];
  readonly negative?: readonly string[];
  readonly labels: readonly number[];
  readonly steps: number;
  readonly guidanceScale: number;
  readonly guidanceRescale: number;
  readonly batchSize: number;
  /** Of a picture, in pixels. */
  readonly height: number;
  readonly width: number;
  /** `[count, channels, height, width]` in [-1, 1]. */
  readonly image?: Tensor;
  readonly strength: number;
}

export interface PictureSize {
  readonly height: number;
  readonly width: number;
  /** What both must be a multiple of. */
  readonly factor: number;
}

/** @throws {SecateurError} BAD_OPTION naming the option that is wrong or does not fit the kind of pipeline */
export function checkRequest(
  kind: PipelineKind,
  usual: PictureSize,
  prompt: string | readonly string[] | undefined,
  options: GenerateOptions,
): Request {
  const { steps = kind.steps, batchSize = 8, guidanceRescale = 0, strength = 0.8 } = options;
  checkCount('batchSize', batchSize);
  if (options.count !== undefined) checkCount('count', options.count);
  const guidanceScale = checkGuidance(kind, options);
  checkShare('guidanceRescale', guidanceRescale, guidanceRescale >= 0);
  checkShare('strength', strength, strength > 0);
  const { prompts, negative } = checkPrompts(kind, prompt, options);
  const labels = checkLabels(kind, options);
  const count = prompts.length || labels.length || (options.count ?? 1);
  const image = options.image === undefined ? undefined : imageRows(options.image, count);
  return {
    count,
    prompts,
    ...(negative && { negative }),
    labels,
    steps,
    guidanceScale,
    guidanceRescale,
    batchSize,
    ...checkSize(usual, options, image),
    ...(image && { image }),
    strength,
  };
}

function checkCount(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw bad(name, `${name} is ${value}; it must be a whole number of at least 1.`);
}

function checkShare(name: string, value: number, isAbove: boolean): void {
  if (isAbove && value <= 1) return;
  throw bad(name, `${name} is ${value}; it must be a share of at most 1.`);
}

function checkGuidance(kind: PipelineKind, options: GenerateOptions): number {
  const { guidanceScale = kind.guidanceScale ?? 1 } = options;
  if (!Number.isFinite(guidanceScale) || guidanceScale < 0) {
    throw bad('guidanceScale', `guidanceScale is ${guidanceScale}; it must be a number from 0.`);
  }
  if (guidanceScale > 1 && kind.guidanceScale === undefined) {
    throw bad('guidanceScale', `${kind.name} cannot be guided: there is nothing to be guided by.`, 'Leave it out.');
  }
  return guidanceScale;
}

function checkPrompts(
  kind: PipelineKind,
  prompt: string | readonly string[] | undefined,
  { count = 1, negativePrompt }: GenerateOptions,
): { prompts: readonly string[]; negative?: readonly string[] } {
  if (kind.takes !== 'prompts') {
    const field = prompt !== undefined ? 'prompt' : negativePrompt !== undefined ? 'negativePrompt' : undefined;
    if (field === undefined) return { prompts: [] };
    throw bad(field, `${kind.name} takes no prompt.`, 'Leave it out.');
  }
  const given = typeof prompt === 'string' ? [prompt] : [...(prompt ?? [])];
  if (given.length === 0) throw bad('prompt', `${kind.name} needs a prompt.`, 'It may be empty: "".');
  if (given.some((text) => typeof text !== 'string')) throw bad('prompt', 'A prompt must be text.');
  const prompts = given.flatMap((text) => new Array<string>(count).fill(text));
  if (negativePrompt === undefined) return { prompts };
  const none = typeof negativePrompt === 'string' ? given.map(() => negativePrompt) : [...negativePrompt];
  if (none.length !== given.length) {
    throw bad('negativePrompt', `There are ${none.length} negative prompts for ${given.length} prompts.`);
  }
  return { prompts, negative: none.flatMap((text) => new Array<string>(count).fill(text)) };
}

function checkLabels(kind: PipelineKind, { classLabels, count }: GenerateOptions): readonly number[] {
  if (kind.takes !== 'labels') {
    if (classLabels === undefined) return [];
    throw bad('classLabels', 'The model takes no labels.');
  }
  const wanted = count ?? classLabels?.length ?? 1;
  if (classLabels?.length === wanted && wanted > 0 && classLabels.every(Number.isInteger)) return classLabels;
  throw bad(
    'classLabels',
    `The model draws classes: it needs the whole number of one for each of ${wanted} ${wanted === 1 ? 'picture' : 'pictures'}.`,
    'Name them: classLabels: [0, 1, 2] in code, --label 0,1,2 on the command line.',
  );
}

function imageRows(image: NonNullable<GenerateOptions['image']>, count: number): Tensor {
  const pictures = isTensor(image) ? image : tensorFromBitmaps('data' in image ? [image] : image);
  const [rows] = pictures.shape;
  if (pictures.shape.length !== 4 || (rows !== 1 && rows !== count)) {
    const message = `The image is [${pictures.shape}]; expected one picture, or one for each of ${count}.`;
    throw bad('image', message);
  }
  return rows === count ? pictures : pickRows(pictures, new Array<number>(count).fill(0));
}

function isTensor(image: NonNullable<GenerateOptions['image']>): image is Tensor {
  return 'dtype' in image;
}

function checkSize(usual: PictureSize, options: GenerateOptions, image: Tensor | undefined) {
  const { height = image?.shape[2] ?? usual.height, width = image?.shape[3] ?? usual.width } = options;
  for (const [name, size] of [['height', height] as const, ['width', width] as const]) {
    if (Number.isInteger(size) && size > 0 && size % usual.factor === 0) continue;
    throw bad(name, `${name} is ${size}; it must be a multiple of ${usual.factor} pixels.`);
  }
  if (image && (image.shape[2] !== height || image.shape[3] !== width)) {
    const message = `The image has ${image.shape[3]} x ${image.shape[2]} pixels; ${width} x ${height} are asked for.`;
    throw bad('image', message, 'Resize it first, or leave width and height out.');
  }
  return { height, width };
}

function bad(field: string, message: string, hint?: string): SecateurError {
  return new SecateurError('BAD_OPTION', message, { field, hint });
}
