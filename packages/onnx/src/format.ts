import {
  type ByteSource,
  type Format,
  type FormatSource,
  type Model,
  type SourceFolder,
  sha256Source,
} from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { decodeOnnx } from './decode/decode-onnx.js';
import { defaultSizes } from './default-sizes.js';
import { canonicalize } from './import/canonicalize.js';
import { renameBatch } from './import/rename-batch.js';
import { convertWeights } from './save/convert-weights.js';
import { saveOnnx } from './save/save-onnx.js';

/**
 * ONNX files as models: torch.onnx exports of both kinds, optimum's, and our own.
 *
 * Loading canonicalises the graph ({@link canonicalize}); saving writes `model.onnx`, with `model.onnx.data` beside it
 * above 1.5 GB of weights. A model that points into a checkpoint beside it is written with {@link saveOnnx}.
 */
export const onnxFormat: Format = {
  name: 'onnx',
  apiVersion: 1,
  async detect(source) {
    const path = await modelPath(source);
    return path !== undefined && (source.file === undefined || (await startsLikeOnnx(source.file)));
  },
  load,
  async save(model, out, options = {}) {
    const { dtype, signal, onProgress } = options;
    const graph = dtype ? convertWeights(model.graph, dtype) : model.graph;
    return saveOnnx(graph, out, { signal, onProgress });
  },
};

async function load(source: FormatSource): Promise<Model> {
  const path = await modelPath(source);
  if (path === undefined) {
    throw new SecateurError('BAD_FILE', `${nameOf(source)} holds no model.onnx, nor a single .onnx file.`, {
      file: nameOf(source),
      hint: 'Name the .onnx file itself.',
    });
  }
  const file = source.file ?? (await source.folder!.open(path));
  const opened = new Map<string, ByteSource>([[path, file]]);
  const decoded = await decodeOnnx(file, source.folder && rememberOpened(source.folder, opened));
  const graph = renameBatch(canonicalize(decoded));
  return {
    name: path.slice(path.lastIndexOf('/') + 1).replace(/\.onnx$/i, ''),
    graph,
    format: 'onnx',
    sizes: defaultSizes(graph),
    async files() {
      const names = [...opened.keys()].sort();
      return Promise.all(names.map(async (name) => ({ name, sha256: await sha256Source(opened.get(name)!) })));
    },
  };
}

/** The model's file: the one given, `model.onnx`, or the only `.onnx` at the top of the folder. */
async function modelPath({ file, folder }: FormatSource): Promise<string | undefined> {
  if (file) return /\.onnx$/i.test(file.name) ? file.name.replace(/^.*[\\/]/, '') : undefined;
  const models = ((await folder?.list()) ?? []).filter((path) => /^[^/]+\.onnx$/i.test(path));
  return models.find((path) => path === 'model.onnx') ?? (models.length === 1 ? models[0] : undefined);
}

/** Every exporter writes the IR version first: field 1, a varint. */
async function startsLikeOnnx(file: ByteSource): Promise<boolean> {
  return file.size > 1 && (await file.read(0, 1))[0] === 0x08;
}

/** The folder, noting which files are opened: those are the model's. */
function rememberOpened(folder: SourceFolder, opened: Map<string, ByteSource>): SourceFolder {
  return {
    name: folder.name,
    path: folder.path,
    list: () => folder.list(),
    has: (path) => folder.has(path),
    async open(path) {
      const source = await folder.open(path);
      opened.set(path, source);
      return source;
    },
  };
}

function nameOf({ file, folder }: FormatSource): string {
  return file?.name ?? folder?.name ?? 'The source';
}
