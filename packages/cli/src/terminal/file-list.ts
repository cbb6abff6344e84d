import { join } from 'node:path';

/** Files of an output, one a line: inside a folder, or beside the one file that was named. */
export function fileList(out: string, files: readonly string[]): string {
  return files.map((file) => (/\.onnx$/i.test(out) ? join(out, '..', file) : join(out, file))).join('\n');
}
