import { expect, it } from 'vitest';
import { commonFolder } from '../src/common-folder.js';

function parts(paths: string[]) {
  const common = commonFolder(paths);
  return common && [common.folder, ...common.relative.values()];
}

it('is the deepest folder that holds all files', () => {
  expect(parts([])).toBeUndefined();
  expect(parts(['/m/unet/a.bin'])).toEqual(['/m/unet', 'a.bin']);
  expect(parts(['/m/unet/a.bin', '/m/unet/b.bin', '/m/unet/a.bin'])).toEqual(['/m/unet', 'a.bin', 'b.bin']);
  expect(parts(['/m/unet/a.bin', '/m/vae/b.bin'])).toEqual(['/m', 'unet/a.bin', 'vae/b.bin']);
  expect(parts(['/m/un/a.bin', '/m/unet/b.bin', '/n.bin'])).toEqual(['/', 'm/un/a.bin', 'm/unet/b.bin', 'n.bin']);
});

it('takes Windows paths and leaves out other drives', () => {
  expect(parts(['C:\\m\\a.bin', 'C:\\n\\b.bin', 'D:\\c.bin'])).toEqual(['C:/', 'm/a.bin', 'n/b.bin']);
  expect(parts(['C:\\m\\x\\a.bin', 'C:/m/b.bin'])).toEqual(['C:/m', 'x/a.bin', 'b.bin']);
});
