import { testMethod } from '@secateur/core/conformance';
import { sparsedm } from '../src/index.js';

testMethod(sparsedm, {
  skip: {
    nested: 'the pattern says how much goes',
    replay: 'masks are not in the manifest but in a file of their own',
  },
});
