// The page of bmsg: which view is shown, the keys, the door.
import {ask, failed, heading, make, session} from './base.js';
import {compose} from './compose.js';
import {help, press} from './keys.js';
import {watch} from './live.js';
import {inbox} from './mail.js';
import {outbox} from './outbox.js';
import {room, rooms} from './rooms.js';
import {message, talk} from './talk.js';
import {contact, contacts} from './people.js';
import {block, blocks, object} from './chain.js';
import {peers} from './peers.js';
import {proof} from './proof.js';
import {settings} from './settings.js';
import {status} from './status.js';

const main = document.getElementById('main');
const nav = document.getElementById('nav');
const leave = document.getElementById('leave');
const keys = document.getElementById('keys');
const views = {inbox, message, talk, compose, outbox, rooms, room, contacts, contact, blocks, block, object, proof, peers,
  settings, status};
// Which of the links above a view belongs to.
const parents = {message: 'inbox', talk: 'inbox', room: 'rooms', contact: 'contacts', block: 'blocks', object: 'blocks', proof: 'blocks'};
let shown = 0;  // Counts views, so that an answer that comes late is not shown in another.
let seen = '';  // What the store looked like when it was told last.
let pressed = false;  // A button of the mouse is down, or a finger.
let late = false;  // It has changed since, and that is not shown yet.

/** Shows the same view as it is now, as if nobody had asked. */
export const again = () => show(true, true);

/** Without a session: where the link comes from. */
function locked(error) {
  main.replaceChildren(heading('Locked'), error ? failed(error) : '',
    make('p', {}, 'A link opens this page once. bmsg web shows it where it was started, or writes it to the file of --link-file.'),
    make('p', {}, 'For another one: ', make('code', {}, 'kill -USR1 PID'), ' or start ', make('code', {}, 'bmsg web'), ' again.'));
  nav.hidden = leave.hidden = keys.hidden = true;
  document.getElementById('chain').textContent = '';
}

/** With a session, but the keys are closed. */
function closed(message) {
  const words = make('input', {id: 'words', type: 'password', class: 'form-control', autocomplete: 'current-password'});
  const fault = make('div', {}, message ? failed(message) : null);
  main.replaceChildren(heading('The keys are closed'), fault, make('form', {onsubmit: async (event) => {
    event.preventDefault();
    try {
      await ask('unlock', {passphrase: words.value});
      show();
    } catch (error) {
      fault.replaceChildren(failed(error));
    }
    words.value = '';
  }}, make('input', {hidden: true, autocomplete: 'username', value: 'bmsg'}),
    make('label', {class: 'form-label', for: 'words'}, 'Passphrase'), words,
    make('button', {class: 'btn btn-primary mt-3'}, 'Open')));
  words.focus();
}

function refuse(error) {
  if (error.status === 401) {
    const newest = localStorage.getItem('token');
    if (newest && newest !== session.token) {  // Somebody came in by another link, in this browser.
      session.token = newest;
      show();
      return;
    }
    session.token = '';
    localStorage.removeItem('token');
    locked();
  } else if (error.status === 423) {
    closed();
  } else {
    main.replaceChildren(failed(error));
  }
}

