import { testCriterion, testMethod } from '@secateur/core/conformance';
import { diffPruning, diffPruningScore } from '../src/index.js';

testCriterion(diffPruningScore, { variants: [{ threshold: 0 }, { stopOrder: 'test-first', terms: 'weights' }] });
testMethod(diffPruning, { options: { threshold: 0.3 } });
