// The views of contacts, and of who one is oneself.
import {ask, empty, failed, heading, make, quoted, say, short, tag, when} from './base.js';
import {again} from './app.js';
import {command, copied, doing, facts, field, filled, folded, line, remarks, twice} from './form.js';
import {code} from './svg.js';

const kinds = {verified: 'good', blocked: 'alarm'};
const link = (one) => '#contact/' + encodeURIComponent(one.name);

const tagsOf = (one) => [
  one.kind === 'group' ? null : tag(one.trust, kinds[one.trust], 'Trust'),
  one.kind === 'person' ? tag('card ' + one.card, one.card === 'ok' ? '' : 'alarm') : null];

async function you(path) {
  const [own] = await ask('identity' + path.quiet);
  const [mine] = await ask('code' + path.quiet);
  const fault = make('div', {});
  return folded('You: what others need to write to you', fault,
    make('div', {class: 'beside'}, code(mine.rows, 'QR code of your address'),
      make('div', {},
        facts([['Words', make('strong', {}, own.fingerprint)], ['Address', make('span', {class: 'mono'}, own.address)]]),
        make('div', {class: 'actions'}, copied('the address', own.address, fault),
          mine.card ? copied('the card', mine.card, fault) : null),
        mine.card ? make('p', {}, 'Whoever has the card can write to you at once.') : null,
        make('p', {class: 'quiet'}, command('bmsg id --qr'), ' shows the code in a terminal, ',
          command('bmsg id --card'), ' prints the card.'))));
}

function adding() {
  const fault = make('div', {});
  const name = line({required: true, maxlength: 64});
  const address = make('textarea', {class: 'form-control mono', rows: 3, required: true, spellcheck: 'false'});
  return folded('Add a contact', fault, filled('Add', fault, async () => {
    const [made] = remarks(await ask('contact', {verb: 'add', name: name.value, address: address.value.trim()}));
    location.hash = link(made || {name: name.value});
  }, field('contact-name', 'Name', name, 'Your word for them. Nobody else sees it.'),
    field('contact-address', 'Address or card', address,
      'Paste what they sent you: a line that begins with bmsg1, a card, or the box of a room.')));
}

export async function contacts(path) {
  const all = await ask('contacts' + path.quiet);
  const rows = all.map((one) => make('li', {}, make('a', {class: 'row-link', href: link(one)},
    make('div', {class: 'line'}, make('strong', {}, one.name), make('span', {}, one.kind)),
    tagsOf(one),
    one.members ? make('span', {class: 'quiet'}, one.members.join(', ')) : null,
    one.address ? make('div', {class: 'mono quiet'}, short(one.address)) : null)));
  return [heading('Contacts'), await you(path), adding(),
    rows.length ? make('ul', {class: 'list', 'aria-label': 'Contacts'}, rows)
      : empty('You have named nobody yet:', 'bmsg contact add NAME ADDRESS'),
    make('p', {class: 'quiet mt-3'}, 'In a terminal: ', command('bmsg contact list'))];
}

function comparing(one, own, fault) {
  const change = (verb, more) => async () => {
    remarks(await ask('contact', {verb, name: one.name, ...more}));
    say(verb === 'verify' ? 'Verified.' : 'Done.');
    await again();
  };
  return make('section', {class: 'part'}, make('h2', {}, 'Fingerprint words'),
    make('div', {class: 'pair'},
      make('div', {class: 'words'}, make('h3', {}, 'Theirs'), make('p', {}, one.fingerprint)),
      make('div', {class: 'words'}, make('h3', {}, 'Yours'), make('p', {}, own.fingerprint))),
    one.trust === 'verified'
      ? [make('p', {}, 'You have compared them.'), doing('Take it back', 'outline-secondary', fault, change('unverify'))]
      : [make('p', {}, 'Read yours to them and have them read theirs to you, by voice or face to face. Are both the same on both sides?'),
        doing('They are the same: verified', 'primary', fault, change('verify', {words: one.fingerprint})),
        make('p', {class: 'quiet mt-2'}, command('bmsg contact verify', quoted(one.name)))]);
}

