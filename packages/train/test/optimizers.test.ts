import { adamw, type Optimizer, sgd, type Values } from '@secateur/train';
import { describe, expect, it } from 'vitest';

function stepped(optimizer: Optimizer, gradients: readonly number[], learningRate: number): number[] {
  const parameters: Values = new Map([['w', Float32Array.of(1)]]);
  const state = optimizer.init(parameters);
  return gradients.map((g) => {
    optimizer.update(parameters, new Map([['w', Float32Array.of(g)]]), state, learningRate);
    return parameters.get('w')![0];
  });
}

describe('sgd', () => {
  it('goes down the gradient', () => {
    expect(stepped(sgd(), [2, -1], 0.25)).toEqual([0.5, 0.75]);
  });
  it('adds the weight decay to the gradient', () => {
    // 1 - 0.5 * (1 + 0.5 * 1)
    expect(stepped(sgd({ weightDecay: 0.5 }), [1], 0.5)).toEqual([0.25]);
  });
  it('starts the momentum with the first gradient, whole, and dampens later ones', () => {
    // b = 1, then 0.5 * 1 + (1 - 0.5) * 1 = 1
    expect(stepped(sgd({ momentum: 0.5, dampening: 0.5 }), [1, 1], 0.25)).toEqual([0.75, 0.5]);
  });
  it('looks ahead with Nesterov', () => {
    // b = 1: 1 - 0.25 * (1 + 0.5); b = 1.5: less 0.25 * (1 + 0.75)
    expect(stepped(sgd({ momentum: 0.5, nesterov: true }), [1, 1], 0.25)).toEqual([0.625, 0.1875]);
  });
  it('refuses what does not go together', () => {
    expect(() => sgd({ nesterov: true })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    expect(() => sgd({ momentum: 1 })).toThrow(/momentum is 1/);
  });
});

describe('adamw', () => {
  it('steps by the learning rate at first, whatever the size of the gradient', () => {
    for (const g of [1e-3, 5, 400]) expect(stepped(adamw({ weightDecay: 0 }), [g], 0.25)[0]).toBeCloseTo(0.75, 5);
  });
  it('agrees with the formulas worked out by hand', () => {
    // beta1 0.5, beta2 0.75, gradients 1 then 3: m = 0.5, 1.75; v = 0.25, 2.4375
    // step 1: m^ = 1, v^ = 1; step 2: m^ = 1.75 / 0.75, v^ = 2.4375 / 0.4375
    const [first, second] = stepped(adamw({ beta1: 0.5, beta2: 0.75, weightDecay: 0.5, epsilon: 0 }), [1, 3], 0.1);
    expect(first).toBeCloseTo(1 * 0.95 - 0.1, 6);
    expect(second).toBeCloseTo(0.85 * 0.95 - (0.1 * (1.75 / 0.75)) / Math.sqrt(2.4375 / 0.4375), 6);
  });
  it('refuses a decay of 1', () => {
    expect(() => adamw({ beta2: 1 })).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field: 'beta2' }));
  });
});

describe('optimisers', () => {
  it('keep their arrays: nothing is allocated in a step', () => {
    for (const optimizer of [sgd({ momentum: 0.9 }), adamw()]) {
      const parameters: Values = new Map([['w', Float32Array.of(1, 2)]]);
      const state = optimizer.init(parameters);
      const held = Object.values(state.slots).flatMap((slot) => [...slot.values()]);
      optimizer.update(parameters, new Map([['w', Float32Array.of(1, 1)]]), state, 0.1);
      expect(Object.values(state.slots).flatMap((slot) => [...slot.values()])).toEqual(held);
      expect(state.step).toBe(1);
    }
  });
});
