import { testCriterion, testMethod } from '@secateur/core/conformance';
import { laptopDiff, outputLoss, taskLoss } from '../src/index.js';

testCriterion(outputLoss, { variants: [{ subsets: 3, rowsPerRun: 2 }] });
testCriterion(taskLoss);
testMethod(laptopDiff, {
  options: { subsets: 2 },
  skip: { nested: 'the cheapest way to save more may be another set of layers altogether' },
});
