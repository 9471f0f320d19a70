// Where modules are found: fields, objects, Maps, Sets, lists; the containers; what cannot be found is said.
import { GradloomError, keep, nn, ones, optim, scope, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode, warnings } from '../helpers.ts';

const head = () => new nn.Linear(2, 1, { bias: false });

class Net extends nn.Module {
  trunk = new nn.Linear(2, 2);
  heads: unknown;

  constructor(heads: unknown) {
    super();
    this.heads = heads;
  }

  forward(x: Tensor): Tensor {
    return this.trunk.forward(x);
  }
}

const names = (heads: unknown): string[] => Object.keys(new Net(heads).stateDict()).filter((name) => name.startsWith('heads'));

test('plain objects, Maps, Sets and nested lists are walked, with PyTorch-like names', () => {
  const two = (a: unknown, b: unknown) => [`heads.${a}.weight`, `heads.${b}.weight`];
  assert.equal(names({ digit: head(), image: head() }), two('digit', 'image'));
  assert.equal(names(new Map([['digit', head()], ['image', head()]])), two('digit', 'image')); // biome-ignore format: one line
  assert.equal(names(new Map([[3, head()], [5, head()]])), two(3, 5)); // biome-ignore format: one line
  assert.equal(names(new Set([head(), head()])), two(0, 1));
  assert.equal(names([[head()], [head()]]), two('0.0', '1.0'));
  assert.equal(names([{ digit: head() }, { image: head() }]), two('0.digit', '1.image'));
  assert.equal(names({ digit: [head()], image: new Map([['a', [head()]]]) }), two('digit.0', 'image.a.0'));
  assert.equal(names(Object.assign(Object.create(null), { digit: head() })), ['heads.digit.weight']);
  assert.equal(names({ scale: new nn.Parameter(ones([1])), mean: new nn.Buffer(zeros([1])), note: 'no state', rows: [1, 2], none: null }), ['heads.scale', 'heads.mean']);
});

test('a container that holds itself ends; a key with a dot that makes one name of two is refused', () => {
  const circle: Record<string, unknown> = { a: head() };
  circle['self'] = circle;
  assert.equal(names(circle), ['heads.a.weight']);
  throwsCode('STATE', /heads\.a\.b.*two tensors/, () => names({ 'a.b': new nn.Parameter(ones([1])), a: { b: new nn.Parameter(ones([1])) } }));
});

