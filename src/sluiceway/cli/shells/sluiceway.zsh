#compdef sluiceway
# Completion of sluiceway in zsh. `sluiceway completion --help` says where this goes.

_sluiceway() {
    local program=${words[1]} line value prefix="" begun=0 files=0
    (( $+commands[$program] )) || [[ -x $program ]] || program=sluiceway
    local -a typed lines values shown
    typed=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
    lines=("${(@f)$(CYCLOPTS_COMPLETION_WORDS="${(pj:\x1f:)typed}"$'\x1f' $program __complete 2>/dev/null </dev/null)}")
    for line in "${lines[@]}"; do
        case $line in
            $'\x1f'begin) begun=1 ;;
            $'\x1f'files) files=1 ;;
            $'\x1f'prefix*) prefix=${line#*$'\t'} ;;
            $'\x1f'* | "") ;;
            *)
                (( begun )) || continue
                value=${line%%$'\t'*}
                values+=("$value")
                [[ $line == *$'\t'* ]] && value+=" -- ${line#*$'\t'}"
                shown+=("$value")
                ;;
        esac
    done
    [[ -n $prefix ]] && compset -p ${#prefix}
    (( $#values )) && compadd -l -d shown -a -- values
    (( files )) && _files
    return 0
}

if [[ $funcstack[1] == _sluiceway ]]; then
    _sluiceway "$@"
else
    compdef _sluiceway sluiceway
fi
