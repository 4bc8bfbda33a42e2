# Completion of bmsg for bash: commands, then the verbs of those that have some.

_bmsg() {
  local word=${COMP_WORDS[COMP_CWORD]} command='' i
  local commands='init id contact send outbox mine inbox read sync peers serve status log show
    verify export import
    config backup restore repair passwd unlock lock schedule doctor
    rev-parse cat hash submit-block rev-list ls-messages ls-peers ls-pool count make-block
    pow check-header witness seal open help version'
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -C | -c | --store | --identity) ((i++)) ;;
      -*) ;;
      *)
        command=${COMP_WORDS[i]}
        break
        ;;
    esac
  done
  local choices=''
  case $command in
    '') choices=$commands ;;
    help) choices=$commands ;;
    id) choices='show list new use rm' ;;
    contact) choices='add list show verify set move block unblock rename rm group import export' ;;
    outbox) choices='list show cancel retry flush' ;;
    peers) choices='list add rm show ban unban probe export' ;;
    witness) choices='show set' ;;
    config) choices='list get set unset path' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}
complete -o default -F _bmsg bmsg
