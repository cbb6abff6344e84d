import { SecateurError } from '@secateur/graph';
import { expect, it } from 'vitest';
import { engineFailed, isUnknownOp, nodeInWords, ortWords } from '../src/ort-errors.js';

it.each([
  ["Non-zero status code returned while running MatMul node. Name:'to_q' Status Message: …", 'to_q'],
  ['Node (conv_in) Op (Conv) [ShapeInferenceError] Input tensor must have at least 3 dimensions', 'conv_in'],
  [
    'This is an invalid model. In Node, ("frob_0", Frob, "", -1) : ("x": tensor(float),) -> ("y": tensor(float),)',
    'frob_0',
  ],
  ['of operator (Softmax) in node (softmax_3) is invalid.', 'softmax_3'],
  ["Could not find an implementation for GroupNorm(1) node with name 'norm1'", 'norm1'],
  ['External data path validation failed', undefined],
])('finds the node in "%s"', (words, node) => {
  expect(nodeInWords(words)).toBe(node);
});

it('leaves out the source file it was built from', () => {
  const message = "Name:'a' Status Message: /src/core/op_kernel.cc:83 Output() [ONNXRuntimeError] : 2 : too\nlarge";
  expect(ortWords(new Error(message))).toBe("Name:'a' Status Message: Output() [ONNXRuntimeError] : 2 : too large");
  expect(ortWords('Shape mismatch: {5,5}')).toBe('Shape mismatch: {5,5}');
});

it('knows every way onnxruntime says that it lacks an operator', () => {
  expect(isUnknownOp('Error No Op registered for Frob with domain_version of 18')).toBe(true);
  expect(isUnknownOp('Fatal error: my.domain:Frob(-1) is not a registered function/op')).toBe(true);
  expect(isUnknownOp("Error No opset import for domain 'my.domain'")).toBe(true);
  expect(isUnknownOp("Could not find an implementation for GroupNorm(1) node with name 'GroupNorm0'")).toBe(true);
  expect(isUnknownOp('[ShapeInferenceError] Input tensor must have at least 3 dimensions')).toBe(false);
});

it('keeps our own errors as they are', () => {
  const ours = new SecateurError('SHAPE_MISMATCH', 'x');
  expect(engineFailed('ort', 'to run the graph', ours)).toBe(ours);
  const cause = new Error("Name:'a' bad");
  expect(engineFailed('ort', 'to run the graph', cause)).toMatchObject({
    code: 'ENGINE_FAILED',
    message: "ort failed to run the graph: Name:'a' bad",
    field: 'a',
    cause,
  });
});
