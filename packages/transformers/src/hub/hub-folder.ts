import {
  type ByteSource,
  blobSource,
  type Logger,
  type ProgressListener,
  type SourceFolder,
  safePath,
  silentLogger,
} from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { type HubFile, hubClient } from './hub-client.js';

export interface HubOptions {
  /** Branch, tag or commit. Default `main`. */
  readonly revision?: string;
  /** An access token, for models that are not public. */
  readonly token?: string;
  /** Another hub. Default `https://huggingface.co`. */
  readonly endpoint?: string;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Where downloads are kept. Default: nowhere, files are read from the hub piece by piece. */
  readonly cache?: HubCache;
  /** Take what the cache has and never ask the hub. Default false. */
  readonly offline?: boolean;
  /** Phase `downloading FILE`, in bytes. */
  readonly onProgress?: ProgressListener;
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
}

/** A model's state at one commit, which never changes. */
export interface HubSnapshot {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** Downloads kept from run to run. */
export interface HubCache {
  /** What was last found at a revision. */
  snapshot(repo: string, revision: string): Promise<HubSnapshot | undefined>;
  remember(repo: string, revision: string, snapshot: HubSnapshot): Promise<void>;
  open(repo: string, commit: string, path: string): Promise<ByteSource | undefined>;
  /** Keeps a file. What was there of it already is not read again. */
  store(repo: string, commit: string, file: HubFile, blob: Blob, options: StoreOptions): Promise<ByteSource>;
}

export interface StoreOptions {
  readonly signal?: AbortSignal;
  /** Bytes so far. */
  onBytes(done: number): void;
}

/** The prefix of models on the hub: `hf:owner/name`, `hf:owner/name@revision`. */
export const hubPrefix = 'hf:';

/**
 * A model of the Hugging Face hub as a folder. Files are fetched when they are opened; all are those of one commit, the one
 * that the revision names now.
 *
 * @param name  `owner/name`, with `hf:` in front or not, with `@revision` behind or not
 * @throws {SecateurError} BAD_OPTION when it is no name; IO when the hub cannot be reached, or has no such model, and the
 *   cache has none either
 */
export async function hubFolder(name: string, options: HubOptions = {}): Promise<SourceFolder> {
  const { repo, revision } = parseName(name, options.revision);
  const { cache, onProgress, signal } = options;
  const client = hubClient(repo, options);
  const { commit, files } = await snapshotOf(client.snapshot, repo, revision, options);
  const byPath = new Map(files.map((file) => [safePath(file.path, repo), file]));
  const label = `${hubPrefix}${repo}`;
  const fetched = async (file: HubFile): Promise<ByteSource> => {
    if (options.offline) {
      throw new SecateurError('IO', `${label}/${file.path} is not in the cache, and the hub is not to be asked.`, {
        file: file.path,
        hint: 'Run once without `offline`.',
      });
    }
    const blob = await client.download(file, commit);
    if (!cache) return blobSource(blob, `${label}/${file.path}`);
    const phase = `downloading ${file.path}`;
    const onBytes = (done: number) => onProgress?.({ phase, done, total: file.size, unit: 'bytes' });
    return cache.store(repo, commit, file, blob, { signal, onBytes });
  };
  return {
    name: label,
    list: async () => [...byPath.keys()].sort(),
    has: async (path) => byPath.has(safePath(path, label)),
    async open(path) {
      const file = byPath.get(safePath(path, label));
      if (file) return (await cache?.open(repo, commit, file.path)) ?? fetched(file);
      throw new SecateurError('IO', `${label} has no file ${path}.`, { file: path });
    },
  };
}

function parseName(name: string, given: string = 'main'): { repo: string; revision: string } {
  const text = name.startsWith(hubPrefix) ? name.slice(hubPrefix.length) : name;
  const [, repo, revision = given] = /^([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/.exec(text) ?? [];
  const isPlain = (part: string) => part !== '.' && part !== '..';
  if (repo?.split('/').every(isPlain) && revision.split('/').every(isPlain)) {
    return { repo, revision };
  }
  throw new SecateurError('BAD_OPTION', `${JSON.stringify(name)} is no model of the hub.`, {
    field: 'name',
    hint: 'Write hf:owner/name, or hf:owner/name@revision.',
  });
}

async function snapshotOf(
  ask: (revision: string) => Promise<HubSnapshot>,
  repo: string,
  revision: string,
  { cache, offline, logger = silentLogger }: HubOptions,
): Promise<HubSnapshot> {
  const isCommit = /^[0-9a-f]{40}$/.test(revision);
  const known = offline || isCommit ? await cache?.snapshot(repo, revision) : undefined;
  if (known) return known;
  if (offline) {
    throw new SecateurError('IO', `hf:${repo}@${revision} is not in the cache, and the hub is not to be asked.`, {
      file: repo,
      hint: 'Run once without `offline`.',
    });
  }
  try {
    const snapshot = await ask(revision);
    await cache?.remember(repo, revision, snapshot);
    return snapshot;
  } catch (error) {
    const kept = await cache?.snapshot(repo, revision);
    if (!kept || !(error instanceof SecateurError) || error.code !== 'IO') throw error;
    logger.warn(`${error.message} Taking what was downloaded before (commit ${kept.commit.slice(0, 7)}).`);
    return kept;
  }
}
