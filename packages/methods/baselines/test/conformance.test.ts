import { testCriterion } from '@secateur/core/conformance';
import { fpgm, lamp, magnitude, normScale, obd, random, taylor, wanda } from '../src/index.js';

testCriterion(random);
testCriterion(magnitude, {
  variants: [
    { p: 1 },
    { p: 3, normalize: 'lamp' },
    { reduce: 'max', normalize: 'gaussian' },
    { reduce: 'prod', normalize: 'sum', terms: 'weights' },
  ],
});
testCriterion(lamp);
testCriterion(fpgm);
testCriterion(normScale);
testCriterion(taylor, {
  variants: [
    { form: 'sum-abs' },
    { form: 'squared', normalize: 'sentinel' },
    { reduce: 'first', normalize: 'standardize' },
  ],
});
testCriterion(obd);
testCriterion(wanda);
