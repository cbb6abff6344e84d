import {
  bytesOf,
  castTensor,
  type DType,
  evaluateDim,
  evaluateGraph,
  float32,
  isFloat,
  SecateurError,
  sizeOf,
  type Tensor,
  toFloat32,
} from '@secateur/graph';
import { describe, expect } from 'vitest';
import { defineCriterion } from '../criterion.js';
import { memoryFolder, memoryOutput } from '../memory-files.js';
import { type Format, type FormatSource, type Model, parametersOf, type SaveOptions } from '../model.js';
import { structured } from '../pipeline.js';
import { prune } from '../prune.js';
import { rejects, type SuiteSkip, testUnless } from './suite.js';
import { seededValues } from './tiny-model.js';

type Files = Readonly<Record<string, Uint8Array>>;

/** A small model of the format, as files. */
export interface FormatSample {
  readonly name: string;
  /** Bytes by path. Everything in it belongs to the model. */
  readonly files: Files;
  /** The file to be named, for formats of one file; else the folder is. */
  readonly file?: string;
  /** Values of the graph's symbols that make a quick run, e.g. `{ height: 8, width: 8 }`. Default: the model's sizes. */
  readonly sizes?: Readonly<Record<string, number>>;
}

export interface FormatSuiteOptions {
  readonly samples: readonly FormatSample[];
  /** Folders of other formats, to which it must say no. An empty folder and one of stray files are tried always. */
  readonly others?: readonly Files[];
  /** Dtypes it can convert weights to on saving. Default: float16. */
  readonly dtypes?: readonly NonNullable<SaveOptions['dtype']>[];
  readonly skip?: readonly SuiteSkip[];
}

/** What damage may be called. */
const REFUSALS: readonly string[] = [
  'BAD_FILE',
  'BAD_CONFIG',
  'BAD_DATA',
  'SHAPE_MISMATCH',
  'UNKNOWN_DTYPE',
  'UNKNOWN_OP',
];

