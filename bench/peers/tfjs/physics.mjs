// Networks whose own derivatives are in their losses (physics.ts).
import * as tf from '@tensorflow/tfjs';
import { dense, given, turned } from './layers.mjs';

/** `tf.tanh` cannot be differentiated twice: TensorFlow.js's tape does not connect the output that a gradient keeps. This one keeps its input. */
const tanh = tf.customGrad((x, save) => {
  save([x]);
  return { value: tf.tanh(x), gradFunc: (dy, [x]) => dy.mul(tf.sub(1, tf.square(tanh(x)))) };
});

const network = (p, x) => dense(p, tanh(dense(p, tanh(dense(p, x, 'trunk.0')), 'trunk.2')), 'trunk.4');
const square = (x) => tf.mean(tf.square(x));
const column = (x, i) => x.slice([0, i], [x.shape[0], 1]);

/** What f gives of points x, a list; in front of it the first one's derivative at each point. All can be differentiated again. */
function derived(f, x) {
  let list;
  const derivative = tf.grad((x) => {
    list = f(x).map((y) => tf.keep(y)); // beyond this gradient's own tidy
    return tf.sum(list[0]);
  })(x);
  const copies = list.map((y) => y.clone());
  tf.dispose(list);
  return [derivative, ...copies];
}

/** What Burgers' equation u_t + u·u_x = 0.01·u_xx leaves at points (x, t). */
function burgers(u, x) {
  const slopes = (x) => {
    const [both, value] = derived((x) => [u(x)], x);
    return [column(both, 0), column(both, 1), value];
  };
  const [second, ux, ut, value] = derived(slopes, x);
  return ut.add(value.mul(ux)).sub(column(second, 0).mul(0.01));
}

/** What u'' + 4·u = 0 leaves. */
function oscillation(u, x) {
  const [second, , value] = derived((x) => derived((x) => [u(x)], x), x);
  return second.add(value.mul(4));
}

const model = (residual) => ({
  weight: (_name, w) => turned(w),
  batch: (data) => ['x', 'labels', 'values'].map((name) => given(data, name)),
  losses: (p, x, edge, start) => {
    const u = (x) => network(p, x);
    const [rows, columns] = start.shape;
    const known = u(start.slice([0, 0], [rows, columns - 1]));
    return [square(residual(u, x)), square(u(edge)), square(known.sub(column(start, columns - 1)))];
  },
});

export const PHYSICS = { pinn: model(burgers), 'pinn-50': model(oscillation) };
