// The views of the chain: its blocks and branches, one block, one message as strangers see it.
import {ask, confirmed, empty, heading, make, say, short, tag, when} from './base.js';
import {command, doing, facts, failedIn, line, section} from './form.js';
import {draw, drawing} from './svg.js';

const states = {buried: 'good', confirmed: 'good', forgotten: 'alarm', expired: 'alarm'};
const means = {pending: 'waits for a block', confirmed: 'in a block', buried: 'deep below the tip',
  expired: 'its time has run out', forgotten: 'its text was dropped here, its proof was kept', absent: 'its text is not here'};
const kinds = ['public', 'sealed', 'sealed', 'piece of a file', 'new rules'];

let below = [];  // What «Older» brought, as long as the view is not left.

const many = (count, one, more) => `${count} ${count === 1 ? one : more}`;
const number = (value) => new Intl.NumberFormat(undefined, {maximumSignificantDigits: 3, notation: 'compact'}).format(value);
const table = (label, head, rows) => make('div', {class: 'table-responsive', tabindex: 0, role: 'region', 'aria-label': label},
  make('table', {class: 'table'}, make('thead', {}, make('tr', {}, head)), make('tbody', {}, rows)));
const column = (text, kind) => make('th', {scope: 'col', class: kind}, text);

/** Bars: seconds from block to block. Line: the work of each. */
function chart(all) {
  const chain = all.filter((one) => one.height > 0).reverse();
  if (chain.length < 3) return make('p', {class: 'quiet'}, 'Three blocks make the first chart.');
  const gaps = chain.slice(1).map((one, at) => one.unix - chain[at].unix);
  const works = chain.slice(1).map((one) => Number(one.work));
  const [longest, most] = [Math.max(...gaps, 1), Math.max(...works)];
  const [width, height, rim] = [600, 120, 4];
  const step = (width - 2 * rim) / gaps.length;
  const y = (share) => height - rim - share * (height - 2 * rim);
  const mean = gaps.reduce((sum, one) => sum + one, 0) / gaps.length;
  const isMined = most > 0;
  const words = `Of the last ${gaps.length + 1} blocks: ${number(mean)} s from one to the next on average, ${number(longest)} s at most` +
    (isMined ? `; work of a block from ${number(Math.min(...works))} to ${number(most)} hashes.` : '; endorsers sign them, so there is no work.');
  const points = works.map((one, at) => `${(rim + (at + 0.5) * step).toFixed(1)},${y(one / most * 0.9).toFixed(1)}`);
  return make('figure', {class: 'chart'}, drawing(width, height, 'plot', words, {preserveAspectRatio: 'none'},
    gaps.map((gap, at) => draw('rect', {x: (rim + at * step).toFixed(1), y: y(gap / longest * 0.75).toFixed(1), width: Math.max(step - 1, 0.5).toFixed(1),
      height: (height - rim - y(gap / longest * 0.75)).toFixed(1), class: 'bar-of-time'})),
    isMined ? draw('polyline', {points: points.join(' '), class: 'line-of-work'}) : null),
  make('figcaption', {class: 'quiet'}, make('span', {class: 'key time'}), ' time between blocks ',
    isMined ? [make('span', {class: 'key work'}), ' work of each '] : null, make('br', {}), words));
}

/** Columns of dots: the best chain to the left, what lies beside it to the right. */
function graph(all, sides) {
  if (!sides.length) return make('p', {class: 'quiet'}, 'No block lies beside the best chain here. ', command('bmsg log --graph --all'));
  const branches = [];
  for (const one of sides) {
    const last = branches.at(-1);
    if (last && last.at(-1).prev === one.hash) last.push(one); else branches.push([one]);
  }
  const listed = branches.slice(0, 8);
  const top = Math.max(all[0].height, ...listed.map((one) => one[0].height));
  const bottom = Math.max(0, top - 24, Math.min(...listed.map((one) => one.at(-1).height)) - 1);
  const [gap, left] = [24, 16];
  const x = (at) => left + at * gap;
  const y = (height) => 14 + (top - height) * gap;
  const dot = (one, at) => draw('a', {href: '#block/' + one.hash, 'aria-label': `Block ${one.height}, ${at ? 'beside' : 'on'} the best chain`},
    draw('circle', {cx: x(at), cy: y(one.height), r: 7, class: at ? 'dot side' : 'dot'}));
  const main = all.filter((one) => one.height >= bottom);
  const marks = [draw('path', {d: `M${x(0)} ${y(main[0].height)}V${y(bottom)}`, class: 'wire'})];
  listed.forEach((branch, at) => {
    const foot = branch.at(-1).height;
    marks.push(draw('path', {d: `M${x(0)} ${y(foot - 1)}L${x(at + 1)} ${y(foot)}V${y(branch[0].height)}`, class: 'wire'}));
    marks.push(branch.filter((one) => one.height >= bottom).map((one) => dot(one, at + 1)));
  });
  marks.push(main.map((one) => [dot(one, 0), draw('text', {x: x(listed.length + 1), y: y(one.height) + 5, class: 'label'}, String(one.height))]));
  const width = x(listed.length + 1) + 60;
  const drawn = draw('svg', {viewBox: `0 0 ${width} ${y(bottom) + 16}`, width, height: y(bottom) + 16, class: 'graph', role: 'group',
    'aria-label': 'Branches of the chain'}, marks);
  const rows = listed.map((branch) => make('li', {}, many(branch.length, 'block', 'blocks') + ` from height ${branch.at(-1).height} to `,
    make('a', {href: '#block/' + branch[0].hash}, `${branch[0].height}:${branch[0].hash.slice(-8)}`)));
  return make('div', {class: 'beside'}, make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Branches, drawn'}, drawn),
    make('div', {}, make('p', {}, many(branches.length, 'branch lies', 'branches lie') + ' beside the best chain:'), make('ul', {}, rows)));
}

