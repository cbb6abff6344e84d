import { type ByteSource, type SourceFolder, safePath } from '@secateur/core';
import { type ByteLocation, bytesPerElement, type DType, SecateurError, sizeOf } from '@secateur/graph';
import type { TensorProto } from 'onnx-buf';

/** External data of one tensor, checked to be there. */
export interface ExternalRange {
  readonly source: ByteSource;
  readonly location: ByteLocation;
}

/** Files beside a model, each opened once. */
export class ExternalFiles {
  private readonly sources = new Map<string, Promise<ByteSource>>();

  constructor(
    private readonly file: string,
    private readonly folder: SourceFolder | undefined,
  ) {}

  /**
   * Where the values of `proto` lie.
   * @throws {SecateurError} BAD_FILE when the file is missing or outside the model's folder, or the range is not in it
   */
  async rangeOf(proto: TensorProto, name: string, dtype: DType, shape: readonly number[]): Promise<ExternalRange> {
    const fields = new Map(proto.externalData.map(({ key, value }) => [key, value]));
    const path = safePath(fields.get('location') ?? '', this.file);
    const source = await this.open(path, name);
    const offset = this.count(fields.get('offset') ?? '0', 'offset', name);
    const byteLength = sizeOf(shape) * bytesPerElement(dtype);
    const length = fields.has('length') ? this.count(fields.get('length')!, 'length', name) : byteLength;
    if (length !== byteLength) {
      this.fail(name, `${dtype} of shape [${shape}] needs ${byteLength} bytes; its external data has ${length}`);
    }
    if (offset + byteLength > source.size) {
      this.fail(name, `bytes ${offset} to ${offset + byteLength} are past the end of ${path} (${source.size} bytes)`);
    }
    return { source, location: { file: source.name, path: source.path, offset, byteLength } };
  }

  private open(path: string, name: string): Promise<ByteSource> {
    const opened = this.sources.get(path) ?? this.openNew(path, name);
    this.sources.set(path, opened);
    return opened;
  }

  private async openNew(path: string, name: string): Promise<ByteSource> {
    if (!this.folder) {
      throw new SecateurError('BAD_FILE', `${name} keeps its values in ${path}, beside the model.`, {
        file: this.file,
        field: name,
        hint: `Give the folder that holds ${this.file} and ${path}.`,
      });
    }
    if (!(await this.folder.has(path))) this.fail(name, `external data file ${path} is missing`);
    return this.folder.open(path);
  }

  private count(text: string, field: string, name: string): number {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value))
      this.fail(name, `${field} "${text.slice(0, 40)}" of external data is not a count of bytes`);
    return value;
  }

  private fail(name: string, message: string): never {
    throw new SecateurError('BAD_FILE', `${name}: ${message}.`, { file: this.file, field: name });
  }
}
