/** Why a file could not be read or written, as one says it; the system's own words where there are no better ones. */
export function fileTrouble(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return words[code ?? ''] ?? message ?? String(error)
}

const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'this is a folder, not a file',
  EACCES: 'permission denied (use sudo)',
  EPERM: 'permission denied (use sudo)',
  EEXIST: 'it exists already and is left alone; choose another name',
  ENOSPC: 'no space left on the device (df shows which one)',
  EROFS: 'the file system is mounted read-only',
}