function search() {
  const fault = make('div', {});
  const input = line({id: 'find', type: 'search', required: true, placeholder: '1482, tip, or the beginning of an id'});
  return make('form', {class: 'search', role: 'search', onsubmit: failedIn(fault, async () => {
    const [found] = await ask('find?ref=' + encodeURIComponent(input.value.trim()));
    location.hash = (found.kind === 'block' ? '#block/' : '#object/') + found.id;
  })}, fault, make('label', {class: 'form-label', for: 'find'}, 'Block by height or hash, message by id'),
  make('div', {class: 'actions'}, input, make('button', {class: 'btn btn-primary'}, 'Find')));
}

// It stays when the view is drawn anew: the check goes on.
let checked = null;

function checking() {
  if (checked) return checked;
  const shown = make('div', {role: 'status'});
  const fault = make('div', {});
  const bar = make('progress', {max: 1, value: 0, hidden: true, 'aria-label': 'Blocks checked'});
  const stop = make('button', {type: 'button', class: 'btn btn-sm btn-outline-secondary', hidden: true,
    onclick: () => ask('verify/stop', {}).catch((error) => say(error.message))}, 'Stop');
  const look = async () => {
    const [status] = await ask('verify?quiet=1').catch(() => []);
    if (!status || stop.hidden) return;
    bar.max = status.total || 1;
    bar.value = status.done;
    shown.textContent = status.total ? `${status.done} of ${status.total} blocks…` : 'Checking…';
  };
  const run = (depth) => async () => {
    stop.hidden = bar.hidden = false;
    bar.removeAttribute('value');
    shown.textContent = 'Checking…';
    const timer = setInterval(look, 300);
    try {
      const told = await ask('verify/start', {depth});
      const faults = told.filter((one) => one.type === 'fault');
      const sum = told.find((one) => one.type === 'summary');
      shown.replaceChildren(make('p', {class: sum.ok ? 'verdict good' : 'verdict bad'}, sum.ok
        ? `✓ ${many(sum.blocks, 'block', 'blocks')} and ${many(sum.messages, 'message', 'messages')} keep every rule, in ${sum.elapsed_s.toFixed(2)} s. Tip ${sum.height}:${sum.tip.slice(-8)}.`
        : `✗ ${many(faults.length, 'fault', 'faults')}. bmsg repair --from-peer URL fetches anew what is damaged.`),
      faults.length ? make('ul', {}, faults.slice(0, 20).map((one) => make('li', {}, `Height ${one.height}, ${one.kind}: ${one.detail}`))) : '');
    } catch (error) {
      shown.textContent = '';
      throw error;
    } finally {
      clearInterval(timer);
      stop.hidden = bar.hidden = true;
    }
  };
  checked = section('Check the chain', fault, make('div', {class: 'actions'},
    doing('Verify', 'primary', fault, run('quick')), doing('Verify every byte', 'outline-secondary', fault, run('full')), stop, bar), shown,
  make('p', {class: 'quiet'}, command('bmsg verify'), ' checks headers, links and work, ', command('bmsg verify --full'), ' every message, too.'));
  return checked;
}

async function waiting(path) {
  const all = await ask('pool' + path.quiet);
  return section('Waiting for a block', all.length ? make('ul', {class: 'list', 'aria-label': 'Waiting messages'}, all.map(row))
    : make('p', {class: 'quiet'}, 'Nothing waits. ', command('bmsg ls-pool')));
}

const text = (one) => one.body === null || one.body === undefined ? '' : one.body.slice(0, 200);

/** A message in a list. */
const row = (one) => make('li', {}, make('a', {class: 'row-link', href: '#object/' + one.id},
  make('div', {class: 'line'}, make('span', {class: 'mono'}, short(one.id)), when(one.time)),
  tag(one.state, states[one.state], 'State'), tag(kinds[one.suite] || `suite ${one.suite}`),
  one.public ? make('div', {class: 'subject'}, one.subject || text(one)) : null));

