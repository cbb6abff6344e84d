import { createHash } from 'node:crypto';
import { float32, SecateurError } from '@secateur/graph';
import { memoryCheckpoints } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { Checkpoints, type TrainState } from '../src/checkpoint.js';

const settings = { lr: 0.1, data: { source: 'a' } };
const stateAt = (step: number): TrainState => ({ step, value: { x: step }, tensors: { w: float32([2], [step, 1]) } });

describe('Checkpoints', () => {
  it('gives back what was saved last, and keeps one', async () => {
    const store = memoryCheckpoints();
    const first = await Checkpoints.open(store, settings);
    expect(first.resumed).toBeUndefined();
    await first.save(stateAt(10));
    await first.save(stateAt(20));
    expect([...store.files.keys()].sort()).toEqual(['checkpoint.json', 'step-00000020.safetensors']);
    const second = await Checkpoints.open(store, settings);
    expect(second.resumed).toEqual(stateAt(20));
    expect(second.lastStep).toBe(20);
    expect(second.head).toBe(first.head);
  });

  it('is chained: each record holds the hash of the one before', async () => {
    const store = memoryCheckpoints();
    const run = await Checkpoints.open(store, settings);
    const record = () => JSON.parse(new TextDecoder().decode(store.files.get('checkpoint.json')));
    await run.save(stateAt(1));
    expect(record().previous).toBe('');
    const before = createHash('sha256').update(store.files.get('checkpoint.json')!).digest('hex');
    await run.save(stateAt(2));
    expect(record().previous).toBe(before);
    expect(record().sha256).toBe(
      createHash('sha256').update(store.files.get('step-00000002.safetensors')!).digest('hex'),
    );
  });

  it('refuses the checkpoint of another run and says what differs', async () => {
    const store = memoryCheckpoints('folder');
    await (await Checkpoints.open(store, settings)).save(stateAt(1));
    const other = Checkpoints.open(store, { lr: 0.2, data: { source: 'a' } });
    await expect(other).rejects.toThrow('folder holds the checkpoint of another run: lr was 0.1, is 0.2.');
    await expect(other).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it.each([
    ['step-00000001.safetensors', (bytes: Uint8Array) => bytes.with(bytes.length - 1, 1), 'is not as it was written'],
    ['checkpoint.json', () => new TextEncoder().encode('{}'), 'is no record'],
    ['checkpoint.json', (bytes: Uint8Array) => bytes.subarray(0, 40), 'does not hold JSON'],
  ])('refuses a damaged %s', async (file, damage, message) => {
    const store = memoryCheckpoints();
    await (await Checkpoints.open(store, settings)).save(stateAt(1));
    store.files.set(file, damage(store.files.get(file)!));
    const opened = Checkpoints.open(store, settings);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  it('does not follow a record out of its folder', async () => {
    const store = memoryCheckpoints();
    await (await Checkpoints.open(store, settings)).save(stateAt(1));
    const text = new TextDecoder().decode(store.files.get('checkpoint.json'));
    store.files.set('checkpoint.json', new TextEncoder().encode(text.replace('step-00000001', '../../step-1')));
    await expect(Checkpoints.open(store, settings)).rejects.toThrow('is no record');
  });

  it('keeps the last checkpoint when the disk is full', async () => {
    const store = memoryCheckpoints();
    const run = await Checkpoints.open(store, settings);
    await run.save(stateAt(1));
    const create = store.create;
    store.create = async (file) => ({
      ...(await create(file)),
      write: async () => {
        throw new SecateurError('IO', 'The disk is full.');
      },
    });
    await expect(run.save(stateAt(2))).rejects.toMatchObject({ code: 'IO' });
    store.create = create;
    expect((await Checkpoints.open(store, settings)).resumed).toEqual(stateAt(1));
  });
});
