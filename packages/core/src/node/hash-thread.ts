import { Worker } from 'node:worker_threads';
import { SecateurError, throwIfAborted } from '@secateur/graph';
import { ioError } from './io-error.js';

/** What the thread runs, as text: a file of its own would have to be found again wherever this one is bundled. */
const program = `
const { createHash } = require('node:crypto');
const { readSync } = require('node:fs');
const { parentPort, workerData: { descriptor, size } } = require('node:worker_threads');
const hash = createHash('sha256');
const buffer = new Uint8Array(${2 ** 20});
try {
  let done = 0;
  while (done < size) {
    const read = readSync(descriptor, buffer, 0, Math.min(buffer.length, size - done), done);
    if (read === 0) break;
    hash.update(buffer.subarray(0, read));
    done += read;
  }
  parentPort.postMessage(done < size ? {} : { digest: hash.digest('hex') });
} catch ({ code, message }) {
  parentPort.postMessage({ error: { code, message } });
}
`;

interface Answer {
  readonly digest?: string;
  readonly error?: { readonly code?: string; readonly message: string };
}

/**
 * SHA-256 of the first `size` bytes of an open file, in a thread of its own. The file must stay open until then.
 *
 * @param name  for messages
 * @throws {SecateurError} IO when it cannot be read, BAD_FILE when it is shorter, ABORTED
 */
export async function sha256InThread(
  descriptor: number,
  size: number,
  name: string,
  signal?: AbortSignal,
): Promise<string> {
  throwIfAborted(signal);
  const worker = new Worker(program, { eval: true, workerData: { descriptor, size } });
  const stop = (): void => void worker.terminate();
  signal?.addEventListener('abort', stop);
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      // After a message this says nothing new.
      worker.once('exit', () => resolve({ error: { message: 'the hashing thread ended early' } }));
    });
    throwIfAborted(signal);
    if (answer.error) throw ioError(Object.assign(new Error(answer.error.message), answer.error), name);
    if (answer.digest !== undefined) return answer.digest;
    throw new SecateurError('BAD_FILE', `${name} became shorter while it was being read.`, { file: name });
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
