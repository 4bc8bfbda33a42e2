// What waits to go, and why; and the search for a block that takes it.
import {ask, confirmed, empty, failed, heading, make, say, short, tag, when} from './base.js';
import {again} from './app.js';
import {seconds} from './files.js';
import {command, doing, remarks, twice} from './form.js';

let mining = null;  // The search that runs, as long as this page asked for it.

const rateText = (rate) => rate >= 1e6 ? `${(rate / 1e6).toFixed(1)} MH/s` : `${(rate / 1e3).toFixed(0)} kH/s`;

/** A rate, a mean and a bound: the search has no memory, so nobody can count down. */
function progressText(all) {
  const one = all.find((each) => each.phase === 'mine');
  if (!one || !one.rate) return 'Mining…';
  return `Mining: ${rateText(one.rate)}, ${seconds(one.elapsed_s)} so far; mean ${seconds(one.expected_s)}, 95 % within ${seconds(one.p95_s)}`;
}

async function follow(far) {
  while (mining && far.isConnected) {
    far.textContent = progressText(await ask('progress').catch(() => []));
    await new Promise((next) => setTimeout(next, 400));
  }
  far.textContent = '';
}

async function mine() {
  mining = ask('mine', {});
  try {
    const [made] = await mining;
    say(made.type === 'block' ? `Block ${made.height} was mined.` : made.ok ? 'There is nothing to mine.' : 'Stopped.');
  } finally {
    mining = null;
  }
}

function miner(fault) {
  const far = make('p', {class: 'quiet', id: 'far'});
  const stop = doing('Stop', 'outline-secondary', fault, () => ask('mine/stop', {}));
  const start = doing('Mine now', 'primary', fault, async () => {
    stop.hidden = false;
    requestAnimationFrame(() => follow(far));
    try {
      await mine();
    } finally {
      stop.hidden = true;
    }
    await again();
  });
  stop.hidden = !mining;
  start.disabled = Boolean(mining);
  if (mining) {
    requestAnimationFrame(() => follow(far));
    mining.then(() => again(), (error) => {
      fault.replaceChildren(failed(error));
      start.disabled = false;
      stop.hidden = true;
    });
  }
  return [start, stop, far];
}

function actions(one, fault) {
  const id = {id: one.id};
  const done = (told) => async (objects) => {
    remarks(objects);
    say(told);
    await again();
  };
  const all = [];
  if (['held', 'queued'].includes(one.state)) all.push(twice('Cancel', 'Take it back?', fault, () => ask('outbox/cancel', id).then(done('Taken back.'))));
  if (['held', 'failed'].includes(one.state)) all.push(doing('Retry', 'outline-secondary', fault, () => ask('outbox/retry', id).then(done('Tried again.'))));
  if (['failed', 'expired'].includes(one.state)) all.push(doing('Send again', 'outline-secondary', fault, () => ask('resend', id).then(done('Queued as a new message.'))));
  return all.length ? make('div', {class: 'actions'}, all) : null;
}

/** Whom it is for: a person knows that better by name. */
function whom(one, names, letter) {
  if (one.to.length) return one.to.map((to) => names.get(to) || short(to)).join(', ');
  return letter && letter.room ? 'Room ' + letter.room : 'Everybody';
}

function row(one, names, letter) {
  const fault = make('div', {});
  const bad = ['failed', 'expired'].includes(one.state);
  return make('li', {class: 'item'},
    make('div', {class: 'line'}, make('span', {}, whom(one, names, letter)), when(one.since)),
    letter && letter.subject ? make('div', {class: 'subject'}, letter.subject) : null,
    make('div', {}, tag(one.state, bad ? 'alarm' : '', 'State'),
      one.height === null ? null : tag(`block ${one.height}, ${confirmed(one)}`),
      one.reason ? make('span', {class: 'quiet'}, one.reason) : null),
    make('div', {}, one.state === 'held' ? make('span', {class: 'mono quiet'}, short(one.id))
      : make('a', {class: 'mono quiet', href: '#message/' + one.id}, short(one.id))),
    actions(one, fault), fault);
}

export async function outbox(path) {
  const [all, contacts, letters] = await Promise.all([ask('outbox' + path.quiet), ask('contacts' + path.quiet), ask('inbox' + path.quiet)]);
  const byId = new Map(letters.map((one) => [one.id, one]));
  const names = new Map(contacts.map((one) => [one.address, one.name]));
  const fault = make('div', {});
  const [start, stop, far] = miner(fault);
  const rows = all.reverse().map((one) => row(one, names, byId.get(one.id)));
  return [heading('Outbox', make('div', {class: 'actions'}, start, stop)), fault, far,
    rows.length ? [make('ul', {class: 'list', 'aria-label': 'Queued messages'}, rows),
      make('p', {class: 'quiet mt-3'}, command('bmsg outbox'), ' lists the same, ', command('bmsg mine'), ' mines.')]
      : empty('Nothing waits. To send something:', 'bmsg send NAME -m TEXT')];
}
