import type { GroupReport } from '@secateur/core';

/** A group under the name people know it by. */
export interface NamedGroup {
  readonly group: GroupReport;
  /** Module of its first producer, e.g. `down_blocks.0.resnets.0.conv1`; with the axis when that is not 0. */
  readonly name: string;
  /** Part of the model, e.g. `down_blocks.0`, `mid_block`. */
  readonly stage: string;
}

export interface Stage {
  readonly name: string;
  readonly groups: readonly NamedGroup[];
}

/** Groups by part of the model, in the order of the model. */
export function stagesOf(groups: readonly GroupReport[]): Stage[] {
  const shared = sharedPrefix(groups);
  const stages = new Map<string, NamedGroup[]>();
  for (const group of groups) {
    const name = nameOf(group);
    const stage = stageOf(name.slice(shared.length));
    const list = stages.get(stage) ?? [];
    if (list.length === 0) stages.set(stage, list);
    list.push({ group, name: name.slice(shared.length), stage });
  }
  return [...stages].map(([name, list]) => ({ name, groups: list }));
}

function nameOf({ id }: GroupReport): string {
  const match = /^(.+?)(?:\.weight)?:(\d+)(?::[\w-]+)?$/.exec(id);
  if (!match) return id;
  return match[2] === '0' ? match[1]! : `${match[1]}, axis ${match[2]}`;
}

/** `down_blocks.0.resnets.1` is in `down_blocks.0`, `mid_block.resnets.0` in `mid_block`. */
export function stageOf(name: string): string {
  const [first = '', second = ''] = name.split('.');
  return /^\d+$/.test(second) ? `${first}.${second}` : first;
}

/** Wrapper that all groups lie in, e.g. `unet.`, where the model has one. */
function sharedPrefix(groups: readonly GroupReport[]): string {
  const [first, ...rest] = groups.map(nameOf);
  const dot = first?.indexOf('.') ?? -1;
  if (!first || dot < 0 || rest.length === 0) return '';
  const prefix = first.slice(0, dot + 1);
  // `blocks.0`, `blocks.1`, …: the name before a number is part of the stage.
  const isWrapper = rest.every((name) => name.startsWith(prefix)) && !/^\d/.test(first.slice(dot + 1));
  return isWrapper ? prefix : '';
}
