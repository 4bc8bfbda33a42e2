// «Show the proof»: what a receipt says, computed again here with the browser's own SHA-512.
// Source: bmsg-format(5), "Receipt", "Header", "Trees".
import {ask, heading, make, short, when} from './base.js';
import {command, copied, facts} from './form.js';

const hex = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, '0')).join('');
const number = (bytes) => bytes.reduce((sum, one) => sum * 256n + BigInt(one), 0n);
const fromHex = (text) => Uint8Array.from(text.match(/../g) || [], (two) => parseInt(two, 16));
const from64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

export async function hash(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-512', whole));
}

/** The parts of a receipt. */
export function parse(text) {
  const parts = {path: []};
  for (const row of text.split('\n').filter(Boolean)) {
    const at = row.indexOf(' ');
    const [key, value] = [row.slice(0, at), row.slice(at + 1)];
    if (key === 'path') parts.path.push(from64(value));
    else if (key === 'head' || key === 'header' || key === 'seal') parts[key] = from64(value);
    else parts[key] = value;
  }
  const header = parts.header;
  return {...parts, leaf: fromHex(parts.nonce), index: Number(parts.index), height: Number(number(header.slice(4, 8))),
    bits: Number(number(header.slice(16, 20))), size: Number(number(header.slice(20, 24))), root: header.slice(120, 184)};
}

/** The largest hash that shows the work of these bits; null if they name none. */
export function target(bits) {
  const exponent = bits >>> 24;
  const mantissa = BigInt(bits & 0x7fffff);
  if (exponent > 33) return null;
  const most = exponent > 3 ? mantissa << BigInt(8 * (exponent - 3)) : mantissa >> BigInt(8 * (3 - exponent));
  return most === 0n || most >= 1n << 256n ? null : most;
}

/** From a leaf up to the root, as RFC 9162 has it: what stands at each node, or null if the path does not fit. */
export async function climb(leaf, index, size, path) {
  const nodes = [];
  let [at, last, node] = [index, size - 1, leaf];
  for (const other of path) {
    if (last === 0) return null;
    const isRight = at % 2 === 1 || at === last;
    node = isRight ? await hash([1], other, node) : await hash([1], node, other);
    nodes.push({node, other, isRight});
    if (isRight) while (at % 2 === 0 && at !== 0) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? nodes : null;
}

/** Each step of the proof, and whether it holds. `wanted` is the message's id, `block` the hash that the store names. */
export async function steps(parts, wanted, block, chain) {
  const id = await hash(parts.head);
  const leaf = await hash([0], id, parts.leaf);
  const own = await hash(parts.header);
  const nodes = parts.index < parts.size ? await climb(leaf, parts.index, parts.size, parts.path) : null;
  const root = nodes ? nodes.length ? nodes.at(-1).node : leaf : null;
  const all = [
    {name: 'The bytes of the message have its id', made: hex(id), good: hex(id) === wanted},
    {name: 'They name this chain', made: hex(parts.head.slice(8, 16)),
      good: hex(parts.head.slice(8, 16)) === chain.slice(0, 16) && parts.chain === chain},
    {name: 'Id and stamp make the leaf', made: hex(leaf), good: hex(id) === wanted},
  ];
  (nodes || []).forEach((one, at) => all.push({
    name: `Node ${at + 1}: with the hash to its ${one.isRight ? 'left' : 'right'}, ${short(hex(one.other))}`, made: hex(one.node),
    good: hex(root) === hex(parts.root)}));
  all.push({name: nodes ? 'The last one is the root in the header' : 'The path fits a tree of so many messages',
    made: hex(parts.root), good: root !== null && hex(root) === hex(parts.root)});
  all.push({name: `The header has the hash of block ${parts.height}`, made: hex(own), good: hex(own) === block});
  if (parts.bits) {
    const most = target(parts.bits);
    all.push({name: 'Its first half, as a number, is at most the target: that is the work',
      made: hex(own.slice(0, 32)) + ' ≤ ' + (most === null ? 'none' : most.toString(16).padStart(64, '0')),
      good: most !== null && number(own.slice(0, 32)) <= most});
  } else {
    all.push({name: 'Endorsers signed the block; their signatures are for bmsg receipt verify to check',
      made: `${parts.seal[0] || 0} signatures`, good: parts.seal.length > 1});
  }
  return all;
}

const mark = (good) => make('span', {class: 'tick ' + (good ? 'good' : 'bad')}, make('span', {'aria-hidden': 'true'}, good ? '✓' : '✗'),
  make('span', {class: 'visually-hidden'}, good ? 'holds: ' : 'does not hold: '));

/** A copy of the parts with one bit of one of them turned. */
function turned(parts, which) {
  const copy = {...parts, head: parts.head.slice(), header: parts.header.slice(), path: parts.path.map((one) => one.slice())};
  const bytes = which === 'path' ? copy.path[0] : copy[which];
  bytes[which === 'header' ? 100 : bytes.length - 1] ^= 1;
  return {...copy, root: copy.header.slice(120, 184)};
}

function verdict(all) {
  const bad = all.filter((one) => !one.good).length;
  return make('p', {class: bad ? 'verdict bad' : 'verdict good', id: 'verdict'}, mark(!bad),
    bad ? `The proof does not hold: ${bad} of ${all.length} steps fail.` : `The proof holds: all ${all.length} steps.`);
}

export async function proof(path) {
  const [one] = await ask('receipt?id=' + encodeURIComponent(path.rest) + path.and);
  const [state] = await ask('state' + path.quiet);
  if (!window.isSecureContext) return [heading('Proof'), make('p', {class: 'empty'},
    'This browser computes nothing here, since it did not come by 127.0.0.1 or localhost. ', command('bmsg receipt', one.id.slice(0, 12)))];
  const parts = parse(one.text);
  const shown = make('div', {});
  const fault = make('div', {});
  const compute = async (given) => {
    const all = await steps(given, one.id, one.block.hash, state.chain_id);
    shown.replaceChildren(verdict(all), make('ol', {class: 'steps', 'aria-label': 'Steps of the proof'}, all.map((step) =>
      make('li', {}, mark(step.good), make('span', {}, step.name), make('div', {class: 'mono quiet'}, step.made)))));
  };
  await compute(parts);
  const which = make('select', {class: 'form-select form-select-sm', id: 'which'}, make('option', {value: 'head'}, 'the message'),
    parts.path.length ? make('option', {value: 'path'}, 'the path') : null, make('option', {value: 'header'}, 'the header'));
  return [heading('Proof'),
    make('p', {}, 'That this message stood in this block is computed here, in your browser, from bytes alone. Nobody has to be believed for it.'),
    facts([['Message', make('a', {class: 'mono', href: '#object/' + one.id}, short(one.id))],
      ['Block', make('a', {href: '#block/' + one.block.hash}, `${one.block.height}`)], ['Time', when(one.time)]]),
    shown, fault,
    make('div', {class: 'actions'}, make('label', {for: 'which'}, 'Turn one bit of'), which,
      make('button', {class: 'btn btn-sm btn-outline-secondary', type: 'button', onclick: () => compute(turned(parts, which.value))}, 'Turn'),
      make('button', {class: 'btn btn-sm btn-outline-secondary', type: 'button', onclick: () => compute(parts)}, 'As it was')),
    make('p', {class: 'quiet mt-3'}, 'The same in a terminal: ', command('bmsg receipt', one.id.slice(0, 12), '> FILE'), ' and ',
      command('bmsg receipt verify FILE'), '. '), copied('the receipt', one.text, fault)];
}
