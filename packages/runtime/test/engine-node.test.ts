import { testEngine } from '@secateur/core/conformance';
import { nodeEngine } from '../src/node.js';

testEngine(() => nodeEngine({ threads: 1 }));
