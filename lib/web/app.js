// The page of bmsg. Everything that a stranger wrote goes in as text, never as markup.
'use strict';

const main = document.getElementById('main');
const nav = document.getElementById('nav');
const told = document.getElementById('told');
const leave = document.getElementById('leave');
let token = localStorage.getItem('token') || '';
let shown = 0;       // Counts views, so that an answer that comes late is not shown in another.
let seen = '';       // What the store looked like when it was asked last.
let draft = {};      // What Reply gives to Compose.

/** An element with attributes, handlers ("onclick") and children, texts among them. */
function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) made.append(child);
  }
  return made;
}

class Failure extends Error {
  constructor(object, status) {
    super(object.message || 'The program does not answer.');
    this.name = object.name || '';
    this.hint = object.hint || '';
    this.status = status;
  }
}

/** The objects that one question brings; a body makes it a change. */
async function ask(path, body) {
  const headers = {'X-Bmsg-Token': token};
  const options = {headers, credentials: 'same-origin', cache: 'no-store'};
  if (body !== undefined) {
    options.method = 'POST';
    options.body = JSON.stringify(body);
    headers['Content-Type'] = 'application/json';
  }
  let answer;
  try {
    answer = await fetch('/api/' + path, options);
  } catch {
    throw new Failure({message: 'bmsg web does not run any more.', hint: 'bmsg web --open'}, 0);
  }
  const objects = (await answer.text()).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  if (!answer.ok) throw new Failure(objects[0] || {}, answer.status);
  return objects;
}

function say(text) {
  told.textContent = text;
  setTimeout(() => { if (told.textContent === text) told.textContent = ''; }, 6000);
}

function failed(error) {
  return make('div', {class: 'failed', role: 'alert'}, error.message,
              error.hint ? make('div', {}, make('code', {}, error.hint)) : null);
}

function empty(text, command) {
  return make('p', {class: 'empty'}, text + ' ', make('code', {}, command));
}

function when(time) {
  const date = new Date(time);
  const today = new Date().toDateString() === date.toDateString();
  const options = today ? {timeStyle: 'short'} : {dateStyle: 'medium'};
  return make('time', {datetime: time, title: date.toLocaleString()},
              new Intl.DateTimeFormat(undefined, options).format(date));
}

const short = (id) => id ? id.slice(0, 16) + '…' : '';
const sender = (one) => one.direction === 'out' ? 'You' : one.from_name || short(one.from) || 'Anonymous';

/** One word in a frame; whoever hears it is told what it is about. */
function tag(text, kind, about) {
  return make('span', {class: 'tag ' + (kind || '')},
              about ? make('span', {class: 'visually-hidden'}, about + ': ') : null, text);
}