export async function blocks(path) {
  const newest = await ask('blocks' + path.quiet);
  const sides = await ask('branches' + path.quiet);
  if (!path.quiet) below = [];
  const lowest = newest.at(-1).height;
  const all = newest.concat(below.filter((one) => one.height < lowest));
  const line = (one) => make('tr', {}, make('td', {}, make('a', {href: '#block/' + one.hash}, String(one.height))), make('td', {}, when(one.time)),
    make('td', {class: 'text-end'}, String(one.messages)), make('td', {class: 'text-end d-none d-sm-table-cell'}, String(one.size)),
    make('td', {class: 'mono ps-3'}, '…' + one.hash.slice(-8)));
  const body = all.map(line);
  const fault = make('div', {});
  const shown = table('Blocks', [column('Height'), column('Time'), column('Messages', 'text-end'),
    column('Bytes', 'text-end d-none d-sm-table-cell'), column('Hash', 'ps-3')], body);
  const older = doing('Older', 'outline-secondary', fault, async () => {
    const last = below.at(-1) || newest.at(-1);
    const more = await ask('blocks?below=' + last.height);
    below = below.concat(more);
    shown.querySelector('tbody').append(...more.map(line));
    older.hidden = !more.length || more.at(-1).height === 0;
  });
  older.hidden = all.at(-1).height === 0;
  return [heading('Chain'), search(), section('Time and work', chart(newest)), section('Branches', graph(newest, sides)),
    checking(), await waiting(path), section('Blocks', shown, fault, older, make('p', {class: 'quiet mt-2'}, command('bmsg log')))];
}

export async function block(path) {
  const [one, header, ...messages] = await ask('block?ref=' + encodeURIComponent(decodeURIComponent(path.rest)) + path.and);
  const mono = (value) => make('span', {class: 'mono'}, value);
  const isGenesis = one.height === 0;
  return [heading(`Block ${one.height}`, make('div', {class: 'actions'},
    isGenesis ? null : make('a', {class: 'btn btn-sm btn-outline-secondary', href: '#block/' + one.prev}, 'Before'),
    one.branch === 'main' ? make('a', {class: 'btn btn-sm btn-outline-secondary', href: '#block/' + (one.height + 1)}, 'After') : null)),
  one.branch === 'main' ? null : make('p', {}, tag('beside the best chain', 'alarm')),
  facts([['Hash', mono(one.hash)], ['Before it', isGenesis ? 'nothing: it begins the chain' : mono(one.prev)],
    ['Time', new Date(one.time).toLocaleString()], ['Root', mono(one.root)], ['Past', mono(one.past)], ['Rules', mono(one.rules)],
    ['Bits', mono(one.bits)], ['Nonce', mono(one.nonce)], ['Work', one.seals ? `${one.seals} seals` : one.work], ['In all', one.total_work],
    ['Messages', `${one.messages}, ${one.size} bytes`]]),
  section('Header', make('div', {class: 'hex mono', tabindex: 0, role: 'region', 'aria-label': 'Bytes of the header'}, header.bytes),
    make('p', {class: 'quiet'}, '256 bytes; their SHA-512 is the hash. ', command('bmsg cat', `${one.height}:${one.hash.slice(-8)}`))),
  section('Messages', messages.length ? make('ul', {class: 'list', 'aria-label': 'Messages of the block'}, messages.map(row))
    : make('p', {class: 'quiet'}, 'This block has none.'),
  make('p', {class: 'quiet mt-2'}, command('bmsg show', `${one.height}:${one.hash.slice(-8)}`)))];
}

export async function object(path) {
  const [one] = await ask('chained?ref=' + encodeURIComponent(decodeURIComponent(path.rest)) + path.and);
  const mono = (value) => make('span', {class: 'mono'}, value);
  const isIn = one.height !== null && one.confirmations > 0;
  return [heading(one.public && one.subject ? one.subject : 'Message on the chain', isIn
    ? make('a', {class: 'btn btn-sm btn-primary', href: '#proof/' + one.id}, 'Show the proof') : null),
  make('p', {}, tag(one.state, states[one.state], 'State'), make('span', {class: 'quiet'}, means[one.state] || '')),
  facts([['Id', mono(one.id)], ['Kind', kinds[one.suite] || `suite ${one.suite}`],
    ['Block', one.height === null ? 'none yet' : make('a', {href: '#block/' + one.block}, `${one.height}, ${confirmed(one)}`)],
    ['Written', new Date(one.time).toLocaleString()], ['Expires', new Date(one.expires).toLocaleString()],
    ['Forgotten', one.dropped ? new Date(one.dropped).toLocaleString() : null], ['Topic', mono(one.topic)], ['Bytes', String(one.size)],
    ['From', one.public ? one.from ? mono(one.from) : 'nobody says' : null], ['Signature', one.public ? one.signature : null]]),
  one.public ? make('div', {class: 'body'}, one.body === null ? '(no text)' : one.body)
    : make('p', {class: 'quiet'}, 'Whoever has no key sees no more of it. ', make('a', {href: '#message/' + one.id}, 'Open it'), ' if it is yours.'),
  make('p', {class: 'quiet'}, command('bmsg show', one.id.slice(0, 12)))];
}
