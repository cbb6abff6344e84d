/** Pipelines by path or by name on the hub, for Node. */
import type { SourceFolder } from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { type HubOptions, hubFolder, hubPrefix } from '@secateur/transformers';
import { hubCache } from '@secateur/transformers/node';
import { type FromPretrainedOptions, fromPretrained as fromFolder } from './from-pretrained.js';
import type { DiffusionPipeline as Pipeline } from './pipeline.js';

export interface NodeFromPretrainedOptions extends FromPretrainedOptions {
  /** For models on the hub: revision, token, cache, progress, … Default: `main`, kept in the user's cache folder. */
  readonly hub?: HubOptions;
}

/**
 * The same as in `@secateur/pipelines`, from a path, from `hf:owner/name` (downloaded when it is first needed), or from a
 * folder opened already.
 */
export async function fromPretrained(
  source: string | SourceFolder,
  options: NodeFromPretrainedOptions,
): Promise<Pipeline> {
  return fromFolder(typeof source === 'string' ? await openFolder(source, options) : source, options);
}

export const DiffusionPipeline: { readonly fromPretrained: typeof fromPretrained } = { fromPretrained };
export type DiffusionPipeline = Pipeline;

async function openFolder(source: string, { hub, logger, signal }: NodeFromPretrainedOptions): Promise<SourceFolder> {
  if (!source.startsWith(hubPrefix)) return nodeFolder(source);
  return hubFolder(source, { cache: hubCache(), logger, signal, ...hub });
}
