import { SecateurError } from '@secateur/graph';
import type { HubOptions, HubSnapshot } from './hub-folder.js';

export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256, for large files. */
  readonly sha256?: string;
}

export interface HubClient {
  /** @throws {SecateurError} IO */
  snapshot(revision: string): Promise<HubSnapshot>;
  /** The file, read as it is asked for. @throws {SecateurError} IO */
  download(file: HubFile, commit: string): Promise<Blob>;
}

/** What is asked of the hub, through its own library, which is loaded when it is first needed. */
export function hubClient(
  repo: string,
  { token, endpoint, fetch: given = globalThis.fetch, signal }: HubOptions,
): HubClient {
  const withSignal = ((input, init) => given(input, { ...init, signal })) as typeof fetch;
  const access = {
    fetch: withSignal,
    ...(endpoint !== undefined && { hubUrl: endpoint }),
    ...(token !== undefined && { accessToken: token }),
  };
  return {
    async snapshot(revision) {
      try {
        const { listFiles, modelInfo } = await import('@huggingface/hub');
        const { sha } = await modelInfo({ name: repo, revision, additionalFields: ['sha'], ...access });
        const files: HubFile[] = [];
        for await (const entry of listFiles({ repo, recursive: true, revision: sha, ...access })) {
          if (entry.type !== 'file') continue;
          const { path, size, lfs } = entry;
          files.push({ path, size, ...(lfs && { sha256: lfs.oid }) });
        }
        return { commit: sha, files };
      } catch (cause) {
        throw unreachable(repo, `${repo}@${revision}`, cause, signal);
      }
    },
    async download({ path }, commit) {
      try {
        const { downloadFile } = await import('@huggingface/hub');
        const blob = await downloadFile({ repo, path, revision: commit, ...access });
        if (blob) return blob;
      } catch (cause) {
        throw unreachable(repo, path, cause, signal);
      }
      throw new SecateurError('IO', `hf:${repo} has no file ${path} any more.`, { file: path });
    },
  };
}

function unreachable(repo: string, what: string, cause: unknown, signal?: AbortSignal): SecateurError {
  if (signal?.aborted) return new SecateurError('ABORTED', 'Cancelled.', { cause: signal.reason });
  const status = (cause as { statusCode?: unknown }).statusCode;
  const isRefused = status === 401 || status === 403 || status === 404;
  const reason = isRefused ? `the hub answers ${status}` : cause instanceof Error ? cause.message : String(cause);
  return new SecateurError('IO', `hf:${what} cannot be fetched: ${reason}.`, {
    file: repo,
    hint: isRefused
      ? 'Check the name. Models that are not public need a token.'
      : 'Check the network, or name a folder on disk.',
    cause,
  });
}
