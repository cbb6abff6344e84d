import { type FormatSource, type Model, sha256Source } from '@secateur/core';
import { type Constant, SecateurError } from '@secateur/graph';
import { type Checkpoint, readSafetensors } from '@secateur/safetensors';
import { notesUnder } from '../format/notes.js';
import { modelClassOf } from '../model-classes.js';
import { componentNamed, componentsIn, type SingleFileComponent } from './components.js';
import { notOriginal } from './not-original.js';
import type { PlaceOf, StoredShapes } from './stored-place.js';
import { storedWeights } from './stored-tensors.js';

/** What {@link Model.source} holds of a model out of an original checkpoint. */
export interface SingleFileSource {
  readonly kind: 'single-file';
  readonly checkpoint: Checkpoint;
  readonly component: SingleFileComponent;
  readonly placeOf: PlaceOf;
  /** The constants as built from the checkpoint: one that is still the same object is untouched. */
  readonly constants: ReadonlyMap<string, Constant>;
}

/** Key in the file's metadata under which a pruned component's notes lie, its configuration of before among them. */
export const componentNotesKey = (component: string): string => `secateur.${component}`;

/**
 * Opens one model of an original checkpoint of Stable Diffusion; weights stay where they are.
 *
 * @throws {SecateurError} BAD_FILE when its keys are none of those, or tensors do not fit; BAD_OPTION when it lacks the
 *   component asked for
 */
export async function loadSingleFile({ file, component: wanted }: FormatSource): Promise<Model> {
  if (!file) throw new SecateurError('BAD_FILE', 'A checkpoint of one file must be named by that file.');
  const checkpoint = await readSafetensors(file);
  const shapes = shapesOf(checkpoint);
  const components = componentsIn(shapes);
  if (components.length === 0) throw notOriginal(file.name);
  const component = componentNamed(components, wanted, file.name);
  const noted = notesUnder(componentNotesKey(component.name), checkpoint);
  const config = noted?.config ?? component.config();
  const modelClass = modelClassOf(config, file.name);
  const placeOf = component.placeOf(config);
  const specs = modelClass.tensors(config);
  checkAllPlaced(shapes, component, new Set(specs.map(({ name }) => placeOf(name).key)), file.name);
  const weights = storedWeights(checkpoint, specs, placeOf);
  const graph = modelClass.build(config, weights, noted?.overrides, { strict: noted === undefined });
  const source: SingleFileSource = { kind: 'single-file', checkpoint, component, placeOf, constants: graph.constants };
  return {
    name: file.name,
    graph,
    format: 'single-file',
    className: modelClass.name,
    config,
    sizes: modelClass.sizes(config),
    parts: modelClass.parts,
    ties: (coupling, roundTo) => modelClass.ties(config, coupling, roundTo),
    source,
    files: async () => [{ name: file.name, sha256: await sha256Source(file) }],
  };
}

export function shapesOf({ tensors }: Checkpoint): StoredShapes {
  return new Map([...tensors].map(([key, { shape }]) => [key, shape]));
}

/** Nothing of a model may be passed over in silence. */
function checkAllPlaced(
  shapes: StoredShapes,
  component: SingleFileComponent,
  placed: ReadonlySet<string>,
  file: string,
): void {
  const left = [...shapes.keys()].filter((key) => component.owns(key) && !placed.has(key));
  if (left.length === 0) return;
  throw new SecateurError(
    'BAD_FILE',
    `${file}: ${left.length} tensors have no place in the ${component.name}, such as ${left[0]}.`,
    {
      file,
      field: left[0],
      hint: 'The model is a variant that is not covered.',
    },
  );
}
