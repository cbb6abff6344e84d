import { testMask } from '../../src/conformance.js';
import { keepLargest, keepLargestOfAll, keepNofM } from '../../src/index.js';

testMask('keepLargest', ({ shape, scores, ratio }) => keepLargest(shape, scores, ratio));
testMask('keepLargestOfAll', ({ shape, scores, ratio }) => keepLargestOfAll([{ shape, scores }], ratio)[0]);
testMask('keepNofM 2:4', ({ shape, inputAxis, scores }) => keepNofM(shape, inputAxis, scores, 2, 4), {
  pattern: { n: 2, m: 4 },
});
testMask('keepNofM 1:3', ({ shape, inputAxis, scores }) => keepNofM(shape, inputAxis, scores, 1, 3), {
  pattern: { n: 1, m: 3 },
});