/** The behaviours every format must show. Call it at the top level of a vitest file. */
export function testFormat(
  makeFormat: () => Format,
  { samples, others = [], dtypes = ['float16'], skip = [] }: FormatSuiteOptions,
): void {
  const test = testUnless(skip);
  describe('conformance: format', () => {
    const format = makeFormat();
    test('says what it is', async () => {
      expect(format.name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(format.apiVersion).toBe(1);
    });
    test('says no to what is not its own', async () => {
      const stray = { 'README.md': text('# Notes'), 'picture.png': Uint8Array.of(0x89, 0x50, 0x4e, 0x47) };
      for (const files of [{}, stray, ...others]) {
        expect(await format.detect({ folder: memoryFolder(files) }), Object.keys(files).join()).toBe(false);
      }
    });
    describe.each(samples.map((sample) => [sample.name, sample] as const))('%s', (_, sample) => {
      testReading(test, format, sample);
      testSaving(test, format, sample);
      testConverting(test, format, sample, dtypes);
    });
  });
}

type Test = ReturnType<typeof testUnless>;

function testReading(test: Test, format: Format, sample: FormatSample): void {
  const load = loader(format, sample);
  test('says yes to its own', async () => {
    expect(await format.detect(await sourceOf(sample.files, sample.file))).toBe(true);
  });
  test('reads a model that says where it comes from', async () => {
    const model = await load();
    expect(model.format).toBe(format.name);
    expect(model.name).not.toBe('');
    expect(parametersOf(model.graph).size).toBeGreaterThan(0);
    const files = await model.files();
    expect(files.length).toBeGreaterThan(0);
    for (const { name, sha256 } of files) {
      expect(Object.keys(sample.files)).toContain(name);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  });
  test('refuses files cut short or overwritten, by a code and the file', async () => {
    for (const [path, content] of Object.entries(sample.files)) {
      for (const damage of [content.slice(0, content.length >> 1), content.slice(0, 1), content.map(() => 0xa7)]) {
        const error = await caught(() => readAll(load({ ...sample.files, [path]: damage })));
        expect(error, `${path}, ${damage.length} bytes`).toBeInstanceOf(SecateurError);
        expect(REFUSALS).toContain((error as SecateurError).code);
      }
    }
  });
}

function testSaving(test: Test, format: Format, sample: FormatSample): void {
  const load = loader(format, sample);
  test('gives back outputs and parameters, to the bit', async () => {
    const model = await load();
    const again = await format.load(folderOf(await saved(format, model)));
    await expectSameParameters(again, model);
    const feeds = feedsOf(model, sample.sizes);
    expect(await outputsOf(again, feeds)).toEqual(await outputsOf(model, feeds));
  });
  test('is canonical: the same bytes each time, also from what it wrote itself', async () => {
    const first = await saved(format, await load());
    expectSameFiles(await saved(format, await load()), first);
    expectSameFiles(await saved(format, await format.load(folderOf(first))), first);
  });
  test('keeps a model that was pruned', async () => {
    const { model } = await prune(await load(), { method: structured({ criterion: byIndex() }), ratio: 0.5 });
    const again = await format.load(folderOf(await saved(format, model)));
    await expectSameParameters(again, model);
    const feeds = feedsOf(model, sample.sizes);
    expectClose(await outputsOf(again, feeds), await outputsOf(model, feeds), 1e-6);
  });
  test('stops saving when cancelled, and leaves nothing', async () => {
    const out = memoryOutput();
    await rejects(format.save(await load(), out, { signal: AbortSignal.abort() }), 'ABORTED');
    await out.discard();
    expect(out.files.size).toBe(0);
  });
  test('leaves committing to the caller, and names the files it wrote', async () => {
    const out = memoryOutput();
    const written = await format.save(await load(), out);
    expect(out.files.size).toBe(0);
    await out.commit();
    expect([...out.files.keys()].sort()).toEqual([...written].sort());
  });
}

function testConverting(
  test: Test,
  format: Format,
  sample: FormatSample,
  dtypes: readonly NonNullable<SaveOptions['dtype']>[],
): void {
  const load = loader(format, sample);
  for (const dtype of dtypes) {
    test(`converts weights to ${dtype}`, async () => {
      const model = await load();
      const again = await format.load(folderOf(await saved(format, model, { dtype })));
      const [small, all] = await countConverted(again, model, dtype);
      expect(small / all, 'share of weights converted').toBeGreaterThan(0.9);
      // Eight bits of mantissa in the coarsest dtype, over a few dozen layers.
      const feeds = feedsOf(model, sample.sizes);
      expectClose(await outputsOf(again, feeds), await outputsOf(model, feeds), dtype === 'bfloat16' ? 0.1 : 0.02);
    });
  }
}

function loader(format: Format, { files, file }: FormatSample): (instead?: Files) => Promise<Model> {
  return async (instead = files) => format.load(await sourceOf(instead, file));
}

const byIndex = defineCriterion<object>({
  name: 'by-index',
  apiVersion: 1,
  defaults: {},
  units: ['channel', 'head-dim'],
  needs: [],
  score: ({ size }) => Float32Array.from({ length: size }, (_, i) => (i * 7) % size),
});

async function sourceOf(files: Files, file: string | undefined): Promise<FormatSource> {
  const folder = memoryFolder(files);
  return file === undefined ? { folder } : { folder, file: await folder.open(file) };
}

function folderOf(files: ReadonlyMap<string, Uint8Array>): FormatSource {
  return { folder: memoryFolder(Object.fromEntries(files)) };
}

async function saved(format: Format, model: Model, options?: SaveOptions): Promise<ReadonlyMap<string, Uint8Array>> {
  const out = memoryOutput();
  await format.save(model, out, options);
  await out.commit();
  return out.files;
}

/** Compared as a whole: element by element some hundred thousand bytes take seconds. */
function expectSameFiles(actual: ReadonlyMap<string, Uint8Array>, expected: ReadonlyMap<string, Uint8Array>): void {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [path, content] of expected) expect(sameBytes(actual.get(path)!, content), path).toBe(true);
}

async function expectSameParameters(actual: Model, expected: Model): Promise<void> {
  const parameters = parametersOf(actual.graph);
  const wanted = parametersOf(expected.graph);
  expect([...parameters.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [name, { constant }] of wanted) {
    const [a, b] = [await parameters.get(name)!.constant.read(), await constant.read()];
    expect([a.dtype, a.shape], name).toEqual([b.dtype, b.shape]);
    expect(sameBytes(bytesOf(a), bytesOf(b)), name).toBe(true);
  }
}

/** How many floating-point weights hold their values rounded to `dtype`, and how many there are; small ones may stay. */
async function countConverted(actual: Model, original: Model, dtype: DType): Promise<[number, number]> {
  const parameters = parametersOf(actual.graph);
  let [converted, all] = [0, 0];
  for (const [name, { constant }] of parametersOf(original.graph)) {
    const value = await constant.read();
    if (!isFloat(value.dtype)) continue;
    const stored = bytesOf(castTensor(await parameters.get(name)!.constant.read(), 'float32'));
    const isRounded = sameBytes(stored, bytesOf(castTensor(castTensor(value, dtype), 'float32')));
    expect(isRounded || sameBytes(stored, bytesOf(castTensor(value, 'float32'))), name).toBe(true);
    if (isRounded) converted += value.data.length;
    all += value.data.length;
  }
  return [converted, all];
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** One sample: seeded values for pictures, ones for timesteps and labels. */
function feedsOf(model: Model, sizes: FormatSample['sizes']): Record<string, Tensor> {
  const symbols = { ...model.sizes, ...sizes, batch: 1 };
  return Object.fromEntries(
    model.graph.inputs.map(({ name, dtype, shape: dims }, i) => {
      const shape = dims.map((dim) => evaluateDim(dim, symbols));
      const size = sizeOf(shape);
      const values = isFloat(dtype) ? seededValues(i + 1, size) : new Float32Array(size).fill(1);
      return [name, castTensor(float32(shape, values), dtype)];
    }),
  );
}

async function outputsOf(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const constants = new Map(model.graph.constants);
  for (const [name, constant] of constants) constants.set(name, { ...constant, value: await constant.read() });
  const wanted = new Map(model.graph.inputs.map(({ name, dtype }) => [name, dtype]));
  const cast = Object.entries(feeds).map(([name, feed]) => [name, castTensor(feed, wanted.get(name)!)] as const);
  const outputs = evaluateGraph({ ...model.graph, constants }, Object.fromEntries(cast));
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, castTensor(value, 'float32')]));
}

/** Within `tolerance` of the largest expected value. */
function expectClose(
  actual: Readonly<Record<string, Tensor>>,
  expected: Readonly<Record<string, Tensor>>,
  tolerance: number,
): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, wanted] of Object.entries(expected)) {
    const [a, b] = [toFloat32(actual[name]), toFloat32(wanted)];
    const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = b.reduce((most, value, i) => Math.max(most, Math.abs(a[i] - value)), 0);
    expect(error / scale, `${name}: max|a-b| / max|b|`).toBeLessThan(tolerance);
  }
}

async function readAll(loading: Promise<Model>): Promise<void> {
  const model = await loading;
  await model.files();
  for (const constant of model.graph.constants.values()) await constant.read();
}

async function caught(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error;
  }
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
