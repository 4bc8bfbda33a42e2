// The inbox: conversations, and what is found in them.
import {ask, empty, failed, heading, make, say, sender, short, tag, tags, when} from './base.js';
import {again} from './app.js';
import {command, line} from './form.js';
import {actsOf} from './keys.js';

const signs = {verified: '✓', known: '•', unknown: '?', blocked: '✕'};
const words = {verified: 'verified', known: 'known, not verified', unknown: 'unknown', blocked: 'blocked'};
const kinds = {verified: 'good', blocked: 'alarm'};
const filters = [['all', 'All'], ['unread', 'Unread'], ['archived', 'Archived'], ['public', 'Public']];

/** A shield with a word beside it. */
export const trustTag = (trust) => tag([make('span', {'aria-hidden': 'true'}, signs[trust] + ' '), words[trust]], kinds[trust], 'Trust');

/** How the address bar names a conversation. */
export const keyText = (one) => encodeURIComponent(one.kind + ':' + (one.name || ''));
export function readKey(text) {
  const [, kind, name] = /^(\w*):?(.*)$/s.exec(decodeURIComponent(text));
  return {kind, name};
}

export function nameOf(one) {
  if (one.kind === 'public') return 'Everybody';
  if (one.kind === 'room') return 'Room ' + one.name;
  if (one.kind === 'thread') return one.newest && one.newest.direction === 'out' ? 'Several' : one.newest && one.newest.from ? 'Not signed' : 'Anonymous';
  return one.title || short(one.name);
}

const firstWords = (one) => one.newest.subject || one.snippet || (one.files ? 'Files' : 'No text');

const of = (one, more) => ask(`conversation?kind=${one.kind}&name=${encodeURIComponent(one.name || '')}&count=1000${more}`);

/** Adds ("+archived") or takes away a flag of all of a conversation that a change would alter, however many these are. */
export async function markAll(one, change) {
  const others = `&${change[0] === '+' ? 'lacks' : 'has'}=${change.slice(1)}`;
  for (let all = await of(one, others), before; all.length && all[0].id !== before; all = await of(one, others)) {
    before = all[0].id;
    await ask('mark', {ids: all.map((each) => each.id), changes: [change]});
  }
}

/** Has the newest that came count as unread; one of ours where none did. */
export async function markUnread(one) {
  const all = await of(one, '');
  const newest = all.find((each) => each.direction !== 'out') || all[0];
  if (newest) await ask('mark', {ids: [newest.id], changes: ['+unread']});
}

/** What keys do with the conversation that has the focus. */
function acts(one, which) {
  const change = (flag, told) => async () => {
    try {
      await (flag === '+unread' ? markUnread(one) : markAll(one, flag));
      say(told);
      await again();
    } catch (error) {
      say(error.message);
    }
  };
  return {
    u: one.unread ? change('-unread', 'Marked as read.') : change('+unread', 'Marked as unread.'),
    e: which === 'archived' ? change('-archived', 'Back in the inbox.') : change('+archived', 'Archived.'),
  };
}

function row(one, which) {
  const out = one.newest.direction === 'out' ? 'You: ' : one.kind !== 'with' ? sender(one.newest) + ': ' : '';
  const link = make('a', {class: 'row-link', href: '#talk/' + keyText(one)},
    make('div', {class: 'line'},
      make('span', {}, nameOf(one), one.claims && !one.title ? make('span', {class: 'quiet'}, ' calls itself ' + one.claims) : null),
      when(one.newest.time)),
    make('div', {class: 'line'}, make('span', {class: 'subject'}, out + firstWords(one)),
      one.unread ? make('span', {class: 'badge-new'}, `${one.unread} unread`) : null),
    make('div', {}, one.kind === 'with' ? trustTag(one.trust || 'unknown') : null,
      one.kind === 'with' ? null : tags({...one.newest, room: null, public: false}), one.files ? tag(one.files === 1 ? '1 file' : one.files + ' files') : null));
  actsOf.set(link, acts(one, which));
  return make('li', {class: one.unread ? 'unread' : ''}, link);
}

function finder(typed) {
  const field = line({id: 'search', type: 'search', value: typed, 'data-focus': '/', placeholder: 'Words, or "a phrase"'});
  return make('form', {class: 'finder', role: 'search', onsubmit: (event) => {
    event.preventDefault();
    const wanted = field.value.trim();
    location.hash = wanted ? '#inbox/find:' + encodeURIComponent(wanted) : '#inbox';
  }}, make('label', {class: 'visually-hidden', for: 'search'}, 'Search in all messages'), field,
  make('button', {class: 'btn btn-sm btn-outline-secondary'}, 'Search'));
}

const tabs = (which) => make('nav', {class: 'tabs', 'aria-label': 'Which conversations'}, filters.map(([name, text]) =>
  make('a', {href: name === 'all' ? '#inbox' : '#inbox/' + name, 'aria-current': name === which ? 'true' : false}, text)));

async function found(path, typed) {
  const all = await ask('search?q=' + encodeURIComponent(typed) + path.and);
  const rows = all.map((one) => make('li', {}, make('a', {class: 'row-link', href: '#message/' + one.id},
    make('div', {class: 'line'}, make('span', {}, sender(one) + (one.direction === 'out' && one.to.length ? ' to ' + short(one.to[0]) : '')), when(one.time)),
    make('div', {class: 'subject'}, one.subject || 'No subject'), tags(one))));
  return [make('p', {class: 'quiet', role: 'status'}, `${all.length} found. `, command('bmsg search ' + typed)),
    rows.length ? make('ul', {class: 'list', 'aria-label': 'Messages found'}, rows) : null];
}

const nothing = {
  all: ['Nothing is here yet. What others sent comes with', 'bmsg sync'],
  unread: ['All was read. To look for more:', 'bmsg sync'],
  archived: ['Nothing is archived. To put something away:', 'bmsg mark +archived REF'],
  public: ['Nobody has written to everybody yet:', 'bmsg send --public -m TEXT'],
};

export async function inbox(path) {
  const rest = decodeURIComponent(path.rest);
  const typed = rest.startsWith('find:') ? rest.slice(5) : '';
  const which = nothing[rest] ? rest : 'all';
  const head = [heading('Inbox', finder(typed)), tabs(typed ? '' : which)];
  if (typed) {
    try {
      return [head, await found(path, typed)];
    } catch (error) {
      if (error.status !== 400) throw error;
      return [head, failed(error)];
    }
  }
  const all = await ask('conversations?which=' + which + path.and);
  return [head, all.length ? make('ul', {class: 'list', 'aria-label': 'Conversations'}, all.map((one) => row(one, which)))
    : empty(...nothing[which])];
}
