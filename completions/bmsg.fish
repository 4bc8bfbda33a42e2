# Completion of bmsg for fish: the program itself knows what may follow.

function __bmsg_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l word $words[-1]
    for line in (command bmsg __complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path $word
            case ':directories'
                __fish_complete_directories $word
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c bmsg -f -a '(__bmsg_complete)'