/** A word as a shell reads it, for a command that somebody copies. */
const quoted = (word) => /^[\w.@-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'";

function tags(one) {
  const kinds = {verified: 'good', blocked: 'alarm'};
  const all = one.direction === 'out' ? [] : [tag(one.trust, kinds[one.trust], 'Trust')];
  if (one.public) all.push(tag('public'));
  if (one.room) all.push(tag('room ' + one.room));
  if (one.direction !== 'out' && one.signature !== 'good') all.push(tag('signature ' + one.signature, 'alarm'));
  return all.concat(one.marks.map((mark) => tag(mark, 'alarm')));
}

const confirmed = (one) => `${one.confirmations} confirmation${one.confirmations === 1 ? '' : 's'}`;

function stand(one) {
  return one.block ? `block ${one.block.height}, ${confirmed(one)}` : 'in no block yet';
}

const heading = (text, ...more) => make('div', {class: 'head'}, make('h1', {}, text), ...more);

const views = {
  async inbox(path) {
    const all = await ask('inbox' + path.quiet);
    const rows = all.filter((one) => !one.flags.includes('archived')).map((one) =>
      make('li', {class: one.flags.includes('unread') ? 'unread' : ''},
           make('a', {class: 'row-link', href: '#message/' + one.id},
                make('div', {class: 'line'},
                     make('span', {}, sender(one) + (one.flags.includes('unread') ? ' (unread)' : '')),
                     when(one.time)),
                make('div', {class: 'subject'}, one.subject || short(one.id)),
                tags(one))));
    return [heading('Inbox'), rows.length ? make('ul', {class: 'list', 'aria-label': 'Messages'}, rows)
      : empty('Nothing is here yet. What others sent comes with', 'bmsg sync')];
  },

  async message(path) {
    const [one] = await ask('message?id=' + encodeURIComponent(path.rest) + path.and);
    if (one.flags.includes('unread')) ask('read', {id: one.id}).catch((error) => say(error.message));
    const facts = [['From', one.direction === 'out' ? 'You' : (one.from_name ? one.from_name + ' ' : '') + (one.from || 'anonymous')],
      ['To', one.public ? 'everybody' : one.room ? 'room ' + one.room : one.to.join(', ')],
      ['Date', new Date(one.time).toLocaleString()], ['State', stand(one)],
      ['Signature', one.signature], ['Id', make('span', {class: 'mono'}, one.id)]];
    const files = one.attachments.map((file) => make('li', {}, make('bdi', {}, file.name), ` (${file.size} bytes) `,
      make('code', {}, `bmsg read ${one.id.slice(0, 12)} --attachments DIR`)));
    const reply = make('a', {class: 'btn btn-primary btn-sm', href: '#compose', onclick: () => {
      draft = {to: one.from, subject: one.subject ? 'Re: ' + one.subject.replace(/^Re: /, '') : '', reply_to: one.id};
    }}, 'Reply');
    return [heading(one.subject || 'Message', one.from && one.direction !== 'out' ? reply : null),
      make('dl', {class: 'facts'}, facts.map(([name, value]) => [make('dt', {}, name), make('dd', {}, value)])),
      make('div', {}, tags(one)),
      make('div', {class: 'body'}, one.body === null ? `(${one.size} bytes that are no text)` : one.body),
      files.length ? [make('h2', {class: 'h6'}, 'Files'), make('ul', {}, files)] : null];
  },

  async compose(path) {
    const contacts = await ask('contacts' + path.quiet);
    const given = draft;
    draft = {};
    const field = (name, text, input, help) => make('div', {class: 'mb-3'},
      make('label', {class: 'form-label', for: name}, text), input, help || null);
    const to = make('input', {id: 'to', class: 'form-control', list: 'names', autocomplete: 'off', value: given.to});
    const open = make('input', {id: 'public', type: 'checkbox', class: 'form-check-input', onchange: () => {
      to.disabled = open.checked;
    }});
    const subject = make('input', {id: 'subject', class: 'form-control', value: given.subject});
    const count = make('div', {class: 'form-text', 'aria-live': 'off'}, '0 bytes');
    const body = make('textarea', {id: 'body', class: 'form-control', rows: 9, required: true, oninput: () => {
      count.textContent = new TextEncoder().encode(body.value).length + ' bytes';
    }});
    const button = make('button', {class: 'btn btn-primary'}, 'Queue');
    const fault = make('div', {});
    const send = async (event) => {
      event.preventDefault();
      const names = to.value.split(',').map((name) => name.trim()).filter(Boolean);
      const mine = open.checked ? [] : names;
      const strangers = mine.filter((name) => contacts.some((one) => one.name === name && one.trust !== 'verified'));
      if (strangers.length && !confirm(`Not verified: ${strangers.join(', ')}. Send all the same?`)) return;
      button.disabled = true;
      button.textContent = 'Sealing…';
      try {
        await ask('send', {to: mine, subject: subject.value, body: body.value, public: open.checked,
                           reply_to: given.reply_to || ''});
        say('Queued.');
        location.hash = '#outbox';
      } catch (error) {
        fault.replaceChildren(failed(error));
      }
      button.disabled = false;
      button.textContent = 'Queue';
    };
    return [heading('Compose'), fault, make('form', {onsubmit: send},
      field('to', 'To', to, make('div', {class: 'form-text'}, 'Names or addresses, with commas between them.')),
      make('datalist', {id: 'names'}, contacts.map((one) => make('option', {value: one.name}))),
      make('div', {class: 'form-check mb-3'}, open,
           make('label', {class: 'form-check-label', for: 'public'}, 'Public: for everybody to read')),
      field('subject', 'Subject', subject), field('body', 'Text', body, count), button, ' ',
      make('span', {class: 'quiet'}, 'as ', make('code', {}, 'bmsg send'), ' does'))];
  },

  async outbox(path) {
    const all = await ask('outbox' + path.quiet);
    const names = new Map((await ask('contacts' + path.quiet)).map((one) => [one.address, one.name]));
    const fault = make('div', {});
    const stop = make('button', {class: 'btn btn-sm btn-outline-secondary', hidden: true,
      onclick: () => ask('mine/stop', {}).catch((error) => say(error.message))}, 'Stop');
    const mine = make('button', {class: 'btn btn-sm btn-primary', onclick: async () => {
      mine.disabled = true;
      stop.hidden = false;
      mine.textContent = 'Mining…';
      try {
        const [made] = await ask('mine', {});
        say(made.type === 'block' ? `Block ${made.height} was mined.` : made.ok ? 'There is nothing to mine.' : 'Stopped.');
        show(true);
      } catch (error) {
        fault.replaceChildren(failed(error));
      }
      mine.disabled = false;
      stop.hidden = true;
      mine.textContent = 'Mine now';
    }}, 'Mine now');
    const rows = all.reverse().map((one) => make('li', {class: 'item'},
      make('div', {class: 'line'}, make('span', {}, one.to.map((to) => names.get(to) || short(to)).join(', ') || 'everybody'), when(one.since)),
      make('div', {}, tag(one.state, one.state === 'failed' ? 'alarm' : '', 'State'),
           one.height === null ? null : tag(`block ${one.height}, ${confirmed(one)}`),
           one.reason ? make('span', {class: 'quiet'}, one.reason) : null),
      make('div', {class: 'mono quiet'}, short(one.id))));
    return [heading('Outbox', make('div', {}, mine, ' ', stop)), fault,
      rows.length ? make('ul', {class: 'list', 'aria-label': 'Queued messages'}, rows)
        : empty('Nothing waits. To send something:', 'bmsg send NAME -m TEXT')];
  },

  async contacts(path) {
    const all = await ask('contacts' + path.quiet);
    const [own] = await ask('identity' + path.quiet);
    const words = (one) => [
      make('dl', {class: 'facts words'},
        make('dt', {}, 'Their words'), make('dd', {}, one.fingerprint),
        one.trust === 'verified' ? null : [make('dt', {}, 'Your words'), make('dd', {}, own.fingerprint)]),
      one.trust === 'verified' ? null : make('div', {class: 'quiet'}, 'Compare them by voice or face to face, then ',
        make('code', {}, 'bmsg contact verify ' + quoted(one.name)))];
    const rows = all.map((one) => make('li', {class: 'item'},
      make('div', {class: 'line'}, make('strong', {}, one.name), make('span', {}, one.kind)),
      one.kind === 'group' ? null : tag(one.trust, {verified: 'good', blocked: 'alarm'}[one.trust], 'Trust'),
      one.kind === 'person' ? tag('card ' + one.card, one.card === 'ok' ? '' : 'alarm') : null,
      one.kind === 'person' && one.fingerprint ? words(one) : null,
      one.address ? make('div', {class: 'mono quiet'}, one.address) : null,
      one.members ? make('div', {class: 'quiet'}, one.members.join(', ')) : null));
    return [heading('Contacts'), rows.length
      ? [make('ul', {class: 'list', 'aria-label': 'Contacts'}, rows),
         make('p', {class: 'quiet mt-3'}, 'One more: ', make('code', {}, 'bmsg contact add NAME ADDRESS'))]
      : empty('You have named nobody yet:', 'bmsg contact add NAME ADDRESS')];
  },

  async blocks(path) {
    const all = await ask('blocks' + path.quiet);
    const row = (one) => make('tr', {}, make('td', {}, String(one.height)), make('td', {}, when(one.time)),
      make('td', {class: 'text-end'}, String(one.messages)),
      make('td', {class: 'text-end d-none d-sm-table-cell'}, String(one.size)),
      make('td', {class: 'mono'}, '…' + one.hash.slice(-8)));
    const head = (text, kind) => make('th', {scope: 'col', class: kind}, text);
    return [heading('Chain'),
      make('p', {class: 'quiet'}, 'The newest blocks, up to 100. ', make('code', {}, 'bmsg verify'), ' checks all of them.'),
      make('div', {class: 'table-responsive', tabindex: 0, role: 'region', 'aria-label': 'Blocks'}, make('table', {class: 'table'},
      make('thead', {}, make('tr', {}, head('Height'), head('Time'), head('Messages', 'text-end'), head('Bytes', 'text-end d-none d-sm-table-cell'), head('Hash'))),
      make('tbody', {}, all.map(row))))];
  },

  async status(path) {
    const [one] = await ask('state' + path.quiet);
    const [who] = await ask('identity' + path.quiet);
    const outbox = Object.entries(one.outbox).map(([state, count]) => `${count} ${state}`).join(', ');
    const facts = [['You', who.address], ['Words', who.fingerprint], ['Chain', `${one.chain} (${one.mode})`],
      ['Height', String(one.height)], ['Work', one.total_work], ['Pool', `${one.pool.messages} messages`],
      ['Outbox', outbox], ['Peers', `${one.peers.ok} ok, ${one.peers.bad} not`], ['Store', one.path]];
    return [heading('Status'), one.attention.map((it) => make('div', {class: 'failed'}, it.text,
      it.next ? make('div', {}, make('code', {}, it.next)) : null)),
      make('dl', {class: 'facts'}, facts.map(([name, value]) => [make('dt', {}, name), make('dd', {}, value || '–')]))];
  },
};

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
    token = '';
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
  if (token && !document.hidden) {
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
  if (!token || Date.now() - wrote < 60000) return;
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
      const [session] = await ask('enter', {token: link});
      token = session.token;
      localStorage.setItem('token', token);
    } catch (error) {
      locked(error);
      return;
    }
  }
  if (token) show(); else locked();
}

leave.addEventListener('click', async () => {
  await ask('leave', {}).catch(() => {});
  refuse({status: 401});
});
window.addEventListener('hashchange', () => {
  if (location.hash.startsWith('#t=')) begin(); else if (token) show();
});
document.addEventListener('keydown', press);
document.addEventListener('input', write);
begin().then(look);
