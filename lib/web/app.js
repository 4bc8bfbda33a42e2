// The page of bmsg: which view is shown, the keys, the door.
import {ask, failed, heading, make, session} from './base.js';
import {compose, inbox, message, outbox} from './mail.js';
import {contacts} from './people.js';
import {blocks} from './chain.js';
import {status} from './status.js';

const main = document.getElementById('main');
const nav = document.getElementById('nav');
const leave = document.getElementById('leave');
const views = {inbox, message, compose, outbox, contacts, blocks, status};
let shown = 0;  // Counts views, so that an answer that comes late is not shown in another.
let seen = '';  // What the store looked like when it was asked last.

/** Shows the same view as it is now, as if nobody had asked. */
export const again = () => show(true);

/** Without a session: where the link comes from. */
function locked(error) {
  main.replaceChildren(heading('Locked'), error ? failed(error) : '',
    make('p', {}, 'A link opens this page once. bmsg web shows it where it was started, or writes it to the file of --link-file.'),
    make('p', {}, 'For another one: ', make('code', {}, 'kill -USR1 PID'), ' or start ', make('code', {}, 'bmsg web'), ' again.'));
  nav.hidden = leave.hidden = true;
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
    session.token = '';
    localStorage.removeItem('token');
    locked();
  } else if (error.status === 423) {
    closed();
  } else {
    main.replaceChildren(failed(error));
  }
}

/** Shows what the address names; quietly if nobody asked for it. */
async function show(quiet) {
  const [name, rest] = (location.hash.slice(1) || 'inbox').split('/');
  if (name === 'main' || (quiet && name === 'compose')) return;
  const view = views[name] || views.inbox;
  const mine = ++shown;
  if (!quiet) main.setAttribute('aria-busy', 'true');
  for (const link of nav.children) {
    if (link.hash === '#' + name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  try {
    const content = await view({rest: rest || '', quiet: quiet ? '?quiet=1' : '', and: quiet ? '&quiet=1' : ''});
    if (mine !== shown) return;
    main.replaceChildren(...content.flat(Infinity).filter((one) => one !== null));
    nav.hidden = leave.hidden = false;
    document.title = main.querySelector('h1').textContent + ' · bmsg';
    if (!quiet) main.focus();
  } catch (error) {
    if (mine === shown) refuse(error);
  }
  if (mine === shown) main.removeAttribute('aria-busy');
}

/** Looks whether anything came; does not keep the page awake. */
async function look() {
  if (session.token && !document.hidden) {
    try {
      const [state] = await ask('state?quiet=1');
      document.getElementById('chain').textContent = `${state.chain}, height ${state.height}`;
      const now = [state.tip, state.pool.messages, state.unread].join();
      const busy = main.contains(document.activeElement) && document.activeElement !== main;
      if (seen && now !== seen && !busy) show(true);
      if (!busy) seen = now;
    } catch (error) {
      if (error.status === 401) refuse(error);
    }
  }
  setTimeout(look, 4000);
}

/** Whoever writes is not idle, though nothing is asked meanwhile. */
let wrote = 0;
function write() {
  if (!session.token || Date.now() - wrote < 60000) return;
  wrote = Date.now();
  ask('state').catch(() => {});
}

function press(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = [...main.querySelectorAll('.row-link')];
  const at = rows.indexOf(document.activeElement);
  if (event.key === 'j' && rows.length) rows[Math.min(at + 1, rows.length - 1)].focus();
  if (event.key === 'k' && rows.length) rows[Math.max(at - 1, 0)].focus();
  if (event.key === 'r') main.querySelector('a[href="#compose"]')?.click();
  if (event.key === 'c') location.hash = '#compose';
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

leave.addEventListener('click', async () => {
  await ask('leave', {}).catch(() => {});
  refuse({status: 401});
});
window.addEventListener('hashchange', () => {
  if (location.hash.startsWith('#t=')) begin(); else if (session.token) show();
});
document.addEventListener('keydown', press);
document.addEventListener('input', write);
begin().then(look);
