import type { OutputFolder } from '@secateur/core';

/** JSON as files hold it. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export async function writeText(out: OutputFolder, name: string, text: string): Promise<void> {
  const sink = await out.create(name);
  try {
    await sink.write(new TextEncoder().encode(text));
  } finally {
    await sink.close();
  }
}
