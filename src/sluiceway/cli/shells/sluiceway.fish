# Completion of sluiceway in fish. `sluiceway completion --help` says where this goes.

function __sluiceway_complete
    set -l typed (commandline -opc)
    set -l program $typed[1]
    type -q -- $program; or set program sluiceway
    set -e typed[1]
    set -l current (commandline -ct)
    set -q current[1]; or set current ""
    set -l current (string unescape -- $current; or string trim --chars "'\"" -- $current)
    set -l prefix ""
    set -l begun 0
    set -lx CYCLOPTS_COMPLETION_WORDS (string join \x1f -- $typed $current)\x1f
    for line in (command $program __complete 2>/dev/null </dev/null)
        switch $line
            case \x1f'begin'
                set begun 1
            case \x1f'files'
                __fish_complete_path $current
            case \x1f'prefix*'
                set prefix (string split -m 1 \t -- $line)[2]
            case \x1f'*' ''
            case '*'
                test $begun -eq 1; and echo $prefix$line
        end
    end
end

complete -c sluiceway -f -a '(__sluiceway_complete)'
