"use strict";
// The figures of a cut, as package split computes them: sheet is a split.Sheet, p the
// context of each node, k the number of contexts.
function measured(sheet, p, k) {
  const nodes = sheet.nodes, links = sheet.links || [], cases = sheet.cases || [], tx = sheet.tx || [], uses = sheet.uses || [], calls = sheet.calls || [];
  const atoms = nodes.filter(n => !n.table).length, own = nodes.map(n => !n.table && !n.common), domain = own.filter(x => x).length;
  const size = new Array(k).fill(0), inside = new Array(k).fill(0), kinds = new Array(k).fill(0), working = new Array(k).fill(0);
  own.forEach((x, i) => { if (x) size[p[i]]++; });
  let cross = 0, total = 0, pairs = 0, work = 0;
  const works = new Set();
  for (const [a, b, w] of links) {
    const v = Math.abs(w);
    total += v;
    if (w < 0) { work++; works.add(a); works.add(b); }
    if (p[a] === p[b]) { if (w < 0) inside[p[a]]++; } else { cross += v; if (w < 0) pairs++; }
  }
  for (const i of works) if (own[i]) working[p[i]]++;
  for (const c of cases) for (const q of new Set(c.filter(i => own[i]).map(i => p[i]))) kinds[q]++;
  let mixed = 0, loose = 0, extreme = 0, over = 0, alive = 0;
  const all = Math.log1p(cases.length), { few, large, hard, weights } = sheet.cost, most = Math.max(2 * few, large * domain);
  for (let q = 0; q < k; q++) {
    const n = size[q];
    if (!n) continue;
    alive++;
    if (all) mixed += n * Math.log1p(kinds[q]) / all;
    loose += 1 - (working[q] > 1 ? Math.min(1, inside[q] / (2 * (working[q] - 1))) : 0);
    if (n < few && domain > 2 * few) extreme += n * (few - n) / few; else if (n > most) extreme += n - most;
    over = Math.max(over, n / domain - hard);
  }
  mixed /= Math.max(1, domain); loose /= Math.max(1, alive); extreme /= Math.max(1, domain);
  const severed = total ? cross / total : 0;
  const wide = work ? pairs / work * Math.sqrt(Math.max(1, domain / 8) / alive) : 0;
  let cost = weights[0] * severed + weights[1] * mixed + weights[2] * wide + weights[3] * extreme + weights[4] * loose;
  if (alive > 1 && over > 0) cost += 4 * over;
  const owner = t => p[atoms + t];
  const span = tx.filter(ts => new Set(ts.map(owner)).size > 1).length;
  const touched = write => new Set(uses.filter(([a, t, w]) => !!w === write && p[a] !== owner(t)).map(([a, t]) => t + ":" + p[a])).size;
  const ops = new Set(calls.filter(([a, b]) => p[a] !== p[b]).map(([a, b, m]) => p[a] + ":" + m)).size;
  return { alive, cost, severed, span, writes: touched(true), reads: touched(false), ops };
}
