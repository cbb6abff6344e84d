import { testEngine } from '@secateur/core/conformance';
import { wasmEngineInNode } from '../src/node.js';

testEngine(() => wasmEngineInNode());
