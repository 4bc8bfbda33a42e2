// The views of mail: what came, one message, writing, and what waits to go.
import {
  ask, confirmed, empty, failed, heading, make, say, sender, short, stand, tag, tags, when
} from './base.js';
import {again} from './app.js';

let draft = {};  // What Reply gives to Compose.

export async function inbox(path) {
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
}

export async function message(path) {
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
}

export async function compose(path) {
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
}

export async function outbox(path) {
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
      again();
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
}
