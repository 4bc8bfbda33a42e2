// One conversation, and one message of it.
import {ask, empty, heading, make, say, sender, short, stand, tags, when} from './base.js';
import {again} from './app.js';
import {counted, draftLink, onceKey} from './compose.js';
import {savers} from './files.js';
import {command, doing, facts, failedIn} from './form.js';
import {markAll, markUnread, nameOf, readKey, trustTag} from './mail.js';

const kept = {key: '', count: 50, fill: null};  // The conversation that is shown.
const answers = new Map();  // What was written and not sent, by conversation.
const shown = () => document.getElementById('talk')?.dataset.talk;

/** Where one of ours is on its way; of others, in which block it stands. */
function state(one, queued) {
  const own = queued.get(one.id);
  if (one.block) return stand(one) + (own && own.state === 'read' ? ', read' : '');
  if (!own) return one.direction === 'out' ? 'on its way' : 'in no block yet';
  return own.state + (own.reason ? ': ' + own.reason : '');
}

function bubble(one, queued, alone) {
  const mine = one.direction === 'out';
  const who = alone || mine ? null : make('strong', {}, sender(one), ' ');
  const unsaid = one.body === null ? `(${one.size} bytes that are no text)` : '(its text is not here)';
  return make('li', {class: 'bubble ' + (mine ? 'mine' : 'theirs'), 'data-id': one.id},
    make('div', {class: 'line'}, make('span', {}, who || make('span', {class: 'visually-hidden'}, sender(one))), when(one.time)),
    one.subject ? make('div', {class: 'subject'}, one.subject) : null,
    make('div', {class: 'said'}, one.body === null || one.body === undefined ? unsaid : one.body),
    savers(one), make('div', {}, tags(one).slice(alone && !mine ? 1 : 0)),
    make('div', {class: 'foot'}, one.flags.includes('unread') ? make('span', {class: 'badge-new'}, 'new') : null,
      make('span', {}, state(one, queued)),
      one.block ? make('a', {href: '#proof/' + one.id}, 'Verify', make('span', {class: 'visually-hidden'}, ' message ' + short(one.id))) : null,
      make('a', {href: '#message/' + one.id}, 'Details', make('span', {class: 'visually-hidden'}, ' of message ' + short(one.id)))));
}

/** Whom an answer goes to; null: nobody is known. */
function target(key, all) {
  if (key.kind === 'with') return {to: [key.name]};
  if (key.kind === 'room') return {to: [key.name]};
  if (key.kind === 'public') return {to: [], public: true};
  const last = all.find((one) => one.direction === 'out') || all[0];
  if (last && last.direction === 'out') return {to: last.to};
  return last && last.from ? {to: [last.from]} : null;
}

/** Read is what a person has before them, not what comes while nobody looks. */
async function settle(all) {
  const unread = all.filter((one) => one.flags.includes('unread'));
  for (const one of unread) await ask('read', {id: one.id}).catch((error) => say(error.message));
}

function settleLater(all, key) {
  if (!all.some((one) => one.flags.includes('unread'))) return;
  const on = ['pointerdown', 'keydown'];
  const act = () => {
    on.forEach((name) => document.removeEventListener(name, act));
    if (shown() === key) settle(all);
  };
  on.forEach((name) => document.addEventListener(name, act));
}

const asked = (key, and) => ask(`conversation?kind=${key.kind}&name=${encodeURIComponent(key.name)}&count=${kept.count}` + and);

/** The same letter by the same key until it is known to be queued: a connection may break after that. */
async function answer(key, now, field, mine) {
  const [last] = now.all;
  const text = JSON.stringify([target(key, now.all), field.value]);
  if (mine.once?.text !== text) {
    const wish = {...target(key, now.all), body: field.value, reply_to: last ? last.id : '', key: onceKey()};
    mine.once = {text, wish};
  }
  const {wish} = mine.once;
  await ask('send', wish);
  mine.once = null;
  if (mine.body === wish.body) mine.body = '';  // Else somebody goes on writing.
  const at = field.isConnected ? field : shown() === now.path ? document.getElementById('answer') : null;
  if (at && at.value === wish.body) {
    at.value = '';
    at.dispatchEvent(new Event('input'));
  }
  say('Queued.');
  if (kept.fill) await kept.fill();
}

function replyForm(key, now, person) {
  const {all} = now;
  const given = target(key, all);
  const mine = answers.get(now.path) || {body: '', once: null};
  answers.set(now.path, mine);
  if (!given) return make('p', {class: 'quiet'}, 'Who wrote this did not sign it, so there is nobody to answer to.');
  const fault = make('div', {});
  const count = make('span', {class: 'form-text', 'aria-live': 'off'});
  const field = make('textarea', {id: 'answer', class: 'form-control', rows: 3, required: true, 'data-focus': 'r',
    oninput: () => {
      mine.body = field.value;
      counted(field.value, count);
    }});
  field.value = mine.body;
  counted(field.value, count);
  const send = make('button', {class: 'btn btn-primary btn-sm'}, key.kind === 'public' ? 'Post' : 'Send');
  const more = draftLink({class: 'btn btn-outline-secondary btn-sm'}, () => {
    mine.body = '';  // It goes on there.
    return {...given, names: person ? [person.name] : given.to, body: field.value, reply_to: all[0] ? all[0].id : '',
      subject: all[0] && all[0].subject ? 'Re: ' + all[0].subject.replace(/^Re: /, '') : ''};
  }, 'With files and more');
  const warning = key.kind === 'with' && person && person.trust === 'known'
    ? make('p', {class: 'quiet'}, `Nobody has compared words with ${person.name} yet: `, make('a', {href: '#contact/' + encodeURIComponent(person.name)}, 'verify'), '.')
    : key.kind === 'with' && !person ? make('p', {class: 'quiet'}, 'This address is none of your contacts: ', command('bmsg contact add NAME ' + key.name.slice(0, 16) + '…')) : null;
  return make('form', {class: 'answer', onsubmit: failedIn(fault, async () => {
    send.disabled = true;
    await answer(key, now, field, mine).finally(() => { send.disabled = false; });
  })}, fault, make('label', {class: 'form-label', for: 'answer'}, key.kind === 'public' ? 'Answer for everybody to read' : 'Answer'), field,
  warning, make('div', {class: 'actions'}, send, more, count));
}