const told = {card: 'a card', device: 'a new device', retired: 'a device was retired', revocation: 'the key was revoked',
  succession: 'a successor was proposed'};

async function history(one, path) {
  const events = await ask('contact/log?name=' + encodeURIComponent(one.name) + path.and);
  return make('section', {class: 'part'}, make('h2', {}, 'History of their keys'),
    events.length ? make('ul', {class: 'list', 'aria-label': 'History of keys'}, events.map((event) => make('li', {class: 'item'},
      make('div', {class: 'line'}, make('span', {}, told[event.event] || event.event,
        event.device === null || event.device === undefined ? '' : `, device ${event.device}`), when(event.time)),
      make('div', {class: 'quiet'}, event.height === null ? 'in no block yet' : `block ${event.height}`, ' ',
        make('a', {href: '#object/' + event.id}, short(event.id))))))
      : make('p', {class: 'quiet'}, 'Nothing of it has come yet: ', command('bmsg sync')),
    make('p', {class: 'quiet'}, command('bmsg contact log', quoted(one.name))));
}

function treating(one, fault) {
  const act = (body, word) => async () => {
    remarks(await ask('contact', {name: one.name, ...body}));
    say(word);
    await again();
  };
  const name = line({value: one.name, required: true, maxlength: 64});
  const policy = make('select', {class: 'form-select', onchange: async () => {
    try {
      await act({verb: 'set', ack: policy.value}, 'Set.')();
    } catch (error) {
      fault.replaceChildren(failed(error));
    }
  }}, [['never', 'never'], ['asked', 'when they ask for it'], ['read', 'whenever it is read']].map(([value, text]) =>
    make('option', {value, selected: value === one.ack}, text)));
  return make('section', {class: 'part'}, make('h2', {}, 'How they are treated'),
    one.kind === 'person' ? field('policy', 'Acknowledge their mail', policy) : null,
    filled('Rename', fault, async () => {
      const given = name.value;
      remarks(await ask('contact', {verb: 'rename', name: one.name, new: given}));
      location.replace(link({name: given}));
    }, field('new-name', 'Name', name)),
    make('div', {class: 'actions mt-3'},
      one.kind === 'group' ? null : one.trust === 'blocked'
        ? doing('Unblock', 'outline-secondary', fault, act({verb: 'unblock'}, 'Not blocked any more.'))
        : doing('Block', 'outline-secondary', fault, act({verb: 'block'}, 'Blocked.')),
      twice('Remove', 'Forget this contact?', fault, async () => {
        await ask('contact', {verb: 'rm', name: one.name});
        say('Removed.');
        location.hash = '#contacts';
      })));
}

export async function contact(path) {
  const name = decodeURIComponent(path.rest);
  const one = (await ask('contacts' + path.quiet)).find((it) => it.name === name);
  if (!one) return [heading('Contact'), empty('Nobody has this name here:', 'bmsg contact list')];
  const [own] = await ask('identity' + path.quiet);
  const fault = make('div', {});
  return [heading(one.name, one.kind === 'group' ? null
    : make('a', {class: 'btn btn-sm btn-primary', href: '#compose/' + encodeURIComponent(one.name)}, 'Write')), fault,
    make('div', {class: 'mb-2'}, tagsOf(one)),
    facts([['Kind', one.kind], ['Address', one.address ? make('span', {class: 'mono'}, one.address) : null],
      ['Devices', one.kind === 'person' ? String(one.devices) : null],
      ['Members', one.members ? one.members.join(', ') : null], ['Note', one.note],
      ['Added', one.added ? when(one.added) : null]]),
    one.successors.length ? make('div', {class: 'failed'}, 'Another address was proposed in place of this one; whoever stole the key could have done it. Compare its words first: ',
      one.successors.join(', '), ' ', command('bmsg contact move', quoted(one.name), 'ADDRESS')) : null,
    one.kind === 'person' && one.fingerprint ? comparing(one, own, fault) : null,
    treating(one, fault),
    one.address && one.kind === 'person' ? await history(one, path) : null];
}