test('a trainable parameter that no path leads to is an error that names the field', () => {
  class Bag {
    inside: unknown;
    constructor(inside: unknown) {
      this.inside = inside;
    }
  }
  for (const heads of [
    new Bag(head()),
    new Bag({ a: [head()] }),
    [new Bag(new nn.Parameter(ones([1])))],
    new Map([[{}, head()]]),
    new Map([[head(), 1]]),
    new WeakMap(),
    new WeakSet(),
  ]) {
    const net = new Net(heads);
    for (const ask of [() => net.parameters(), () => net.stateDict(), () => net.zeroGrad(), () => net.loadStateDict({})]) throwsCode('STATE', /Net: the field 'heads/, ask);
  }
  const net = new Net(null);
  Object.assign(net, { [Symbol('quiet')]: head() });
  throwsCode('STATE', /quiet/, () => net.parameters());
});

test('what is only referred to says nothing: frozen, found elsewhere, private, in an optimizer', () => {
  class Teacher {
    model = head().requiresGrad_(false);
  }
  class Around {
    model: nn.Module;
    #own = head();
    constructor(model: nn.Module) {
      this.model = model;
    }
    get own() {
      return this.#own;
    }
  }
  const net = new Net(new Teacher());
  net.heads = [new Teacher(), new Around(net), new Around(net.trunk), () => head(), new optim.SGD(net.parameters())];
  assert.is(net.parameters().length, 2);
  const other = head();
  const trained = new optim.SGD(other.parameters());
  net.heads = new Around(other);
  assert.is(net.parameters().length, 2);
  assert.ok(trained);
});

test('lists and dictionaries of modules', () => {
  const [a, b, c] = [head(), head(), head()];
  const list = new nn.ModuleList([a]).append(b).extend([c]);
  assert.equal([list.length, [...list], list.at(-1), list.get(0)], [3, [a, b, c], c, a]);
  list.insert(1, c).set(0, b);
  assert.equal([...list.values()], [b, c, b, c]);
  assert.equal([...list.keys()], [0, 1, 2, 3]);
  assert.equal([...list.entries()][1], [1, c]);
  const dict = new nn.ModuleDict({ a, b }).set('c', c).update(new Map([['b', c]]));
  assert.equal([dict.size, [...dict.keys()], dict.get('b'), dict.has('x'), [...dict.values()]], [3, ['a', 'b', 'c'], c, false, [a, c, c]]);
  assert.equal([dict.delete('a'), dict.delete('a'), [...dict]], [true, false, [['b', c], ['c', c]]] as never); // biome-ignore format: one line
  const net = new Net({ list: new nn.ModuleList([head()]), dict: new nn.ModuleDict({ x: head() }) });
  assert.equal(Object.keys(net.stateDict()).slice(2), ['heads.list.0.weight', 'heads.dict.x.weight']);
  assert.is((net.eval().heads as { list: nn.ModuleList }).list.at(0).training, false);
  throwsCode('INDEX', /ModuleList.*5 among 1/, () => new nn.ModuleList([a]).at(5));
  throwsCode('VALUE', /ModuleList.*contains modules, got the function relu/, () => new nn.ModuleList([nn.functional.relu as never]));
  throwsCode('VALUE', /ModuleList.*takes a list/, () => new nn.ModuleList(a as never));
  throwsCode('VALUE', /ModuleDict.*without dots/, () => new nn.ModuleDict({ 'a.b': a }));
  throwsCode('VALUE', /no forward/, () => (new nn.ModuleList([a]) as nn.Module & nn.Layer).forward(ones([1])));
});

test('lists and dictionaries of parameters make parameters of tensors', () => {
  const p = new nn.Parameter(ones([2]));
  const list = new nn.ParameterList([p, zeros([3])]);
  assert.is(list.at(0), p);
  assert.instance(list.at(1), nn.Parameter);
  const dict = new nn.ParameterDict({ p }).set('q', zeros([1]));
  assert.equal(
    [...new Net([list, dict]).namedParameters()].slice(2).map(([name]) => name),
    ['heads.0.0', 'heads.0.1', 'heads.1.q'],
  );
  throwsCode('DTYPE', /ParameterDict.*got 5/, () => dict.set('r', 5 as never));
  assert.equal([...dict.keys()], ['p', 'q']);
});

test('Sequential takes layers one by one or as a list; classes derived from containers keep their own fields', () => {
  const layers = [new nn.Linear(2, 2), new nn.Tanh()];
  assert.is(new nn.Sequential(layers as (nn.Module & nn.Layer)[]).length, 2);
  assert.equal([...new nn.Sequential(...layers)], layers);
  assert.is(new nn.Sequential().length, 0);
  throwsCode('VALUE', /Sequential.*contains modules, got undefined/, () => new nn.Sequential(undefined as never));
  class Scaled extends nn.Sequential {
    scale = new nn.Parameter(ones([1]));
  }
  assert.equal(Object.keys(new Scaled(...layers).stateDict()), ['scale', '0.weight', '0.bias']);
});

test("the whole calls each part's train, once, also where modules hold what is around them", () => {
  const seen: string[] = [];
  class Part extends nn.Module {
    label: string;
    around: nn.Module | null = null;
    inner = new nn.Dropout();
    constructor(label: string) {
      super();
      this.label = label;
    }
    override train(on = true): this {
      seen.push(`${this.label} ${on}`);
      super.train(on);
      this.inner.eval();
      return this;
    }
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const parts = [new Part('a'), new Part('b')];
  const net = new Net(parts);
  for (const part of parts) part.around = net;
  net.train();
  assert.equal(seen, ['a true', 'b true']);
  assert.equal([net.training, parts[0]?.training, parts[0]?.inner.training], [true, true, false]);
  assert.equal(net.eval().parameters().length, 2);
  throwsCode('VALUE', /train: the mode must be true or false, got 'eval'/, () => net.train('eval' as never));
});

test('a buffer assigned anew stays one; a parameter that becomes a plain tensor is refused', () => {
  class Centre extends nn.Module {
    mean: Tensor = new nn.Buffer(zeros([2]));
    scale: Tensor = new nn.Parameter(ones([2]));
    forward(x: Tensor): Tensor {
      this.mean = keep(
        this.mean
          .mul(0.5)
          .add(x.mean({ dim: 0 }).mul(0.5))
          .detach(),
      );
      return x.sub(this.mean);
    }
  }
  const centre = new Centre();
  centre.parameters();
  scope(() => centre.forward(ones([4, 2])));
  assert.equal(centre.stateDict()['mean']?.toArray(), [0.5, 0.5]);
  const assigned = centre.mean;
  centre.loadStateDict({ mean: tensor([3, 4]), scale: ones([2]) });
  assert.is(centre.mean, assigned);
  assert.equal(centre.mean.toArray(), [3, 4]);
  scope(() => {
    centre.mean = zeros([2]);
  });
  throwsCode('STATE', /'mean' was a buffer.*ended.*keep/, () => centre.stateDict());
  centre.mean = zeros([2]);
  centre.scale = ones([2]);
  throwsCode('STATE', /'scale' was a parameter/, () => centre.parameters());
});

test('a parameter that gathers gradients and is in no optimizer is named once; none where it is cleared or frozen', () => {
  class Hidden extends nn.Module {
    seen = new nn.Linear(1, 1);
    #lost = new nn.Linear(1, 1);
    forward(x: Tensor): Tensor {
      return this.#lost.forward(this.seen.forward(x));
    }
    quiet(): this {
      this.#lost.requiresGrad_(false);
      return this;
    }
    clear(): void {
      this.#lost.zeroGrad();
    }
  }
  const train = (net: Hidden, clear = false): string[] => {
    const optimizer = new optim.SGD(net.parameters(), { lr: 0.01 });
    const waiting = new optim.SGD(new nn.Linear(1, 1).parameters());
    return warnings(() => {
      for (let i = 0; i < 25; i++) {
        optimizer.zeroGrad();
        if (clear) net.clear();
        net
          .forward(ones([1, 1]))
          .sum()
          .backward();
        optimizer.step();
      }
      assert.ok(waiting);
    });
  };
  assert.equal(train(new Hidden().quiet()), []);
  assert.equal(train(new Hidden(), true), []);
  const said = train(new Hidden());
  assert.is(said.length, 1);
  assert.match(said[0] as string, /float32 \[1, 1\].*10 optimizer steps.*no optimizer/);
  assert.equal(train(new Hidden()), []);
});

test('classes that take nothing refuse arguments', () => {
  class Plain extends nn.Module {
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  for (const Class of [nn.ReLU, nn.Identity, nn.Mish, nn.Hardswish, Plain] as unknown as (new (
    ...given: unknown[]
  ) => nn.Module)[]) {
    throwsCode('VALUE', new RegExp(`${Class.name}: got arguments`), () => new Class({ inplace: true }));
    assert.not.instance(new Class(), GradloomError);
  }
});

test('places are whole numbers, and lists can be gone through', () => {
  for (const at of [undefined, null, 0.5, Symbol('s'), 1n]) throwsCode('VALUE', /Sequential.at: index/, () => new nn.Sequential().at(at as never));
  for (const list of [null, 1, 'ab', {}, { [Symbol.iterator]: 3 }]) throwsCode('VALUE', /takes a list/, () => new nn.ModuleList().extend(list as never));
});

test('typed arrays hold no modules or parameters', () => {
  const detached = new Float32Array(2);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  for (const list of [new Float32Array(2), detached] as never[]) {
    for (const make of [() => new nn.ParameterList(list), () => new nn.ParameterDict(list), () => new nn.ModuleList(list)]) throwsCode('VALUE', /takes a list/, make);
  }
});

test.run();
