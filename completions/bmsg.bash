# Completion of bmsg for bash: the program itself knows what may follow.

_bmsg() {
  local words=() word line i quoted
  # Readline splits words at ':' and '=' too, which urls and --option=value have inside.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $i -gt 1 && ${#words[@]} -gt 0 && ($word == [:=]* || ${words[-1]} == *[:=]) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  word=${words[-1]}
  words[-1]=${word//[\\\'\"]/}
  local shown=${words[-1]} cut=''
  [[ $shown == *[:=]* ]] && cut=${shown%"${shown##*[:=]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o default ;;
      :directories) compopt -o dirnames ;;
      *)
        line=${line%%$'\t'*}
        line=${line#"$cut"}
        # Names may hold anything that can be printed: what the shell would read is quoted.
        printf -v quoted %q "$line"
        [[ $word != [\'\"]* || $quoted == "$line" ]] && COMPREPLY+=("$quoted")
        ;;
    esac
  done < <(command bmsg __complete -- "${words[@]}" 2>/dev/null)
}
complete -F _bmsg bmsg
