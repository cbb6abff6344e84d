import type { PruneResult } from '@secateur/core';
import type { Extras } from './extras.js';

export async function reportHtml(result: PruneResult, extras: Extras): Promise<string> {
  void extras;
  return JSON.stringify(result.report);
}
