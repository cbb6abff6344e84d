import { matches } from '@secateur/core';
import { type Graph, inferTypes, SecateurError, shapeText, type ValueType } from '@secateur/graph';

/** An activation of the student and the teacher's that it is compared with. */
export interface FeatureTap {
  /** Module path in the student. */
  readonly at: string;
  /** Value in the student's graph. */
  readonly student: string;
  /** Value in the teacher's graph. */
  readonly teacher: string;
}

/** Ends of stages: of UNets their blocks, of transformers every block. */
const stages: readonly string[] = [
  'down_blocks.*',
  'mid_block',
  'up_blocks.*',
  'transformer_blocks.*',
  'single_transformer_blocks.*',
  'blocks.*',
];

/**
 * Finds the activations to compare: the last value that each module makes.
 *
 * @param at  module paths with `*`, or `STUDENT=TEACHER`; left out: the ends of the stages
 * @throws {SecateurError} BAD_OPTION when a pattern finds nothing in either graph; SHAPE_MISMATCH when the two activations
 *   differ in shape
 */
export function featureTaps(student: Graph, teacher: Graph, at: readonly string[] | undefined): FeatureTap[] {
  const [ours, theirs] = [moduleOutputs(student), moduleOutputs(teacher)];
  const taps = at ? at.flatMap((pattern) => tapsOf(pattern, ours, theirs)) : stageTaps(ours, theirs);
  const unique = [...new Map(taps.map((tap) => [tap.at, tap])).values()];
  if (unique.length === 0) {
    throw new SecateurError('BAD_OPTION', 'Student and teacher share no stages to compare.', {
      field: 'at',
      hint: 'Name the modules to compare: their paths, or STUDENT=TEACHER.',
    });
  }
  const [ourTypes, theirTypes] = [inferTypes(student), inferTypes(teacher)];
  for (const tap of unique) checkShapes(tap, ourTypes.get(tap.student)!, theirTypes.get(tap.teacher)!);
  return unique;
}

/** The last output of every module, by path, parents included. */
function moduleOutputs({ nodes }: Graph): Map<string, string> {
  const outputs = new Map<string, string>();
  for (const { scope, outputs: made } of nodes) {
    const parts = scope === '' ? [] : scope.split('.');
    for (let end = 1; end <= parts.length; end++) outputs.set(parts.slice(0, end).join('.'), made[0]);
  }
  return outputs;
}

function stageTaps(ours: ReadonlyMap<string, string>, theirs: ReadonlyMap<string, string>): FeatureTap[] {
  return [...ours].flatMap(([at, student]) => {
    const isStage = stages.some((stage) => matches(stage, at) && stage.split('.').length === at.split('.').length);
    const other = theirs.get(at);
    return isStage && other !== undefined ? [{ at, student, teacher: other }] : [];
  });
}

function tapsOf(pattern: string, ours: ReadonlyMap<string, string>, theirs: ReadonlyMap<string, string>): FeatureTap[] {
  const [mine, other] = pattern.split('=');
  if (other !== undefined) {
    const student = ours.get(mine) ?? missing(mine, 'student', ours);
    const teacher = theirs.get(other) ?? missing(other, 'teacher', theirs);
    return [{ at: mine, student, teacher }];
  }
  const depth = pattern.split('.').length;
  const found = [...ours.keys()].filter((path) => matches(pattern, path) && path.split('.').length === depth);
  if (found.length === 0) missing(pattern, 'student', ours);
  return found.map((at) => ({
    at,
    student: ours.get(at)!,
    teacher: theirs.get(at) ?? missing(at, 'teacher', theirs),
  }));
}

function missing(path: string, whose: string, known: ReadonlyMap<string, string>): never {
  const some = [...known.keys()].filter((name) => name.split('.').length <= 2).slice(0, 12);
  throw new SecateurError('BAD_OPTION', `The ${whose} has no module "${path}".`, {
    field: 'at',
    hint: `Some of its modules: ${some.join(', ')}.`,
  });
}

function checkShapes({ at }: FeatureTap, student: ValueType, teacher: ValueType): void {
  if (student.shape.join() === teacher.shape.join()) return;
  throw new SecateurError(
    'SHAPE_MISMATCH',
    `The student's ${at} gives ${shapeText(student.shape)}, the teacher's ${shapeText(teacher.shape)}.`,
    {
      field: at,
      hint: 'Features are compared where widths are the same: name other modules, or distil the output alone.',
    },
  );
}
