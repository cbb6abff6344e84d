import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseJson, safePath } from '@secateur/core';
import { atomicFile, nodeFile } from '@secateur/core/node';
import { SecateurError, throwIfAborted } from '@secateur/graph';
import type { HubFile } from '../hub/hub-client.js';
import type { HubCache, HubSnapshot, StoreOptions } from '../hub/hub-folder.js';

/** `$XDG_CACHE_HOME/secateur/hub`, or `~/.cache/secateur/hub`. */
export function defaultCacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(base, 'secateur', 'hub');
}

/**
 * Downloads in a folder: `owner--name/commit/path`. A file is there whole or not at all; one that broke off goes on where it
 * stopped. Large files are checked against the hub's SHA-256.
 */
export function hubCache(folder: string = defaultCacheFolder()): HubCache {
  const home = (repo: string): string => join(folder, repo.replace('/', '--'));
  const snapshotPath = (repo: string, revision: string): string =>
    join(home(repo), 'revisions', `${encodeURIComponent(revision)}.json`);
  const place = (repo: string, commit: string, path: string): string =>
    join(home(repo), commit, ...safePath(path, repo).split('/'));
  return {
    async snapshot(repo, revision) {
      const path = snapshotPath(repo, revision);
      const bytes = await readFile(path).catch(() => undefined);
      return bytes && checkedSnapshot(parseJson(bytes, { file: path }), path);
    },
    async remember(repo, revision, snapshot) {
      for (const name of new Set([revision, snapshot.commit])) {
        const file = await atomicFile(snapshotPath(repo, name), { replace: true });
        await file.write(new TextEncoder().encode(JSON.stringify(snapshot)));
        await file.commit();
      }
    },
    async open(repo, commit, path) {
      const target = place(repo, commit, path);
      const found = await stat(target).catch(() => undefined);
      return found?.isFile() ? nodeFile(target) : undefined;
    },
    async store(repo, commit, file, blob, options) {
      const target = place(repo, commit, file.path);
      await mkdir(dirname(target), { recursive: true });
      const partial = `${target}.partial`;
      await download(file, blob, partial, options);
      await checkDownload(repo, file, partial);
      await rename(partial, target);
      return nodeFile(target);
    },
  };
}

function checkedSnapshot(json: unknown, file: string): HubSnapshot {
  const snapshot = json as HubSnapshot | null;
  const isSound =
    typeof snapshot?.commit === 'string' && /^[0-9a-f]{40}$/.test(snapshot.commit) && Array.isArray(snapshot.files);
  if (isSound) return snapshot;
  throw new SecateurError('BAD_FILE', `${file} is damaged.`, {
    file,
    hint: 'Remove it, and the model is fetched anew.',
  });
}

/** Written chunk by chunk, so that what has come is there when the rest does not. */
async function download(file: HubFile, blob: Blob, partial: string, { signal, onBytes }: StoreOptions): Promise<void> {
  const had = (await stat(partial).catch(() => undefined))?.size ?? 0;
  let done = had < blob.size ? had : 0;
  const target = await open(partial, done > 0 ? 'a' : 'w');
  onBytes(done);
  try {
    for await (const chunk of blob.slice(done).stream()) {
      throwIfAborted(signal);
      await target.writeFile(chunk);
      done += chunk.byteLength;
      onBytes(done);
    }
  } catch (cause) {
    throwIfAborted(signal);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SecateurError('IO', `${file.path} broke off after ${done} of ${blob.size} bytes: ${reason}.`, {
      file: file.path,
      hint: 'Run it again: the download goes on where it stopped.',
      cause,
    });
  } finally {
    await target.close();
  }
}

/** @throws {SecateurError} IO when size or hash differ; the download is thrown away */
async function checkDownload(repo: string, file: HubFile, partial: string): Promise<void> {
  const { size } = await stat(partial);
  const hash = file.sha256 === undefined || size !== file.size ? undefined : await sha256(partial);
  if (size === file.size && hash === file.sha256) return;
  await rm(partial, { force: true });
  const found = size === file.size ? 'another SHA-256' : `${size} bytes`;
  throw new SecateurError(
    'IO',
    `hf:${repo}/${file.path} arrived with ${found} than the hub says (${file.size} bytes).`,
    {
      file: file.path,
      hint: 'Run it again.',
    },
  );
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
