// The view of the nodes that are known.
import {ask, empty, heading, make, say, tag, when} from './base.js';
import {again} from './app.js';
import {command, doing, field, filled, folded, line, remarks, section, twice} from './form.js';

const kinds = {ok: 'good', banned: 'alarm', backoff: 'alarm'};
const many = (count, one, more) => `${count} ${count === 1 ? one : more}`;

/** What came of syncs. */
function outcome(objects) {
  const told = objects.filter((one) => one.type === 'sync');
  const worked = told.filter((one) => !one.error);
  return make('div', {}, told.length ? make('p', {class: worked.length ? 'verdict good' : 'verdict bad'},
    `${many(worked.length, 'peer', 'peers')} of ${told.length} answered.`) : make('p', {class: 'quiet'}, 'Nobody was asked.'),
  make('ul', {}, told.map((one) => make('li', {}, make('bdi', {class: 'mono'}, one.peer), ': ', one.error ||
    `${many(one.pulled_blocks, 'block', 'blocks')} came, ${one.pushed_blocks} went; ` +
    `${many(one.pulled_messages, 'message', 'messages')} came, ${one.pushed_messages} went`))));
}

const shown = make('div', {role: 'status'});  // It stays when the view is drawn anew.

function adding() {
  const fault = make('div', {});
  const url = line({required: true, inputmode: 'url', spellcheck: 'false'});
  const key = line({spellcheck: 'false', pattern: '[0-9a-f]{64}', class: 'form-control mono'});
  return folded('Add a peer', fault, filled('Add', fault, async () => {
    remarks(await ask('peer', {verb: 'add', url: url.value.trim(), node: key.value.trim()}));
    say('Added.');
    await again();
  }, field('peer-url', 'Address', url, 'What bmsg serve prints there. Without TLS it may only be on this machine.'),
    field('peer-key', 'Its key, if you know it', key, '64 hex digits; else the first meeting pins it.')),
    make('p', {class: 'quiet mt-2'}, command('bmsg peers add URL')));
}

export async function peers(path) {
  const all = await ask('peers' + path.quiet);
  const fault = make('div', {});
  const change = (one, verb, word) => async () => {
    remarks(await ask('peer', {verb, url: one.url}));
    say(word);
    await again();
  };
  const sync = (body) => async () => {
    shown.replaceChildren(make('p', {}, 'Asking…'));
    try {
      shown.replaceChildren(outcome(remarks(await ask('sync', body))));
    } catch (error) {
      shown.replaceChildren();
      throw error;
    }
    await again();
  };
  const rows = all.map((one) => [
    make('tr', {class: 'upper'}, make('th', {scope: 'row', class: 'url mono'}, make('bdi', {}, one.url)),
      make('td', {}, tag(one.state, kinds[one.state], 'State')), make('td', {class: 'text-end'}, one.height === null ? '–' : String(one.height)),
      make('td', {class: 'text-end'}, one.latency_ms === null ? '–' : `${one.latency_ms} ms`),
      make('td', {class: 'd-none d-sm-table-cell'}, one.last_seen ? when(one.last_seen) : 'never'),
      make('td', {class: 'd-none d-md-table-cell'}, one.source)),
    make('tr', {}, make('td', {colspan: 6},
      one.last_error ? make('div', {class: 'quiet wrap'}, make('bdi', {}, one.last_error)) : null,
      make('div', {class: 'actions'}, doing('Sync', 'outline-secondary', fault, sync({url: one.url})),
        one.state === 'banned' ? doing('Unban', 'outline-secondary', fault, change(one, 'unban', 'Not banned any more.'))
          : doing('Ban for a day', 'outline-secondary', fault, change(one, 'ban', 'Banned.')),
        twice('Remove', 'Forget this peer?', fault, change(one, 'rm', 'Removed.')))))]);
  const column = (text, kind) => make('th', {scope: 'col', class: kind}, text);
  return [heading('Peers', all.length ? doing('Sync now', 'primary', fault, sync({})) : null), fault, shown,
    all.length ? make('div', {class: 'table-responsive', tabindex: 0, role: 'region', 'aria-label': 'Peers'},
      make('table', {class: 'table peers'}, make('thead', {}, make('tr', {}, column('Address'), column('State'), column('Height', 'text-end'),
        column('Latency', 'text-end'), column('Seen', 'd-none d-sm-table-cell'), column('From', 'd-none d-md-table-cell'))),
      make('tbody', {}, rows)))
      : empty('This store knows no other node:', 'bmsg peers add URL'),
    adding(),
    section('In a terminal', make('div', {class: 'actions quiet'}, command('bmsg peers list'), command('bmsg sync'), command('bmsg peers ban URL'),
      command('bmsg peers rm URL')))];
}
