import { comparedOutput, type Engine, type Model } from '@secateur/core';
import { dimEquals, inferTypes, SecateurError, shapeText, type Tensor, zeros } from '@secateur/graph';
import type { FeatureTap } from './losses/feature-taps.js';
import { bindInputs, inputNames } from './losses/training-graph.js';

/** Runs the teacher on a student's inputs. */
export interface Teacher {
  /** What the training graph reads of it: the output and the activations at the taps. Overwritten by the next call. */
  run(feeds: Readonly<Record<string, Tensor>>, signal?: AbortSignal): Promise<Readonly<Record<string, Tensor>>>;
  dispose(): Promise<void>;
}

export interface TeacherRequest {
  readonly model: Model;
  readonly engine: Engine;
  readonly threads?: number;
  /** Shapes of one run's inputs. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly targetChannels?: number;
  /** Whether its output is wanted, or activations alone. */
  readonly wantsOutput: boolean;
  readonly taps: readonly FeatureTap[];
  readonly signal?: AbortSignal;
}

export async function compileTeacher(request: TeacherRequest): Promise<Teacher> {
  const { model, engine, threads, shapes, targetChannels, taps, wantsOutput, signal } = request;
  const { graph, output } = comparedOutput(bindInputs(model.graph, shapes), targetChannels);
  const types = inferTypes(graph);
  const wanted = [
    ...(wantsOutput ? [{ value: output.name, feed: inputNames.teacher }] : []),
    ...taps.map(({ teacher }, i) => ({ value: teacher, feed: inputNames.feature(i) })),
  ];
  const values = [...new Set(wanted.map(({ value }) => value))];
  const outputs = values
    .map((name) => ({ name, ...types.get(name)! }))
    .map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const executable = await engine.compile({ ...graph, outputs }, { threads, signal });
  const into = Object.fromEntries(outputs.map(({ name, dtype, shape }) => [name, zeros(dtype, shape as number[])]));
  return {
    async run(feeds, runSignal) {
      const results = await executable.run(feeds, { into, signal: runSignal });
      return Object.fromEntries(wanted.map(({ value, feed }) => [feed, results[value]]));
    },
    dispose: () => executable.dispose(),
  };
}

/**
 * Whether the teacher can judge the student: the same inputs and the same output shape.
 *
 * @throws {SecateurError} SHAPE_MISMATCH naming both
 */
export function checkTeacher(student: Model, teacher: Model): void {
  const describe = ({ graph }: Model) =>
    graph.inputs.map(({ name, dtype, shape }) => `${name} ${dtype} ${shapeText(shape)}`).join(', ');
  const sameInputs =
    student.graph.inputs.length === teacher.graph.inputs.length &&
    student.graph.inputs.every(({ name, dtype, shape }) => {
      const other = teacher.graph.inputs.find((input) => input.name === name);
      return other?.dtype === dtype && sameShape(shape, other.shape);
    });
  if (!sameInputs) {
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `The student ${student.name} takes ${describe(student)}; the teacher ${teacher.name} takes ${describe(teacher)}.`,
      { field: 'teacher', hint: 'The teacher is usually the model that the student was pruned from.' },
    );
  }
  const [ours, theirs] = [student.graph.outputs[0].shape, teacher.graph.outputs[0].shape];
  if (sameShape(ours, theirs)) return;
  throw new SecateurError(
    'SHAPE_MISMATCH',
    `The student ${student.name} gives ${shapeText(ours)}; the teacher ${teacher.name} gives ${shapeText(theirs)}.`,
    { field: 'teacher', hint: 'The teacher is usually the model that the student was pruned from.' },
  );
}

/** Sizes must be the same where both are known; symbols take any. */
function sameShape(a: Model['graph']['inputs'][number]['shape'], b: typeof a): boolean {
  return (
    a.length === b.length &&
    a.every((dim, axis) => typeof dim !== 'number' || typeof b[axis] !== 'number' || dimEquals(dim, b[axis]))
  );
}
