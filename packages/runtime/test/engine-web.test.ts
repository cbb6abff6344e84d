import { testEngine } from '@secateur/core/conformance';
import { webEngineInNode } from '../src/node.js';

testEngine(() => webEngineInNode());
