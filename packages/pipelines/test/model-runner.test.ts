import { float32, int64 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { graphRunner, modelRunner } from '../src/model-runner.js';
import { fakeEngine, fakeModel } from './fake-model.js';

function counting() {
  const engine = fakeEngine();
  const calls = { compiled: 0, disposed: 0 };
  const compile = engine.compile.bind(engine);
  engine.compile = async (graph) => {
    calls.compiled++;
    const executable = await compile(graph);
    return { ...executable, dispose: async () => void calls.disposed++ };
  };
  return { engine, calls };
}

it('compiles when it is needed, and keeps the model', async () => {
  const { engine, calls } = counting();
  const runner = modelRunner(fakeModel(), undefined, { engine, keep: true });
  expect(calls.compiled).toBe(0);
  const feeds = { sample: float32([1, 1, 1, 1], [4]), timestep: int64([0]) };
  expect(await runner.use((executable) => executable.run(feeds))).toEqual({ out_sample: float32([1, 1, 1, 1], [2]) });
  await runner.use(async () => {});
  expect(calls).toEqual({ compiled: 1, disposed: 0 });
  await runner.dispose();
  await runner.dispose();
  expect(calls).toEqual({ compiled: 1, disposed: 1 });
});

it('frees the model when the last use is over, also when one fails', async () => {
  const { engine, calls } = counting();
  const runner = graphRunner(fakeModel().graph, { engine, keep: false });
  let release = () => {};
  const long = runner.use(() => new Promise<void>((resolve) => (release = resolve)));
  await expect(
    runner.use(async () => {
      throw new Error('mine');
    }),
  ).rejects.toThrow('mine');
  expect(calls).toEqual({ compiled: 1, disposed: 0 });
  release();
  await long;
  expect(calls).toEqual({ compiled: 1, disposed: 1 });
  await runner.use(async () => {});
  expect(calls).toEqual({ compiled: 2, disposed: 2 });
});

it('tries again after a failure, compiles only what the outputs need, and not when cancelled', async () => {
  const { engine } = counting();
  const compile = engine.compile;
  engine.compile = async () => {
    throw new Error('full');
  };
  const runner = modelRunner(fakeModel({ extra: 'idle' }), ['out_sample'], { engine, keep: true });
  expect(runner.inputs.map(({ name }) => name)).toEqual(['sample']);
  await expect(runner.use(async () => {})).rejects.toThrow('full');
  engine.compile = compile;
  await runner.use(async () => {});
  const signal = AbortSignal.abort();
  const late = graphRunner(fakeModel().graph, { engine, keep: true, signal });
  await expect(late.use(async () => {})).rejects.toMatchObject({ code: 'ABORTED' });
});