/** `mark` changes a flag of what is meant. */
function actions(archived, mark, fault, trust) {
  const act = (change, told) => async () => {
    await mark(change);
    say(told);
    location.hash = '#inbox';
  };
  const unread = doing('Mark unread', 'outline-secondary', fault, act('+unread', 'Marked as unread.'));
  const archive = doing(archived ? 'Back to the inbox' : 'Archive', 'outline-secondary', fault,
    act(archived ? '-archived' : '+archived', archived ? 'Back in the inbox.' : 'Archived.'));
  unread.dataset.key = 'u';
  archive.dataset.key = 'e';
  return make('div', {class: 'actions'}, trust, unread, archive);
}

export async function talk(path) {
  const key = readKey(path.rest);
  if (kept.key !== path.rest) kept.count = 50;
  kept.key = path.rest;
  const [all, contacts, outbox] = await Promise.all([asked(key, path.and), ask('contacts' + path.quiet), ask('outbox' + path.quiet)]);
  const person = contacts.find((one) => key.kind === 'with' && one.address === key.name && one.kind === 'person');
  const title = nameOf({...key, title: person ? person.name : null});
  const nothing = empty('Nothing was written here yet.', key.kind === 'room' ? 'bmsg send ROOM -m TEXT' : 'bmsg send NAME -m TEXT');
  const now = {all, path: path.rest};
  const bubbles = (found, queued) => {
    now.all = found;
    const byId = new Map(queued.map((one) => [one.id, one]));
    return found.length ? make('ol', {class: 'talk', 'aria-label': 'Messages, oldest first'},
      [...found].reverse().map((one) => bubble(one, byId, key.kind === 'with'))) : nothing;
  };
  const place = make('div', {id: 'talk', 'data-talk': path.rest}, bubbles(all, outbox));
  const fill = async () => {
    const {count} = kept;
    const [found, queued] = await Promise.all([asked(key, '&quiet=1'), ask('outbox?quiet=1')]);
    if (shown() !== path.rest || count !== kept.count) return;  // Somebody wants to see more by now.
    document.getElementById('talk').replaceChildren(bubbles(found, queued));  // Whichever of this view is shown.
    settleLater(found, path.rest);
  };
  const after = () => {
    kept.fill = fill;
    if (path.quiet) settleLater(all, path.rest); else settle(all);
  };
  const fault = make('div', {});
  const older = all.length < kept.count ? null : make('div', {class: 'text-center mb-2'}, doing('Older', 'outline-secondary', fault, async () => {
    kept.count += 100;
    await again();
  }));
  if (!path.quiet) requestAnimationFrame(() => place.querySelector('.bubble:last-child')?.scrollIntoView({block: 'nearest'}));
  const trust = key.kind === 'with' ? trustTag(person ? person.trust : 'unknown') : null;
  const mark = (change) => change === '+unread' ? markUnread(key) : markAll(key, change);
  return Object.assign([heading(title, all.length ? actions(all.every((one) => one.flags.includes('archived')), mark, fault, trust) : trust),
    fault, older, place, replyForm(key, now, person)], {after});
}
/** While somebody writes, only what was said is shown anew. */
talk.renew = async () => { if (kept.fill) await kept.fill(); };

export async function message(path) {
  const [one] = await ask('message?id=' + encodeURIComponent(path.rest) + path.and);
  const fault = make('div', {});
  const reply = draftLink({class: 'btn btn-primary btn-sm', 'data-key': 'r'}, () => ({
    to: one.public ? [] : one.room ? [one.room] : [one.from], public: one.public, reply_to: one.id,
    subject: one.subject ? 'Re: ' + one.subject.replace(/^Re: /, '') : ''}), 'Reply');
  const mark = (change) => ask('mark', {ids: [one.id], changes: [change]});
  return Object.assign([heading(one.subject || 'Message', one.from && one.direction !== 'out' ? reply : null, actions(one.flags.includes('archived'), mark, fault)), fault,
    facts([['From', one.direction === 'out' ? 'You' : (one.from_name ? one.from_name + ' ' : '') + (one.from || 'anonymous')],
      ['To', one.public ? 'everybody' : one.room ? 'room ' + one.room : one.to.join(', ')],
      ['Date', new Date(one.time).toLocaleString()], ['Expires', new Date(one.expires).toLocaleString()],
      ['State', one.block ? [stand(one), ' ', make('a', {href: '#proof/' + one.id}, 'Verify')] : stand(one)],
      ['Signature', one.signature], ['Flags', one.flags.length ? one.flags.join(', ') : null],
      ['Id', make('span', {class: 'mono'}, one.id)]]),
    make('div', {}, tags(one)),
    make('div', {class: 'body'}, one.body === null ? `(${one.size} bytes that are no text)` : one.body), savers(one)], {after: () => path.quiet || settle([one])});
}
