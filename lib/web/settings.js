// The view of settings: who one is, the passphrase, a backup, what commands go by, regular work.
import {ask, Failure, failed, heading, make, say, session} from './base.js';
import {again, lock} from './app.js';
import {command, copied, doing, facts, field, filled, folded, line, remarks, section} from './form.js';

const secret = (kind) => line({type: 'password', autocomplete: kind, required: true});
const user = () => make('input', {hidden: true, autocomplete: 'username', value: 'bmsg'});

function same(one, other) {
  if (one.value !== other.value) throw new Failure({message: 'The two passphrases differ.'}, 0);
}

function passphrase(encrypted) {
  const fault = make('div', {});
  const [old, fresh, repeated] = [secret('current-password'), secret('new-password'), secret('new-password')];
  return section('Passphrase', make('p', {}, encrypted ? 'The keys of this store are behind a passphrase.'
    : 'The keys of this store are behind no passphrase: whoever reads its files is you.'), fault,
  folded(encrypted ? 'Change it' : 'Set one', filled(encrypted ? 'Change' : 'Set', fault, async () => {
    same(fresh, repeated);
    await ask('passphrase', {passphrase: encrypted ? old.value : '', new: fresh.value}).finally(() => {
      old.value = fresh.value = repeated.value = '';
    });
    say('The passphrase is another now.');
    await again();
  }, user(), encrypted ? field('old', 'The one so far', old) : null, field('fresh', 'The new one', fresh),
  field('repeated', 'The same again', repeated))),
  make('div', {class: 'actions'}, doing('Lock now', 'outline-secondary', fault, lock),
    make('span', {class: 'quiet'}, 'turns all browsers away and forgets the keys. ', command('bmsg passwd'), ' ', command('bmsg lock'))));
}

/** Bytes come, and no lines. */
async function fetched(words) {
  const answer = await fetch('/api/backup', {method: 'POST', credentials: 'same-origin', cache: 'no-store',
    headers: {'X-Bmsg-Token': session.token, 'Content-Type': 'application/json'}, body: JSON.stringify({passphrase: words})});
  if (!answer.ok) throw new Failure(JSON.parse(await answer.text()), answer.status);
  return answer.blob();
}

function backup(encrypted) {
  const fault = make('div', {});
  const [typed, repeated] = [secret(encrypted ? 'current-password' : 'new-password'), secret('new-password')];
  return section('Backup', make('p', {}, 'Keys and contacts in one file, for the day on which this store is lost. ' +
    'It is sealed under a passphrase; without that nobody opens it, you neither.'), fault,
  folded('Make a backup', filled('Download', fault, async () => {
    if (!encrypted) same(typed, repeated);
    const words = typed.value;
    typed.value = repeated.value = '';
    const link = URL.createObjectURL(await fetched(words));
    make('a', {href: link, download: 'bmsg-identity.backup'}).click();
    setTimeout(() => URL.revokeObjectURL(link), 60000);
    say('The backup was handed to the browser.');
  }, user(), field('typed', encrypted ? 'Passphrase of the store' : 'A passphrase for the backup', typed),
  encrypted ? null : field('typed-again', 'The same again', repeated))),
  make('p', {class: 'quiet'}, command('bmsg id backup FILE'), ' and ', command('bmsg id restore FILE'), '; ', command('bmsg backup'), ' copies mail, too.'));
}

const programs = ['core.editor', 'core.pager'];

function setting(one, fault) {
  const input = line({value: one.value, class: 'form-control form-control-sm mono', 'aria-label': one.key});
  const set = async (body, word) => {
    remarks(await ask('config/set', body));
    say(word);
    await again();
  };
  const isOurs = one.origin !== 'default';
  return make('li', {class: 'item'}, make('div', {class: 'line'}, make('span', {class: 'mono'}, one.key), make('span', {}, one.origin.split('/').pop())),
    programs.includes(one.key) ? make('div', {class: 'quiet'}, one.value || 'none', '; the page sets no program: ', command('bmsg config set', one.key, 'PROGRAM'))
      : make('div', {class: 'actions'}, input,
        doing('Set', 'outline-secondary', fault, () => set({key: one.key, value: input.value}, `${one.key} is set.`)),
        isOurs ? doing('Default', 'outline-secondary', fault, () => set({key: one.key}, `${one.key} is as usual.`)) : null));
}

async function config(path) {
  const all = await ask('config' + path.quiet);
  const fault = make('div', {});
  const isSet = all.some((one) => one.origin !== 'default');
  const own = all.filter((one) => one.origin !== 'default');
  return section('Settings of commands', make('p', {class: 'quiet'}, 'Each with its value and where that is from. ',
    command('bmsg config list --show-origin'), ' ', make('span', {}, 'What they mean: '), command('man bmsg-config')), fault,
  isSet ? make('ul', {class: 'list mb-3', 'aria-label': 'Settings that somebody set'}, own.map((one) => setting(one, fault)))
    : make('p', {}, 'All are as usual.'),
  folded('The others', make('ul', {class: 'list', 'aria-label': 'Settings as usual'},
    all.filter((one) => one.origin === 'default').map((one) => setting(one, fault)))));
}

async function schedule(path) {
  const cron = await ask('schedule?kind=cron' + path.and);
  const units = await ask('schedule?kind=systemd' + path.and);
  const fault = make('div', {});
  const part = (one) => [make('div', {class: 'actions'}, copied('it', one.text, fault), make('span', {class: 'mono'}, one.file)),
    make('pre', {class: 'text', tabindex: 0}, one.text)];
  return section('Regular work', make('p', {}, 'Mail goes and comes when something syncs and mines. These do it while you sleep.'), fault,
    folded('For cron', cron.map(part), make('p', {class: 'quiet'}, command('bmsg schedule --cron'), ' prints them, ', command('bmsg schedule --install=cron'), ' installs them.')),
    folded('For systemd', units.map(part), make('p', {class: 'quiet'}, command('bmsg schedule --systemd'), ' ', command('bmsg schedule --install=systemd'))));
}

const size = (bytes) => bytes >= 1 << 30 ? `${(bytes / (1 << 30)).toFixed(1)} GiB` : `${Math.floor(bytes / (1 << 20))} MiB`;

export async function settings(path) {
  const [who] = await ask('identity' + path.quiet);
  const [me] = await ask('me' + path.quiet);
  const [state] = await ask('state' + path.quiet);
  const [versions] = await ask('versions' + path.quiet);
  return [heading('Settings'),
    section('Identity', facts([['Name', me.name], ['Address', make('span', {class: 'mono'}, who.address)], ['Words', who.fingerprint],
      ['Device', `${me.device}${me.devices.length > 1 ? ` of ${me.devices.join(', ')}` : ''}`],
      ['Card', me.card ? `number ${me.card.seq}, ${me.card.state}, until ${new Date(me.card.expires).toLocaleDateString()}` : 'none']]),
    make('p', {class: 'quiet'}, make('a', {href: '#contacts'}, 'Address and code for others'), ' ', command('bmsg id'))),
    passphrase(me.encrypted), backup(me.encrypted), await config(path), await schedule(path),
    section('Room on the disk', facts([['Free', size(state.free_bytes)], ['Files of others', `${size(state.blobs.kept)} of ${size(state.blobs.quota)}`],
      ['Store', state.path]]), make('p', {class: 'quiet'}, command('bmsg status'))),
    section('Versions', facts(Object.entries(versions).filter(([name]) => name !== 'v' && name !== 'type')), make('p', {class: 'quiet'}, command('bmsg version')))];
}
