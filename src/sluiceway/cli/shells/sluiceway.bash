# Completion of sluiceway in bash. `sluiceway completion --help` says where this goes.

_sluiceway() {
    COMPREPLY=()
    # bash splits words at = and : too. Here they are as they were typed, up to the cursor and without quotes.
    local rest=${COMP_LINE:0:COMP_POINT} typed="" current="" word trimmed i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        trimmed=${rest#"${rest%%[![:space:]]*}"}
        word=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && word=$trimmed
        if ((i > 0)) && [[ $trimmed != "$rest" ]]; then
            ((i > 1)) && typed+=$current$'\x1f'
            current=""
        fi
        ((i > 0)) && current+=$word
        rest=${trimmed#"$word"}
    done
    typed+=$current$'\x1f'
    typed=${typed//[\"\'\\]/}
    local quoted=0
    [[ $current == [\"\']* ]] && quoted=1
    current=${current//[\"\'\\]/}

    # What stands before the last = or : is not replaced.
    local breaks="" kept=""
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+="="
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=":"
    [[ -n $breaks ]] && kept=${current%"${current##*[$breaks]}"}

    local program=${COMP_WORDS[0]} line value files=0 prefix="" begun=0
    type -P -- "$program" >/dev/null 2>&1 || program=sluiceway
    while IFS= read -r line; do
        if [[ $line == $'\x1f'* ]]; then
            case ${line#?} in
                begin) begun=1 ;;
                files) files=1 ;;
                prefix*) prefix=${line#*$'\t'} ;;
            esac
        elif ((begun)) && [[ -n $line ]]; then
            value=$prefix${line%%$'\t'*}
            [[ $value == "$current"* ]] || continue
            value=${value#"$kept"}
            if ((quoted)); then
                # Within quotes nothing may stand that the shell would act on.
                [[ $value == *[!A-Za-z0-9_./:=,@%+-]* ]] && continue
            else
                printf -v value %q "$value"
            fi
            COMPREPLY+=("$value")
        fi
    done < <(CYCLOPTS_COMPLETION_WORDS=$typed "$program" __complete 2>/dev/null </dev/null)
    if ((files)); then
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do
            COMPREPLY+=("$line")
        done < <(compgen -f -- "${current#"$kept"}")
    fi
}

complete -F _sluiceway sluiceway
