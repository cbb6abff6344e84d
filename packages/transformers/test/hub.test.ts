import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Progress, silentLogger } from '@secateur/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HubOptions, hubFolder } from '../src/index.js';
import { hubCache } from '../src/node.js';
import { fakeHub } from './fake-hub.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const large = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
const files = { 'model_index.json': bytes('{}'), 'unet/weights.bin': large, 'unet/config.json': bytes('{"a":1}') };

const readAll = async (folder: Awaited<ReturnType<typeof hubFolder>>, path: string) => {
  const file = await folder.open(path);
  return file.read(0, file.size);
};

describe('a model on the hub', () => {
  it('is a folder whose files are read piece by piece', async () => {
    const hub = fakeHub(files);
    const folder = await hubFolder('hf:some/model', { fetch: hub.fetch });
    expect(folder.name).toBe('hf:some/model');
    expect(await folder.list()).toEqual(['model_index.json', 'unet/config.json', 'unet/weights.bin']);
    expect(await folder.has('vae/config.json')).toBe(false);
    const file = await folder.open('unet/weights.bin');
    expect(file.size).toBe(large.byteLength);
    expect(await file.read(50_000, 5)).toEqual(large.slice(50_000, 50_005));
    await expect(folder.open('vae/config.json')).rejects.toMatchObject({ code: 'IO', file: 'vae/config.json' });
    await expect(folder.open('../secret')).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  it('is asked for at a revision, at another hub, with a token', async () => {
    const hub = fakeHub(files);
    const seen: [string, string | null][] = [];
    const watching = (async (input, init) => {
      seen.push([String(input), new Headers(init?.headers).get('authorization')]);
      return hub.fetch(input, init);
    }) as typeof fetch;
    await hubFolder('some/model@fp16', { fetch: watching, endpoint: 'https://hub.example', token: 'hf_secret' });
    expect(seen[0][0]).toMatch(/^https:\/\/hub\.example\/api\/models\/some\/model\/revision\/fp16\?/);
    expect(seen[0][1]).toBe('Bearer hf_secret');
  });

  it.each(['model', 'hf:a/b/c', 'hf:../x', 'some/model@', 'hf:some/model@../x', ''])(
    'is no model: %j',
    async (name) => {
      await expect(hubFolder(name, { fetch: fakeHub(files).fetch })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    },
  );

  it('that is not there, or a hub that cannot be reached', async () => {
    const hub = fakeHub(files);
    hub.isDown = true;
    await expect(hubFolder('some/model', { fetch: hub.fetch })).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('fetch failed'),
    });
    await expect(hubFolder('other/model', { fetch: fakeHub(files).fetch })).rejects.toMatchObject({
      code: 'IO',
      message: 'hf:other/model@main cannot be fetched: the hub answers 404.',
      hint: expect.stringContaining('token'),
    });
    const signal = AbortSignal.abort();
    await expect(hubFolder('some/model', { fetch: fakeHub(files).fetch, signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});

describe('with a cache', () => {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'secateur-hub-'));
  });
  afterEach(() => rm(place, { recursive: true }));
  const open = (hub: ReturnType<typeof fakeHub>, options: HubOptions = {}) =>
    hubFolder('some/model', { fetch: hub.fetch, cache: hubCache(place), ...options });

  it('a file is fetched once, with progress', async () => {
    const hub = fakeHub(files);
    const reports: Progress[] = [];
    const folder = await open(hub, { onProgress: (progress) => reports.push(progress) });
    expect(await readAll(folder, 'unet/weights.bin')).toEqual(large);
    expect(reports[0]).toEqual({ phase: 'downloading unet/weights.bin', done: 0, total: 100_000, unit: 'bytes' });
    expect(reports.at(-1)).toMatchObject({ done: 100_000 });
    const before = hub.asked.length;
    expect(await readAll(folder, 'unet/weights.bin')).toEqual(large);
    expect(hub.asked).toHaveLength(before);
    expect((await folder.open('unet/weights.bin')).path).toContain(place);
    expect(await readdir(join(place, 'some--model', hub.commit, 'unet'))).toEqual(['weights.bin']);
  });

  it('goes on offline, when told to and when it has to, and says so', async () => {
    const hub = fakeHub(files);
    await readAll(await open(hub), 'unet/config.json');
    const asked = hub.asked.length;
    const offline = await open(hub, { offline: true });
    expect(await readAll(offline, 'unet/config.json')).toEqual(files['unet/config.json']);
    await expect(offline.open('unet/weights.bin')).rejects.toMatchObject({ code: 'IO', file: 'unet/weights.bin' });
    expect(hub.asked).toHaveLength(asked);
    hub.isDown = true;
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    expect(await readAll(await open(hub, { logger }), 'unet/config.json')).toEqual(files['unet/config.json']);
    expect(warnings[0]).toMatch(/cannot be fetched.*Taking what was downloaded before \(commit aaaaaaa\)/);
    // A commit cannot change: the hub is not asked.
    const commit = { revision: hub.commit, logger: silentLogger };
    expect(await readAll(await open(hub, commit), 'unet/config.json')).toEqual(files['unet/config.json']);
    await expect(open(hub, { revision: 'other', offline: true })).rejects.toMatchObject({ code: 'IO' });
  });

  it('takes the new files of a new commit', async () => {
    const hub = fakeHub(files);
    await readAll(await open(hub), 'unet/config.json');
    hub.commit = 'c'.repeat(40);
    hub.files = { ...files, 'unet/config.json': bytes('{"a":2}') };
    expect(await readAll(await open(hub), 'unet/config.json')).toEqual(bytes('{"a":2}'));
  });

  it('goes on with a download that broke off', async () => {
    const hub = fakeHub(files);
    hub.breaksAfter = 40_000;
    await expect((await open(hub)).open('unet/weights.bin')).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('broke off after 40000 of 100000 bytes'),
    });
    hub.breaksAfter = Number.POSITIVE_INFINITY;
    const reports: Progress[] = [];
    const folder = await open(hub, { onProgress: (progress) => reports.push(progress) });
    expect(await readAll(folder, 'unet/weights.bin')).toEqual(large);
    expect(reports[0]).toMatchObject({ done: 40_000 });
  });

  it('throws away what is not what the hub says', async () => {
    const hub = fakeHub(files);
    const folder = await open(hub);
    hub.files = { ...files, 'unet/weights.bin': large.map((value) => value + 1) };
    await expect(folder.open('unet/weights.bin')).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('another SHA-256'),
    });
    expect(await readdir(join(place, 'some--model', hub.commit, 'unet'))).toEqual([]);
  });
});
