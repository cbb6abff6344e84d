/**
 * What a graph knows and ONNX has no field for, kept in `metadata_props` so that a file we wrote reads back as it was.
 * Other readers skip these.
 */
export const ANNOTATIONS = {
  /** On a node: its scope, where the node's name does not say it. */
  scope: 'secateur.scope',
  /** On an initialiser: JSON of its `ParameterIdentity`. */
  parameter: 'secateur.parameter',
} as const;

/** Keys of `Graph.metadata` that hold fields of the model itself. Metadata properties of the same name win. */
export const MODEL_FIELDS = {
  producerName: 'onnx:producer_name',
  producerVersion: 'onnx:producer_version',
  docString: 'onnx:doc_string',
  graphDocString: 'onnx:graph_doc_string',
} as const;
