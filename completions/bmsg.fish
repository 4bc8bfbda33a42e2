# Completion of bmsg for fish: commands, then the verbs of those that have some.

set -l commands init id contact send outbox mine inbox read sync peers serve status log show verify \
    export import \
    config backup restore repair passwd unlock lock schedule doctor \
    rev-parse cat hash submit-block rev-list ls-messages ls-peers ls-pool count \
    make-block pow check-header witness seal open help version
complete -c bmsg -n "not __fish_seen_subcommand_from $commands" -f -a "$commands"
complete -c bmsg -n "__fish_seen_subcommand_from help" -f -a "$commands"
complete -c bmsg -n "__fish_seen_subcommand_from id" -f -a "show list new use rm"
complete -c bmsg -n "__fish_seen_subcommand_from contact" -f \
    -a "add list show verify set move block unblock rename rm group import export"
complete -c bmsg -n "__fish_seen_subcommand_from outbox" -f -a "list show cancel retry flush"
complete -c bmsg -n "__fish_seen_subcommand_from peers" -f \
    -a "list add rm show ban unban probe export"
complete -c bmsg -n "__fish_seen_subcommand_from config" -f -a "list get set unset path"
complete -c bmsg -n "__fish_seen_subcommand_from witness" -f -a "show set"