/** Shows what the address names; quietly if nobody asked for it, and then in nobody's way unless forced. */
async function show(quiet, forced) {
  const [name, rest] = (location.hash.slice(1) || 'inbox').split('/');
  if (name === 'main' || (quiet && name === 'compose')) return;
  if (quiet && main.hasAttribute('aria-busy')) {  // What somebody asked for comes first.
    late = true;
    return;
  }
  const view = views[name] || views.inbox;
  const mine = ++shown;
  if (!quiet) main.setAttribute('aria-busy', 'true');
  for (const link of nav.children) {
    if (link.hash === '#' + (parents[name] || name)) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  try {
    const content = await view({rest: rest || '', quiet: quiet ? '?quiet=1' : '', and: quiet ? '&quiet=1' : ''});
    if (mine !== shown) return;
    if (quiet && (forced ? isAsked() : isBusy())) {  // Since it was asked.
      late = true;
      return;
    }
    const at = main.contains(document.activeElement) ? document.activeElement.hash : '';
    main.replaceChildren(...content.flat(Infinity).filter((one) => one !== null));
    nav.hidden = leave.hidden = keys.hidden = false;
    if (content.after) onceSeen(content.after);
    document.title = main.querySelector('h1').textContent + ' · bmsg';
    if (!quiet) main.focus();
    else if (at) [...main.querySelectorAll('.row-link')].find((one) => one.hash === at)?.focus({preventScroll: true});
  } catch (error) {
    if (mine === shown && quiet && ![401, 423].includes(error.status)) tryLater();
    else if (mine === shown) refuse(error);
  }
  if (mine !== shown) return;
  main.removeAttribute('aria-busy');
  if (!quiet) refresh();
}

/** What counts as looked at, once the page is; not if another view is there by then. */
function onceSeen(after) {
  const place = location.hash;
  if (!document.hidden) after();
  else document.addEventListener('visibilitychange', () => { if (location.hash === place) after(); }, {once: true});
}

/** Whether somebody is asked whether he means it. */
const isAsked = () => main.querySelector('.question .btn-danger:enabled') !== null;

/** Whether somebody does something that a fresh view would take away. */
function isBusy() {
  const at = document.activeElement;
  if (pressed) return true;
  if (main.contains(at) && at !== main && !at.classList.contains('row-link')) return true;
  // Something runs, or has failed and was not read yet.
  if (main.querySelector('details[open] :is(input, textarea), button:disabled, [role=alert]')) return true;
  return [...main.querySelectorAll('input:not([type=checkbox], [type=radio], [type=file]), textarea')].some((one) => one.value !== one.defaultValue);
}

/** What is told of the store, after each change of it or every few seconds. */
function told(state, error, pushed) {
  if (error) return refuse(error);
  document.getElementById('chain').textContent = `${state.chain}, height ${state.height}`;
  const now = JSON.stringify([state.tip, state.pool, state.unread, state.outbox]);
  if (pushed || (seen && now !== seen)) late = true;
  seen = now;
  return refresh();
}

/** What is there stays while the store cannot be asked. */
function tryLater() {
  late = true;
  setTimeout(refresh, 1000);
}

/** Shows what is new, once nobody is held up by that. */
function refresh() {
  if (!late || !session.token || nav.hidden) return;
  const view = views[location.hash.slice(1).split('/')[0]];
  if (isBusy()) {
    if (view && view.renew) view.renew().catch(tryLater);
    return;
  }
  late = false;
  show(true);
}

/** Whoever writes is not idle, though nothing is asked meanwhile. */
let wrote = 0;
function write() {
  if (!session.token || Date.now() - wrote < 60000) return;
  wrote = Date.now();
  ask('state').catch(() => {});
}

async function begin() {
  const link = new URLSearchParams(location.hash.slice(1)).get('t');
  if (link) {
    history.replaceState(null, '', '/');
    try {
      const [entered] = await ask('enter', {token: link});
      session.token = entered.token;
      localStorage.setItem('token', session.token);
    } catch (error) {
      locked(error);
      return;
    }
  }
  if (session.token) show(); else locked();
}

/** Turns everybody away, here too; whoever could not be told to is told so. */
export async function lock() {
  try {
    await ask('leave', {});
  } catch (error) {
    if (error.status !== 401) {
      main.querySelector('#unlocked')?.remove();
      main.prepend(make('div', {id: 'unlocked'}, failed({message: 'Nothing was locked. ' + error.message, hint: error.hint})));
      return;
    }
  }
  refuse({status: 401});
}

leave.addEventListener('click', lock);
window.addEventListener('hashchange', () => {
  if (location.hash.startsWith('#t=')) begin(); else if (session.token) show();
});
document.addEventListener('keydown', (event) => session.token && press(event, main));
keys.addEventListener('click', help);
document.addEventListener('pointerdown', () => { pressed = true; });
for (const name of ['pointerup', 'pointercancel']) {
  document.addEventListener(name, () => {
    pressed = false;
    setTimeout(refresh, 300);
  });
}
main.addEventListener('focusout', () => setTimeout(refresh, 300));
document.addEventListener('input', write);
begin().then(() => watch(told));
