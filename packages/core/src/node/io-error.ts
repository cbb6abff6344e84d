import { SecateurError } from '@secateur/graph';

/** The system's error code, e.g. `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const meanings: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ['does not exist', 'Check the path.'],
  ENOTDIR: ['has a file where a folder is needed', 'Check the path.'],
  EISDIR: ['is a folder', 'Name a file.'],
  EACCES: ['may not be accessed', 'Check the permissions of the file and of the folders above it.'],
  EPERM: ['may not be accessed', 'Check the permissions of the file and of the folders above it.'],
  EROFS: ['is on a read-only file system', 'Choose another place.'],
  EBUSY: ['is in use', 'If it is a mount point, name a folder inside it; else close the program that uses it.'],
  EXDEV: ['is on another file system than the folder above it', 'If it is a mount point, name a folder inside it.'],
  EMFILE: ['cannot be opened: too many files are open', 'Close models that are no longer needed.'],
  ENAMETOOLONG: ['has too long a name', 'Choose a shorter one.'],
  ELOOP: ['is a symbolic link that leads in a circle', 'Replace the link by the file.'],
};

/** What the system said, as one of our errors. Our own errors pass through. */
export function ioError(error: unknown, name: string): SecateurError {
  if (error instanceof SecateurError) return error;
  const [reason, hint] = meanings[systemCode(error) ?? ''] ?? [
    `failed: ${error instanceof Error ? error.message : String(error)}`,
    undefined,
  ];
  return new SecateurError('IO', `${name} ${reason}.`, { file: name, hint, cause: error });
}
