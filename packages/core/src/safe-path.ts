import { SecateurError } from '@secateur/graph';

/**
 * A relative path that stays where it is put: `/` between segments, `.` segments dropped.
 *
 * Paths come out of model files (external data, shard names), so everything that could lead elsewhere on any platform is
 * refused: absolute paths, `..`, backslashes, drive letters, NUL.
 *
 * @param file  who names the path, for the message
 * @throws {SecateurError} BAD_FILE when the path could leave the folder or is empty
 */
export function safePath(path: string, file?: string): string {
  const segments = path.split('/').filter((segment) => segment !== '.');
  const reason = path.startsWith('/')
    ? 'is absolute'
    : segments.includes('..')
      ? "leaves the model's folder through `..`"
      : segments.length === 0 || segments.includes('')
        ? 'has an empty segment'
        : /[\\\0]|^[A-Za-z]:/.test(path)
          ? 'holds a backslash, a drive letter or NUL'
          : undefined;
  if (reason) {
    throw new SecateurError('BAD_FILE', `Path ${JSON.stringify(path)} ${reason}.`, {
      file,
      field: path,
      hint: "Expected a relative path inside the model's folder, with `/` between segments.",
    });
  }
  return segments.join('/');
}
