import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Model } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { DiffusionPipeline } from '@secateur/pipelines';
import { loadModel, modelPath } from '../model/load-model.js';
import { samplerOf } from '../model/sampler-of.js';
import type { Session } from '../session.js';

export interface OpenPipelineRequest {
  readonly sampler?: string;
  /** `unet=PATH`: models to take in place of the pipeline's own. */
  readonly with: readonly string[];
  readonly offload: boolean;
}

const hubPrefix = 'hf:';

/** Whether a model is looked for on the hub. */
export function isOnHub(input: string): boolean {
  return input.startsWith(hubPrefix);
}

/**
 * The pipeline of a folder with all its parts (also `zoo:NAME`, or `hf:owner/name`), or of a single denoiser.
 * @throws {SecateurError} what models and pipelines throw
 */
export async function openPipeline(
  session: Session,
  input: string,
  { sampler, offload, with: swaps }: OpenPipelineRequest,
): Promise<DiffusionPipeline> {
  const { signal, logger, options } = session;
  const engine = await session.engine();
  const place = isOnHub(input) ? input : await modelPath(input);
  const common = { engine, threads: options.threads, logger, signal };
  if (isOnHub(input) || (await isPipeline(place))) {
    const { DiffusionPipeline } = await import('@secateur/pipelines/node');
    const components = await loadComponents(session, swaps);
    const hub = { onProgress: session.progress.listener, logger, signal };
    return DiffusionPipeline.fromPretrained(place, { ...common, sampler, components, offload, hub });
  }
  if (swaps.length > 0) {
    throw new SecateurError('BAD_OPTION', `${input} is a single model: it has no parts to replace.`, { field: 'with' });
  }
  const { createPipeline } = await import('@secateur/pipelines');
  const model = await loadModel(input);
  return createPipeline(model, { ...common, sampler: sampler ?? (await samplerOf(model, logger)) });
}

/** A folder with an index, or with a denoiser in a folder of its own. */
async function isPipeline(path: string): Promise<boolean> {
  for (const file of ['model_index.json', 'unet', 'transformer']) {
    if (await stat(join(path, file)).catch(() => undefined)) return true;
  }
  return false;
}

async function loadComponents(session: Session, swaps: readonly string[]): Promise<Record<string, Model>> {
  const components: Record<string, Model> = {};
  for (const swap of swaps) {
    const [, name, path] = /^([a-z][a-z0-9_]*)=(.+)$/.exec(swap) ?? [];
    if (name === undefined || path === undefined) {
      throw new SecateurError('BAD_OPTION', `--with ${swap} names no part.`, {
        field: 'with',
        hint: 'Write the part’s name and where its model lies: --with unet=smaller/unet.',
      });
    }
    components[name] = await loadModel(session.source(path));
  }
  return components;
}
