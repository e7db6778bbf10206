// SPDX-License-Identifier: MIT
// The update operator as the paper states it: a list of edges, each finding its own neighbours and groups. Double precision, plain loops, no code
// shared with the product. Deep Patch Visual Odometry, arXiv 2208.04726, section 3.2.

/** Edge (source frame i, target frame j, patch k); k is unique over all frames. */
export interface Edge {
  i: number;
  j: number;
  k: number;
}

export interface EdgeListResult {
  hidden: Rows;
  delta: Rows;
  weight: Rows;
}

type Row = Float64Array<ArrayBuffer>;
type Rows = Row[];
type Tensors = Map<string, { shape: number[]; data: Float32Array }>;

/**
 * `hidden`, `context` and `correlation` hold one row per edge; the correlation is in the published order.
 *
 * @param linearOf another arithmetic of the linear layers, by their names in the weights file
 */
export function edgeListUpdate(
  tensors: Tensors,
  edges: Edge[],
  hidden: Rows,
  context: Rows,
  correlation: Rows,
  linearOf?: (name: string) => (x: Row) => Row,
): EdgeListResult {
  const W = (name: string) => tensors.get(`update.${name}.weight`)!;
  const b = (name: string) => tensors.get(`update.${name}.bias`)!.data;
  const linear = (name: string) => linearOf?.(`update.${name}`) ?? floatLinear(name);
  const floatLinear = (name: string) => (x: Row) => {
    const { shape, data } = W(name);
    return Float64Array.from({ length: shape[0]! }, (_, o) =>
      x.reduce((sum, value, c) => sum + value * data[o * shape[1]! + c]!, b(name)[o]!),
    );
  };
  const norm = (name: string) => (x: Row) => {
    const mean = x.reduce((s, v) => s + v, 0) / x.length;
    const variance = x.reduce((s, v) => s + (v - mean) ** 2, 0) / x.length;
    return x.map((v, c) => ((v - mean) / Math.sqrt(variance + 1e-3)) * W(name).data[c]! + b(name)[c]!);
  };
  const relu = (x: Row) => x.map((v) => (v > 0 ? v : 0));
  const sigmoid = (x: Row) => x.map((v) => 1 / (1 + Math.exp(-v)));
  const add = (x: Row, y: Row) => x.map((v, c) => v + y[c]!);
  const chain =
    (...steps: ((x: Row) => Row)[]) =>
    (x: Row) =>
      steps.reduce((value, step) => step(value), x);

  const corrLayers = chain(linear('corr.0'), relu, linear('corr.2'), norm('corr.3'), relu, linear('corr.5'));
  let net = edges.map((_, e) => norm('norm')(add(add(hidden[e]!, context[e]!), corrLayers(correlation[e]!))));

  const zero = new Float64Array(net[0]!.length);
  const c1 = chain(linear('c1.0'), relu, linear('c1.2'));
  const c2 = chain(linear('c2.0'), relu, linear('c2.2'));
  const older = edges.map((edge) => closest(edges, edge, (j) => edge.j - j));
  const newer = edges.map((edge) => closest(edges, edge, (j) => j - edge.j));
  net = step(net, (x, e, all) => add(x, c1(older[e] === -1 ? zero : all[older[e]!]!)));
  net = step(net, (x, e, all) => add(x, c2(newer[e] === -1 ? zero : all[newer[e]!]!)));

  const softAggregate = (name: string, key: (edge: Edge) => string) => {
    const f = net.map(linear(`${name}.f`));
    const g = net.map(linear(`${name}.g`));
    const groups = new Map<string, number[]>();
    for (const [e, edge] of edges.entries()) groups.set(key(edge), [...(groups.get(key(edge)) ?? []), e]);
    for (const members of groups.values()) {
      const y = linear(`${name}.h`)(
        f[0]!.map((_, c) =>
          softmaxMean(
            members.map((e) => g[e]![c]!),
            members.map((e) => f[e]![c]!),
          ),
        ),
      );
      for (const e of members) net[e] = add(net[e]!, y);
    }
  };
  softAggregate('agg_kk', ({ k }) => `${k}`);
  softAggregate('agg_ij', ({ i, j }) => `${i} ${j}`);

  for (const [before, block] of [
    ['gru.0', 'gru.1'],
    ['gru.2', 'gru.3'],
  ] as const) {
    const gate = chain(linear(`${block}.gate.0`), sigmoid);
    const residual = chain(linear(`${block}.res.0`), relu, linear(`${block}.res.2`));
    net = net.map(norm(before)).map((x) => {
      const r = residual(x);
      return add(
        x,
        gate(x).map((v, c) => v * r[c]!),
      );
    });
  }
  return {
    hidden: net,
    delta: net.map(chain(relu, linear('d.1'))),
    weight: net.map(chain(relu, linear('w.1'), sigmoid)),
  };
}

function step(rows: Rows, change: (x: Row, e: number, all: Rows) => Row): Rows {
  return rows.map((x, e) => change(x, e, rows));
}

/** The edge of the same patch with the smallest positive distance, -1 = none. */
function closest(edges: Edge[], edge: Edge, distance: (j: number) => number): number {
  let best = -1;
  for (const [e, other] of edges.entries()) {
    if (other.k !== edge.k || distance(other.j) <= 0) continue;
    if (best === -1 || distance(other.j) < distance(edges[best]!.j)) best = e;
  }
  return best;
}

function softmaxMean(logits: number[], values: number[]): number {
  const maximum = Math.max(...logits);
  const shares = logits.map((v) => Math.exp(v - maximum));
  const total = shares.reduce((s, v) => s + v, 0);
  return shares.reduce((s, v, n) => s + v * values[n]!, 0) / total;
}
